"""Gated pairs: pairs of digits to be stored amid distractors, marked by a context cue alone."""

from __future__ import annotations

import json
from typing import get_args

import numpy as np
import xarray as xr
from numpy.random import SeedSequence, default_rng

from neurofwp.errors import InputError, unknown
from neurofwp.tasks.digits import Split, images
from neurofwp.tasks.task import KIND, SCHEMA, check, sign, whole

CONTEXTS = default_rng(0).choice([-1.0, 1.0], size=(2, 8))  # of a distractor and of a pair to store, in all episodes


def gated_pairs(
    stored: int, distractors: int, episodes: int, *, noise: float = 0.5, seed: int, split: Split | None = None
) -> xr.Dataset:
    """Episodes that show pairs of digit images, some to be stored, and then ask for all of them.

    ::

        event:    s1 d1 s2 s3 d2 ...          | r(d1) r(s3) r(s1) ...
                  every pair once, in         every key, in
                  random order                random order
        context:  S  D  S  S  D  + noise      | 0 0 0 ...

    S and D are two patterns of +-1, the same in all episodes. Nothing but the context tells a pair to be stored from a
    distractor: images of both are drawn alike, and none is used twice in an episode. An episode depends on `seed` and
    its own number only.

    Parameters
    ----------
    stored, distractors : pairs of each kind per episode. episodes : their number.
    noise : standard deviation of Gaussian noise on each entry of the context.
    seed : a whole number >= 0. split : draw from the "train" or the "test" images only.

    Returns
    -------
    Task (`neurofwp.tasks.task`) with `pair`, `context` and `stored`, whether the pair of this event is to be stored.
    The target of a read is the pair's value, for distractors too: what should *not* come back.

    Raises
    ------
    InputError
        for counts below 1 (0 for distractors), more pairs than there are images, negative noise, or an unknown split.
    """
    stored, episodes, seed = whole("stored", stored), whole("episodes", episodes), whole("seed", seed, low=0)
    distractors = whole("distractors", distractors, low=0)
    if not noise >= 0:
        raise InputError(f"noise is a standard deviation and must be 0 or more, not {noise:g}")
    if split not in (None, *get_args(Split)):
        raise unknown("split of the digits", str(split), get_args(Split))
    pairs, available = stored + distractors, len(images(split))
    if 2 * pairs > available:
        raise InputError(f"{pairs} pairs need {2 * pairs} different images, but there are {available}")
    drawn = [_episode(stored, pairs, noise, default_rng(child), split) for child in SeedSequence(seed).spawn(episodes)]
    dims = {name: dims for name, dims in SCHEMA.dims.items() if name in drawn[0]}
    task = xr.Dataset(
        {name: (dims[name], np.stack([episode[name] for episode in drawn]), {"units": "1"}) for name in dims}
    )
    settings = {
        "task": "gated_pairs", "stored": stored, "distractors": distractors, "episodes": episodes,
        "noise": float(noise), "seed": seed, "split": split,
    }  # fmt: skip
    task.attrs = {"kind": KIND, "settings": json.dumps(settings)}
    return check(task)


def _episode(
    stored: int, pairs: int, noise: float, rng: np.random.Generator, split: Split | None
) -> dict[str, np.ndarray]:
    picture = images(split)[rng.permutation(len(images(split)))[: 2 * pairs]]
    order, asked = rng.permutation(pairs), rng.permutation(pairs)
    pair = np.concatenate([order, asked])
    write = np.arange(2 * pairs) < pairs
    cue, value = picture[:pairs][pair], sign(picture[pairs:][pair])
    context = CONTEXTS[(pair < stored).astype(int)] + noise * rng.standard_normal((2 * pairs, CONTEXTS.shape[1]))
    return {
        "cue": cue,
        "content": np.where(write[:, None], value, 0.0),
        "write": write,
        "target": np.where(write[:, None], np.nan, value),
        "pair": pair,
        "context": np.where(write[:, None], context, 0.0),
        "stored": pair < stored,
    }
