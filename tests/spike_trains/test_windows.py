"""A Program from windows of a recording."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, ms, mV

from neurofwp import spike_trains
from neurofwp.errors import InputError

NAN = np.nan


@pytest.fixture
def recording() -> xr.Dataset:
    return spike_trains.from_arrays([[100.0, 150.0, 420.0], [10.0, 130.0, 450.0, 460.0]], units="ms")


def test_keys_are_rates_in_windows_and_spikes_count_from_their_onset(recording: xr.Dataset) -> None:
    """Counts by hand: 2 and 1 spikes in the 100 ms from 100 ms, 1 and 2 in the 80 ms from 400 ms."""
    made, cut = spike_trains.to_program(
        recording, [[1.0], [0.0]], write=([100, NAN], [200, NAN]), read=([NAN, 400], [NAN, 480.5]), peak_rate=50 * Hz
    )
    np.testing.assert_allclose(made["key"][0] * 50, [[20, 10], [0, 0]])
    np.testing.assert_allclose(made["query"][0, 1] * 50, np.array([1, 2]) / 0.0805)
    assert made["duration"].values.tolist() == [[100, 81]]
    np.testing.assert_allclose(np.sort(cut["spike_time"]), [0, 0.02, 0.03, 0.05, 0.05, 0.06], atol=1e-12)
    assert cut["spike_event"].values.tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(InputError, match="these times count from events"):
        spike_trains.to_pandas(cut)


def test_trials_of_one_recording_become_episodes(recording: xr.Dataset) -> None:
    made, cut = spike_trains.to_program(
        recording, np.zeros((2, 1, 1)), write=([[100], [400]] * ms, [[200], [500]] * ms)
    )
    np.testing.assert_allclose(made["key"][:, 0] * made.attrs["peak_rate"], [[20, 10], [10, 20]])
    assert cut["spike_episode"].values.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"write": ([100, 300], [200, 300])}, "the write window of event 1 of episode 0 must end after it begins"),
        ({"write": ([100, NAN], [200, 300])}, "the write window of event 1 of episode 0 must end after it begins"),
        ({"write": ([100], [200])}, r"start of write windows has shape \(1,\), but \(episode, event\) is \(1, 2\)"),
        ({"write": ([200, 300], [210, 310])}, "there is no spike in any of these windows"),
        ({"write": ([1, 2] * mV, [3, 4] * mV)}, "start of write windows are in V: they need a unit of time"),
    ],
)
def test_windows_that_do_not_fit_are_refused(recording: xr.Dataset, settings: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        spike_trains.to_program(recording, [[1.0], [0.0]], **settings)
