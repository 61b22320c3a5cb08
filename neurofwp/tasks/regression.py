"""In-context linear regression: examples of an unknown linear map, and after every one a new input to predict for."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr
from numpy.random import SeedSequence, default_rng

from neurofwp.tasks.task import whole

KIND = "neurofwp.regression"


def regression(inputs: int, examples: int, episodes: int, *, seed: int) -> xr.Dataset:
    """Episodes of x and y = w.x, with a new x to predict y for after each of them, and one before the first.

    ::

        event:      0      1      2      3    ...       examples + 1 events
        cue:        0      x1     x2     x3   ...       written first
        content:    0    w.x1   w.x2   w.x3   ...
        probe:      p0     p1     p2     p3   ...       then asked
        target:   w.p0   w.p1   w.p2   w.p3   ...

    All of w, x and p ~ N(0, I), independent; w is drawn once per episode and is not shown. The target of event n is
    thus what n examples should predict, for a new input each time, and its expected squared error is what
    `neurofwp.theory` gives for n examples; nothing is bounded. An episode depends on `seed`, `inputs` and its own
    number only: more episodes leave the first ones as they are, more examples the first events.

    Parameters
    ----------
    inputs : dimensions of x. examples : their number in an episode. episodes : their number.
    seed : a whole number >= 0.

    Returns
    -------
    Dataset of ``cue`` and ``probe`` (episode, event, input), ``content`` and ``target`` (episode, event, output), with
    one output. `attrs["settings"]` holds the arguments as JSON.

    Raises
    ------
    InputError
        for a count below 1, or a negative seed.
    """
    inputs, examples = whole("inputs", inputs), whole("examples", examples)
    episodes, seed = whole("episodes", episodes), whole("seed", seed, low=0)
    children = SeedSequence(seed).spawn(episodes)
    drawn = np.stack([default_rng(child).standard_normal((2 + 2 * examples, inputs)) for child in children])
    # x and p are drawn in turn, so that more examples are drawn after all others
    w, probe, cue = drawn[:, 0], drawn[:, 1::2], drawn[:, 2::2]
    cue = np.concatenate([np.zeros((episodes, 1, inputs)), cue], axis=1)
    of_input, of_output = ("episode", "event", "input"), ("episode", "event", "output")
    arrays = {
        "cue": (of_input, cue),
        "content": (of_output, np.einsum("eti,ei->et", cue, w)[..., np.newaxis]),
        "probe": (of_input, probe),
        "target": (of_output, np.einsum("eti,ei->et", probe, w)[..., np.newaxis]),
    }
    settings = {"inputs": inputs, "examples": examples, "episodes": episodes, "seed": seed}
    return xr.Dataset(
        {name: (dims, array, {"units": "1"}) for name, (dims, array) in arrays.items()},
        attrs={"kind": KIND, "settings": json.dumps({"task": "regression", **settings})},
    )
