"""Programs, truths and noise that tests of identification share."""

import numpy as np
import xarray as xr

from neurofwp import program
from neurofwp.rate import RateNetwork

PRE, POST = 30, 6  # of `task`


def reassigned(episodes: int = 6, seed: int = 0) -> xr.Dataset:
    """Graded keys of 6 of 24 cells, which overlap; five pairs, two of them reassigned; then three reads."""
    rng = np.random.default_rng(seed)
    order = np.array([0, 1, 2, 3, 4, 1, 0, 3, 1, 2])
    writes = np.arange(10) < 7
    key = np.zeros((episodes, 10, 24))
    for episode in range(episodes):
        keys = np.zeros((5, 24))
        for pair in keys:
            pair[rng.choice(24, 6, replace=False)] = rng.uniform(0.5, 1, 6)
        keys /= np.linalg.norm(keys, axis=1, keepdims=True)
        key[episode] = keys[order]
    value = rng.uniform(-1, 1, (episodes, 10, 4))
    gate = writes * rng.uniform(0.6, 1, 10)
    return program.from_arrays(key * writes[:, None], value, query=key * ~writes[:, None], write_gate=gate)


TRUTH = {
    "hebbian": {"rate": 0.6},
    "fixed_decay": {"rate": 0.6, "decay": 0.9},
    "scalar_decay": {"rate": 0.6, "decay_open": 0.85, "decay_closed": 0.97},
    "delta": {"rate": 0.6, "prediction_gain": 1.3, "prediction_threshold": 0.15},
    "gated_delta": {"rate": 0.7, "prediction_gain": 1.2, "prediction_threshold": 0.1, "decay": 0.93},
    "soft_bound": {"g_plus": 1.2, "g_minus": 1.5, "w_max": 0.8},
    "outstar": {"rate": 1.5, "scale": 0.6},
    "calcium_threshold": {
        "rate_p": 1.6, "rate_d": 1.2, "theta_p": 0.5, "theta_d": 0.25, "slope": 0.04, "drive_offset": 0.7, "w_max": 0.9,
    },
    "oja": {"rate": 0.3, "scale": 1.4},
}  # fmt: skip


def task(seed: int = 0, episodes: int = 6) -> xr.Dataset:
    """Graded keys that overlap; five pairs, two reassigned, one written twice; then four reads with the gate closed."""
    rng = np.random.default_rng(seed)
    order = np.array([0, 1, 2, 3, 4, 1, 0, 3, 0, 1, 2, 3])
    writes = np.arange(12) < 8
    key = np.zeros((episodes, 12, PRE))
    value = rng.uniform(-1, 1, (episodes, 12, POST))
    for episode in range(episodes):
        keys = np.zeros((5, PRE))
        for pair in keys:
            pair[rng.choice(PRE, 8, replace=False)] = rng.uniform(0.5, 1, 8)
        key[episode] = keys[order]
    value[:, 7] = value[:, 3]
    return program.from_arrays(
        key * writes[:, None], value, query=key * ~writes[:, None], write_gate=writes * rng.uniform(0.6, 1, 12)
    )


def noisy(clean: xr.Dataset, level: float, seed: int) -> xr.Dataset:
    """Conductances with noise of `level` times their standard deviation."""
    clean = clean.copy(deep=True)
    noise = np.random.default_rng(seed).normal(size=clean["conductance"].shape)
    clean["conductance"].values += level * clean["conductance"].values.std() * noise
    return clean


def with_noisy_keys(given: xr.Dataset, seed: int) -> xr.Dataset:
    """A Hebbian run in which every presynaptic cell fires more or less than the Program says, at each event."""
    rng = np.random.default_rng(seed)
    norm = (given["key"] ** 2).sum("pre") ** 0.5
    key = given["key"] * np.clip(rng.normal(1, 0.3, given["key"].shape), 0, None)
    unit_size = key / norm.where(norm > 0, 1)
    made = RateNetwork("hebbian", parameters={"rate": 0.5}, on_off=True, unit_keys=False).run(
        given.assign(key=unit_size)
    )
    return made.assign(pre_rate=(60 * key).assign_attrs(units="Hz"))
