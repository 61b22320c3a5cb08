"""Multi-query associative recall: pairs of tokens, and later in the same sequence the keys alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.tasks.task import whole

KIND = "neurofwp.recall"
BLANK = 0
NOT_ASKED = -1
POWER = 0.1  # queries lie d events after the pairs with a probability that falls as d^(POWER - 1)


def recall(
    vocabulary: int,
    length: int,
    pairs: int,
    episodes: int,
    *,
    reassigned: float = 0.0,
    seed: int | Sequence[int],
) -> xr.Dataset:
    """Sequences that assign values to keys, and then ask for the last value of every key once.

    ::

        event:     0  1  2  3  4  5  6  7 |  8  9 10 11 12 13 14 ...    pairs = 3, reassigned = 1/3
        token:    k1 v1 k2 v2 k3 v3 k2 V2 | k3  .  . k1  . k2  .
        target:    -  -  -  -  -  -  -  - | v3  -  - v1  - V2  -
                  every pair, then some     every key, mostly soon after;
                  keys with a new value     in between blanks

    After Arora et al. (2023, arXiv 2312.04927): as there, a query stands at a distance from the pairs that follows a
    power law; reassignment is ours. Token 0 is the blank, keys come from the lower half of the vocabulary and values
    from the upper half. No value comes twice in a sequence, so that who only knows which ones came is right once in as
    many answers. A sequence depends on `seed`, the sizes and its own number only: more episodes leave the first ones as
    they are.

    Parameters
    ----------
    vocabulary : number of tokens. length : events of a sequence. pairs : keys in a sequence. episodes : sequences.
    reassigned : share of the keys that get a new value, once; rounded to whole pairs.
    seed : one or more whole numbers >= 0.

    Returns
    -------
    Dataset of ``token`` (episode, event); ``target`` (episode, event), the value that is asked for, -1 where none is;
    ``reassigned`` (episode, event), whether the key that is asked for was. `attrs["settings"]` holds the arguments as
    JSON.

    Raises
    ------
    InputError
        for a size below 1, a share outside [0, 1], a negative seed, or a vocabulary or length that is too small.
    """
    pairs, episodes = whole("pairs", pairs), whole("episodes", episodes)
    if not 0 <= reassigned <= 1:
        raise InputError(f"reassigned is a share of the keys and must be in [0, 1], not {reassigned:g}")
    if np.any(np.asarray(seed) < 0):
        raise InputError(f"seed must be 0 or more, not {seed}")
    renewals = round(reassigned * pairs)
    writes = pairs + renewals
    length = whole("length", length, low=2 * writes + pairs)
    vocabulary = whole("vocabulary", vocabulary, low=2 * max(pairs + 1, writes))
    half = vocabulary // 2

    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)]
    key = 1 + rngs[0].random((episodes, half - 1)).argsort(axis=1)[:, :pairs]
    value = half + rngs[1].random((episodes, vocabulary - half)).argsort(axis=1)[:, :writes]
    again = rngs[2].random((episodes, pairs)).argsort(axis=1)[:, :renewals]  # which keys are assigned anew
    asked = 2 * writes + _query_positions(episodes, pairs, length - 2 * writes, rngs[3])
    asked = rngs[4].permuted(asked, axis=1)  # no pair is asked sooner than another
    settings = {
        "vocabulary": vocabulary, "length": length, "pairs": pairs, "episodes": episodes,
        "reassigned": float(reassigned), "seed": seed,
    }  # fmt: skip
    return xr.Dataset(
        _sequences(key, value, again, asked, length),
        attrs={"kind": KIND, "settings": json.dumps({"task": "recall", **settings})},
    )


def _query_positions(episodes: int, queries: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Different positions of queries (episode, query) among the events after the pairs, more of them soon than late."""
    distance = 1 + np.arange(length)
    # the largest of log weight + Gumbel noise are a draw without replacement (Efraimidis & Spirakis 2006)
    score = (POWER - 1) * np.log(distance) + rng.gumbel(size=(episodes, length))
    return np.asarray(score.argsort(axis=1)[:, -queries:])


def _sequences(
    key: np.ndarray, value: np.ndarray, again: np.ndarray, asked: np.ndarray, length: int
) -> dict[str, tuple[tuple[str, str], np.ndarray, dict[str, str]]]:
    """The variables of a task.

    key (episode, pair), value (episode, write), again (episode, renewal): pairs whose key is assigned anew, asked
    (episode, pair): the event that asks for a key.
    """
    (episodes, pairs), writes = key.shape, value.shape[1]
    token = np.full((episodes, length), BLANK)
    token[:, 0 : 2 * writes : 2] = np.concatenate([key, np.take_along_axis(key, again, axis=1)], axis=1)
    token[:, 1 : 2 * writes : 2] = value
    last = value[:, :pairs].copy()
    np.put_along_axis(last, again, value[:, pairs:], axis=1)
    renewed = np.zeros((episodes, pairs), dtype=bool)
    np.put_along_axis(renewed, again, True, axis=1)
    target, marked = np.full_like(token, NOT_ASKED), np.zeros(token.shape, dtype=bool)
    for array, entries in ((token, key), (target, last), (marked, renewed)):
        np.put_along_axis(array, asked, entries, axis=1)
    arrays = {"token": token, "target": target, "reassigned": marked}
    return {name: (("episode", "event"), array, {"units": "1"}) for name, array in arrays.items()}


def without_blanks(task: xr.Dataset) -> xr.Dataset:
    """The same sequences of `recall` with their blanks left out: pairs, then at once all queries, in the same order.

    Returns
    -------
    Dataset of the same variables (episode, event), as many events as a sequence has tokens other than the blank.
    """
    kept = task["token"].values != BLANK
    return xr.Dataset(
        {
            name: (("episode", "event"), array.values[kept].reshape(len(kept), -1), array.attrs)
            for name, array in task.data_vars.items()
        },
        attrs=task.attrs,
    )
