"""Rates of populations, from spikes that are counted by hand."""

import numpy as np
import pytest
import xarray as xr

from neurofwp.metrics import population_rates


def test_spikes_are_counted_by_phase_population_and_cell() -> None:
    """Two episodes, two cells; one write of 100 ms and one read of 200 ms. Cell 1 of episode 0 fires twice in the
    write, once between both and four times in the read; cell 0 of episode 1 once in the write."""
    time = np.array([10.0, 20.0, 150.0, 210.0, 220.0, 230.0, 240.0, 50.0])
    episode, cell = np.array([0] * 7 + [1]), np.array([1] * 7 + [0])
    flags = {"flag_values": [0, 1], "flag_meanings": "value silent"}
    spikes = xr.Dataset(
        {
            "spike_time": ("spike", time),
            "spike_episode": ("spike", episode),
            "spike_cell": ("spike", cell),
            "spike_population": ("spike", np.zeros(8, int), flags),
        }
    )
    trace = xr.Dataset(
        {"weight": (("episode", "event"), np.zeros((2, 2)))},
        coords={
            "write_start": ("event", [0.0, np.nan]), "write_stop": ("event", [100.0, np.nan]),
            "read_start": ("event", [np.nan, 200.0]), "read_stop": ("event", [np.nan, 400.0]),
        },
    )  # fmt: skip
    rate = population_rates(trace, spikes)
    mean = rate.sel(population="value", statistic="mean")
    assert mean.sel(phase="write").item() == pytest.approx((20 + 10) / 4)  # 2 and 1 spikes in 100 ms, of four cells
    assert mean.sel(phase="read").item() == pytest.approx(20 / 4)
    high = rate.sel(population="value", phase="write", statistic="high")
    assert high.item() == pytest.approx(np.quantile([0, 20, 10, 0], 0.95))
    assert (rate.sel(population="silent") == 0).all()
    assert rate.attrs["units"] == "Hz"
