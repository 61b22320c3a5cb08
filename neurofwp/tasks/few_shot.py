"""Few-shot classification of handwritten digits whose labels are drawn anew for every episode."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import xarray as xr
from numpy.random import Generator, SeedSequence, default_rng

from neurofwp.errors import InputError, unknown
from neurofwp.tasks.digits import DIGITS, Split, images, labels
from neurofwp.tasks.task import KIND, SCHEMA, check, sign, whole


def few_shot(
    ways: int, shots: int, queries: int, episodes: int, *, seed: int, split: Split | None = None
) -> xr.Dataset:
    """Episodes that show labelled digits, one of each class per round, and after every round ask for labels of others.

    ::

        event:    w  w  w | r  r  r  r  r  r | w  w  w | r  r  r  r  r  r     ways = 3, shots = 2, queries = 2
        shot:     0  0  0 | 1  1  1  1  1  1 | 1  1  1 | 2  2  2  2  2  2
        label:    2  0  1 | 1  0  0  2  1  2 | 0  2  1 | 1  2  0  0  1  2
                  round 1:  queries images     round 2
                  one of    of each class,
                  each      in random order
                  class

    The classes are `ways` of the 10 digits, and which label a digit gets is drawn for every episode, so that labels can
    only be learned inside an episode: who knows the digits alone is right once in `ways` answers. The code of a label
    is +1 at its own entry and -1 elsewhere. Every event has an image of its own: none comes twice in an episode, not
    even as a query. Writes and reads lie at the same events in every episode. An episode depends on `seed`, `ways`,
    `queries` and its own number only: more episodes leave the first ones as they are, more shots the first rounds.

    Parameters
    ----------
    ways : classes in an episode, 2 to 10.
    shots : rounds, each of them one example of every class.
    queries : images of every class that are asked for after every round.
    episodes : their number. seed : a whole number >= 0.
    split : draw from the "train" or the "test" images only.

    Returns
    -------
    Task (`neurofwp.tasks.task`) with `shot` and `label`. The cue is an image; content and target are the code of its
    label, dims (episode, event, label). `attrs["settings"]` holds the arguments as JSON.

    Raises
    ------
    InputError
        for a count below 1 (2 for ways), more ways than digits, more images of a digit than there are, or an unknown
        split.
    """
    ways, shots, queries = whole("ways", ways, low=2), whole("shots", shots), whole("queries", queries)
    episodes, seed = whole("episodes", episodes), whole("seed", seed, low=0)
    if ways > DIGITS:
        raise InputError(f"ways must be at most {DIGITS}, as there are no more digits, not {ways}")
    if split not in (None, *get_args(Split)):
        raise unknown("split of the digits", str(split), get_args(Split))
    needed, available = shots * (1 + queries), np.bincount(labels(split)).min()
    if needed > available:
        raise InputError(
            f"shots = {shots} and queries = {queries} need {needed} different images of every digit, "
            f"but of one there are only {available}; ask for fewer"
        )
    drawn = [_episode(ways, shots, queries, default_rng(child), split) for child in SeedSequence(seed).spawn(episodes)]
    dims = SCHEMA.dims | {name: SCHEMA.variables[name].or_dims for name in ("content", "target")}
    task = xr.Dataset(
        {name: (dims[name], np.stack([episode[name] for episode in drawn]), {"units": "1"}) for name in drawn[0]}
    )
    settings = {
        "task": "few_shot", "ways": ways, "shots": shots, "queries": queries, "episodes": episodes,
        "seed": seed, "split": split,
    }  # fmt: skip
    task.attrs = {"kind": KIND, "settings": json.dumps(settings)}
    return check(task)


def _episode(ways: int, shots: int, queries: int, rng: Generator, split: Split | None) -> dict[str, np.ndarray]:
    digits = rng.permutation(DIGITS)[:ways]  # the label of a digit is its place in here
    unseen = [iter(rng.permutation(np.flatnonzero(labels(split) == digit))) for digit in digits]
    once, asked = np.arange(ways), np.repeat(np.arange(ways), queries)
    label = np.concatenate([order for _ in range(shots) for order in (rng.permutation(once), rng.permutation(asked))])
    write = np.tile(np.arange(ways * (1 + queries)) < ways, shots)
    code = sign(np.eye(ways))[label]
    return {
        "cue": images(split)[[next(unseen[each]) for each in label]],
        "content": np.where(write[:, None], code, 0.0),
        "write": write,
        "target": np.where(write[:, None], np.nan, code),
        "shot": np.repeat(np.arange(shots), ways * (1 + queries)) + ~write,
        "label": label,
    }
