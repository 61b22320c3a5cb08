"""State tracking in a group that is not solvable: the composition so far of random permutations of five things."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.errors import InputError
from neurofwp.tasks.task import whole
from neurofwp.tasks.tokens.state_tracking import KIND, check_seed

MOST = 6  # things: the tables of 7 take hundreds of megabytes


def group(things: int) -> NDArray[np.int64]:
    """All permutations of so many things in lexicographic order, (permutation, place): where what lies there goes."""
    return np.array(list(permutations(range(things))))


def swaps(things: int) -> NDArray[np.int64]:
    """Numbers of those that exchange two things, and of the one that leaves all in place."""
    moved = (group(things) != np.arange(things)).sum(axis=1)
    return np.flatnonzero(moved <= 2)


def compositions(things: int) -> NDArray[np.int64]:
    """Number of the permutation that does one and then another, (later, earlier)."""
    every = group(things)
    digits = things ** np.arange(things)[::-1]  # read as numbers of base `things`, permutations are in order
    return np.searchsorted(every @ digits, every[:, every] @ digits)


def permuted_things(
    things: int, length: int, episodes: int, *, only_swaps: bool = False, seed: int | Sequence[int]
) -> xr.Dataset:
    """Episodes of random permutations, and after every one where each thing lies, and what all have come to.

    ::

        event:               0        1        2        3       things = 3, swaps only
        sends 0 1 2 to:    1 2 0    1 0 2    0 1 2    2 1 0
        token:               3        2        0        5
        place of thing 0:    1        0        0        2
        place of thing 1:    2        2        2        0
        place of thing 2:    0        1        1        1
        target:              3        1        1        4

    Tokens and targets are numbers of permutations in lexicographic order. Both are uniform, and a target tells nothing
    of the last token, so that who forgets one is right once in `things`! answers, and of one thing once in `things`.
    With five things or more no solvable group does it, and the task is complete for NC1 (Barrington 1989): no network
    of a depth that does not grow with the sequence and whose state moves by diagonal matrices does, if TC0 differs from
    NC1 (Merrill et al. 2024, arXiv 2404.08819). One step of the delta rule with write strength 2 swaps two things; any
    permutation takes `things` - 1 of them at most (Grazzi et al. 2024, arXiv 2411.12537; Siems et al. 2025). An episode
    depends on `seed`, `length` and its own number only.

    Parameters
    ----------
    things : 2 to 6. length : events of an episode. episodes : their number.
    only_swaps : after the first event, which may be any permutation, two things are swapped, or none is moved.
    seed : one or more whole numbers >= 0.

    Returns
    -------
    Dataset of whole numbers ``token`` and ``target`` (episode, event), and ``place`` (episode, event, thing).
    `attrs["settings"]` holds the arguments as JSON.

    Raises
    ------
    InputError
        for things that are not 2 to 6, a size below 1, or a negative seed.
    """
    things, length, episodes = whole("things", things, low=2), whole("length", length), whole("episodes", episodes)
    check_seed(seed)
    if things > MOST:
        raise InputError(f"things must be at most {MOST}, not {things}")
    every, composed = group(things), compositions(things)
    # one generator for each, or an episode's swaps would depend on how many episodes there are
    any_permutation, any_swap = map(np.random.default_rng, (seed, np.random.SeedSequence(seed).spawn(1)[0]))
    token = any_permutation.integers(len(every), size=(episodes, length))
    if only_swaps:
        allowed = swaps(things)
        token[:, 1:] = allowed[any_swap.integers(len(allowed), size=(episodes, length - 1))]
    target = token.copy()
    for event in range(1, length):
        target[:, event] = composed[token[:, event], target[:, event - 1]]
    of_event = ("episode", "event")
    arrays = {"token": (of_event, token), "target": (of_event, target), "place": ((*of_event, "thing"), every[target])}
    settings = {"things": things, "length": length, "episodes": episodes, "only_swaps": only_swaps, "seed": seed}
    return xr.Dataset(
        {name: (dims, array, {"units": "1"}) for name, (dims, array) in arrays.items()},
        attrs={"kind": KIND, "settings": json.dumps({"task": "permuted_things", **settings})},
    )
