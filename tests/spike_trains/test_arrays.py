"""Arrays with units and SpikeMonitors as spike trains."""

from __future__ import annotations

from typing import Any

import brian2 as b2
import numpy as np
import pytest
import xarray as xr
from brian2 import Quantity, ms, mV, second

from neurofwp.errors import InputError
from neurofwp.spike_trains import from_arrays, from_monitor
from neurofwp.spike_trains.structure import in_seconds


def test_quantities_keep_every_bit() -> None:
    times = np.random.default_rng(0).uniform(0, 5, 100).cumsum()
    made = from_arrays([times * second, [], [3 * ms, 4 * ms]], stop=2 * second)
    assert made["spike_time"].values[:100].tobytes() == times.tobytes()
    assert made["spike_time"].attrs == {"units": "s", "stop": 2.0}
    np.testing.assert_array_equal(made["spike_cell"], np.repeat([0, 2], [100, 2]))
    assert made["spike_population"].attrs["sizes"] == [3]


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 1e3), ("us", 1e6)])
def test_numbers_stay_in_their_unit(unit: str, per_second: float) -> None:
    made = from_arrays([[1.1, 2.2]], units=unit)
    assert made["spike_time"].values.tolist() == [1.1, 2.2]
    np.testing.assert_array_equal(in_seconds(made), np.array([1.1, 2.2]) / per_second)


@pytest.mark.parametrize(
    ("times", "settings", "says"),
    [
        ([[2.0, 1.0]], {"units": "ms"}, "spike 1 of key cell 0 is at 1 ms, after one at 2 ms: times of a train must"),
        ([[], [1.0, np.nan]], {"units": "ms"}, "spike 1 of key cell 1 is at nan: spike times must be finite"),
        ([[1.0]], {}, 'spike times need a unit: give Brian2 quantities, or say it, like units="ms"'),
        ([[1.0]], {"units": "mV"}, "spike times must be in a unit of time, like s or ms, not in 'mV'"),
        ([[1.0] * mV], {}, "spike times of key cell 0 are in V: they need a unit of time, like ms"),
        ([[1.0] * ms, [2.0]], {}, "spike times of key cell 1 have no unit, but others have"),
        ([[1.0] * ms], {"units": "ms"}, "have a unit of their own: leave out units='ms'"),
        ({5: [1.0]}, {"units": "ms", "cells": 5}, "there is no key cell 5: the trains are of 5 cells, from 0 on"),
        ({-1: [1.0]}, {"units": "ms", "cells": 5}, "there is no key cell -1"),
        ([[[1.0]]], {"units": "ms"}, r"must be a list of numbers, but have the shape \(1, 1\)"),
        ([["a"]], {"units": "ms"}, "must be a list of numbers: could not convert"),
    ],
)
def test_bad_trains_are_refused_in_a_sentence(times: Any, settings: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        from_arrays(times, **settings)


def test_a_monitor_gives_the_trains_of_all_its_cells() -> None:
    b2.prefs.codegen.target = "numpy"
    cells = b2.SpikeGeneratorGroup(4, [3, 0, 0], [1, 2, 5] * ms)
    monitor, rates = b2.SpikeMonitor(cells), b2.SpikeMonitor(cells, record=False)
    b2.Network(cells, monitor, rates).run(6 * ms)
    made = from_monitor(monitor)
    assert made["spike_cell"].values.tolist() == [0, 0, 3]
    np.testing.assert_array_equal(made["spike_time"], np.asarray(Quantity(monitor.t))[[1, 2, 0]])
    assert made["spike_population"].attrs["sizes"] == [4]
    with pytest.raises(InputError, match="need a Brian2 SpikeMonitor that records t and i"):
        from_monitor(rates)


def test_a_unit_of_brian2_is_as_good_as_its_name() -> None:
    made, same = (from_arrays([[1.0, 2.5]], units=unit) for unit in (ms, "ms"))
    xr.testing.assert_identical(made, same)
    with pytest.raises(InputError, match="must be in a unit of time, like s or ms, not in 'mV'"):
        from_arrays([[1.0, 2.5]], units=mV)
