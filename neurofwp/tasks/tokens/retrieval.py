"""Associative retrieval: numbered keys are bound to numbered values, and every value is asked for by its key."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurofwp.errors import InputError

KIND = "neurofwp.retrieval"


def retrieval(pairs: int, length: int, episodes: int, *, repeats: bool, seed: int | Sequence[int]) -> xr.Dataset:
    """Episodes that write pairs of a key and a value and then ask for the last value of every key that was written.

    ::

        event:    w1  w2  w3  w4  w5  w6 | r r r r r      pairs = 5, length = 6, repeats
        key:       3   0   3   1   4   0 | 0 1 2 3 4
        value:     2   1   4   4   0   3 |
        target:                          | 3 4 - 4 0      of key 2, which was not written, nothing is asked

    Without `repeats` no key and no value comes twice; with them, both are drawn with replacement: the two settings of
    Schlag, Irie & Schmidhuber (2021, arXiv 2102.11174). An episode depends on `seed` and its own number only: more
    episodes leave the first ones as they are.

    Parameters
    ----------
    pairs : how many keys there are, and how many values.
    length : writes in an episode; without repeats at most `pairs`.
    episodes : number of episodes.
    repeats : whether a key can be written again.
    seed : one or more whole numbers >= 0.

    Returns
    -------
    Dataset of numbers from 0 to pairs - 1: ``key`` and ``value`` (episode, event), what is written; ``target``
    (episode, pair), the last value of every key, -1 where there is none; ``query`` (episode), the key of one event
    drawn at random, for training on one read per episode. `attrs["settings"]` holds the arguments as JSON.

    Raises
    ------
    InputError
        for a size below 1, a negative seed, or more writes than keys without repeats.
    """
    for name, number in {"pairs": pairs, "length": length, "episodes": episodes}.items():
        if not isinstance(number, int) or number < 1:
            raise InputError(f"{name} must be a whole number of 1 or more, not {number!r}")
    if not repeats and length > pairs:
        raise InputError(f"length must be at most pairs ({pairs}) where no key comes twice, not {length}")
    if np.any(np.asarray(seed) < 0):
        raise InputError(f"seed must be 0 or more, not {seed}")
    for_writes, for_queries = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    if repeats:
        drawn = for_writes.integers(pairs, size=(episodes, 2, length))
    else:
        drawn = for_writes.random((episodes, 2, pairs)).argsort(axis=2)[..., :length]
    key, value = drawn[:, 0], drawn[:, 1]
    episode = np.arange(episodes)
    last = np.full((episodes, pairs), -1)
    np.maximum.at(last, (episode[:, np.newaxis], key), np.arange(length))
    target = np.where(last < 0, -1, np.take_along_axis(value, last, axis=1))
    arrays = {
        "key": (("episode", "event"), key),
        "value": (("episode", "event"), value),
        "target": (("episode", "pair"), target),
        "query": (("episode",), key[episode, for_queries.integers(length, size=episodes)]),
    }
    settings = {"pairs": pairs, "length": length, "episodes": episodes, "repeats": repeats, "seed": seed}
    return xr.Dataset(
        {name: (dims, array, {"units": "1"}) for name, (dims, array) in arrays.items()},
        attrs={"kind": KIND, "settings": json.dumps({"task": "retrieval", **settings})},
    )
