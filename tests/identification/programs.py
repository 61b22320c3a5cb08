"""A small Program that tests of identification share."""

import numpy as np
import xarray as xr

from neurofwp import program

ACTIVE, PRE, POST = 6, 24, 4


def reassigned(episodes: int = 6, seed: int = 0) -> xr.Dataset:
    """Graded keys of 6 of 24 cells, which overlap; five pairs, two of them reassigned; then three reads."""
    rng = np.random.default_rng(seed)
    order = np.array([0, 1, 2, 3, 4, 1, 0, 3, 1, 2])
    writes = np.arange(10) < 7
    key = np.zeros((episodes, 10, PRE))
    for episode in range(episodes):
        keys = np.zeros((5, PRE))
        for pair in keys:
            pair[rng.choice(PRE, ACTIVE, replace=False)] = rng.uniform(0.5, 1, ACTIVE)
        keys /= np.linalg.norm(keys, axis=1, keepdims=True)
        key[episode] = keys[order]
    value = rng.uniform(-1, 1, (episodes, 10, POST))
    gate = writes * rng.uniform(0.6, 1, 10)
    return program.from_arrays(key * writes[:, None], value, query=key * ~writes[:, None], write_gate=gate)
