"""State tracking: the sum so far of all numbers, modulo m. Modulo 2 it is parity."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.tasks.task import whole

KIND = "neurofwp.state_tracking"


def check_seed(seed: int | Sequence[int]) -> None:
    """
    Raises
    ------
    InputError
        for a negative one.
    """
    if np.any(np.asarray(seed) < 0):
        raise InputError(f"seed must be 0 or more, not {seed}")


def modular_sums(modulus: int, length: int, episodes: int, *, seed: int | Sequence[int]) -> xr.Dataset:
    """Episodes of random numbers, and at every event the sum of all numbers so far, modulo `modulus`.

    ::

        event:    0  1  2  3  4  5  6      modulus = 3, length = 7
        token:    2  1  0  2  2  1  0
        target:   2  0  0  2  1  2  2

    Numbers are uniform over 0 ... modulus - 1, and so is every target, whatever its event and the last number: who
    forgets one number is right once in `modulus` answers. Solving it for any length takes a state that is moved by an
    exact permutation at every event (Grazzi et al. 2024, arXiv 2411.12537). An episode depends on `seed`, `length` and
    its own number only: more episodes leave the first ones as they are.

    Parameters
    ----------
    modulus : 2 or more; 2 is parity.
    length : events of an episode. episodes : their number.
    seed : one or more whole numbers >= 0.

    Returns
    -------
    Dataset of whole numbers ``token`` and ``target`` (episode, event). `attrs["settings"]` holds the arguments as JSON.

    Raises
    ------
    InputError
        for a modulus below 2, a size below 1, or a negative seed.
    """
    modulus = whole("modulus", modulus, low=2)
    length, episodes = whole("length", length), whole("episodes", episodes)
    check_seed(seed)
    token = np.random.default_rng(seed).integers(modulus, size=(episodes, length))
    arrays = {"token": token, "target": token.cumsum(axis=1) % modulus}
    settings = {"modulus": modulus, "length": length, "episodes": episodes, "seed": seed}
    return xr.Dataset(
        {name: (("episode", "event"), array, {"units": "1"}) for name, array in arrays.items()},
        attrs={"kind": KIND, "settings": json.dumps({"task": "modular_sums", **settings})},
    )
