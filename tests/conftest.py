"""Settings of the whole test run, and the small Program and Trace that several tests read."""

from __future__ import annotations

import os

# before anything imports NumPy or torch: tests are small, and threads that wait for each other only slow them
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pytest
import xarray as xr
from hypothesis import settings

from neurofwp import program, provenance

settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


@pytest.fixture
def small_program() -> xr.Dataset:
    """Two episodes of three events, with targets."""
    rng = np.random.default_rng(7)
    key = (rng.random((2, 3, 5)) < 0.4).astype(float)
    value = rng.uniform(-1, 1, (2, 3, 4))
    return program.from_arrays(
        key, value, query=key[:, ::-1], write_gate=[1, 0.5, 0], retention=0.9, duration=[500, 400, 300.5], target=value
    )


@pytest.fixture
def small_trace() -> xr.Dataset:
    """A valid Trace of two episodes, with ON and OFF pools and a read that did not happen."""
    rng = np.random.default_rng(11)
    conductance = rng.uniform(0, 3, (2, 3, 2, 4, 5))
    recall = rng.normal(size=(2, 3, 4))
    recall[:, 0] = np.nan
    trace = xr.Dataset(
        {
            "weight": (("episode", "event", "post", "pre"), conductance[:, :, 0] - conductance[:, :, 1]),
            "recall": (("episode", "event", "post"), recall),
            "conductance": (("episode", "event", "polarity", "post", "pre"), conductance),
        },
        coords={"polarity": ["on", "off"], "read_start": ("event", [np.nan, 900.0, 1400.0])},
        attrs={"kind": "neurofwp.trace", "network": "spiking"},
    )
    for name, unit in {"weight": "nS", "recall": "1", "conductance": "nS", "read_start": "ms"}.items():
        trace[name].attrs["units"] = unit
    return provenance.stamp(trace, config={"regime": "additive", "probes": None}, seed=3)
