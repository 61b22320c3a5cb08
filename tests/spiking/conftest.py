"""Small programs, and one run of a small network that many tests read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import Hz

from neurofwp import program
from neurofwp.spiking import SpikingNetwork

PROBES = [(0, "on", 0, 0), (1, "off", 1, 39)]


def small_network(synapse: Any = "additive", **settings: Any) -> SpikingNetwork:
    """One cell per pool, on the numpy backend."""
    return SpikingNetwork(synapse, **{"cells_per_pool": 1, "backend": "numpy", **settings})


def simulate(what: xr.Dataset, synapse: Any = "additive", *, seed: int = 0, **settings: Any) -> xr.Dataset:
    """The Trace of a small network."""
    return small_network(synapse, **settings).run(what, seed=seed)


def record(
    what: xr.Dataset, synapse: Any = "additive", *, seed: int = 0, probes: Any = (), **settings: Any
) -> xr.DataTree:
    """Its recording."""
    return small_network(synapse, **settings).record(what, seed=seed, probes=probes)


def silent_without_key(**settings: Any) -> dict[str, Any]:
    """Poisson key cells that never fire at key = 0, so that what is not written stays exactly as it is."""
    return {"key_cells": "poisson", "parameters": {"key_rest_rate": 0 * Hz}, **settings}


def pairs(values: np.ndarray, *, pre: int = 40, active: int = 10, **settings: Any) -> xr.Dataset:
    """Write (episode, pair, post) values under disjoint keys, one event each, and read them in later events."""
    episodes, count, _ = values.shape
    key = np.zeros((episodes, 2 * count, pre))
    query = np.zeros_like(key)
    for i in range(count):
        cells = slice(i * active, (i + 1) * active)
        key[:, i, cells] = query[:, count + i, cells] = 1
    value = np.concatenate([values, np.zeros_like(values)], axis=1)
    return program.from_arrays(key, value, query=query, **{"duration": 400.0, **settings})


@pytest.fixture(scope="session")
def stored_program() -> xr.Dataset:
    """Two pairs in each of two episodes, with an event that both writes and reads in the second place."""
    rng = np.random.default_rng(5)
    made = pairs(rng.choice([-1.0, 1.0], (2, 2, 2)), duration=[400, 350, 400, 350])
    made["query"][:, 1, :10] = 1
    return made


@pytest.fixture(scope="session")
def recorded(stored_program: xr.Dataset) -> xr.DataTree:
    """Its recording, with two probes."""
    return record(stored_program, seed=3, probes=PROBES)


@pytest.fixture(scope="session")
def stored(recorded: xr.DataTree) -> xr.Dataset:
    """Its Trace."""
    return recorded["trace"].to_dataset()
