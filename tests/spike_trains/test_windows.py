"""A Program from windows of a recording."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, ms, mV, second

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
        ({"write": ([100, 300], [200, 300])}, "the write window of event 1 of episode 0, .*must end after it begins"),
        ({"write": ([100, NAN], [200, 300])}, "the write window of event 1 of episode 0, .*must end after it begins"),
        ({"write": ([100], [200])}, r"start of write windows has shape \(1,\), but \(episode, event\) is \(1, 2\)"),
        (
            {"write": ([100, 500], [200, 600])},
            "the write window of event 1 of episode 0, 0.5 to 0.6 s, lies outside of the recording, which has its last "
            r"spike at 0.46 s \(give the trains a stop if it lasts longer\)",
        ),
        ({"write": ([-50, 100], [90, 200])}, "the write window of event 0 of episode 0, -0.05 to 0.09 s, lies outside"),
        (
            {"write": ([100, 300] * second, [200, 460] * second)},
            "the write window of event 0 .* lies outside of the recording, .*: are its times in ms?",
        ),
        ({"write": ([100, 300], [200, 400]), "sample_step": 3 * mV}, "sample_step are in V"),
        ({"write": ([100, 300], [200, 400]), "sample_step": 0 * ms}, "sample_step must be a time above 0"),
        ({"write": ([100, 300], [101, 400]), "sample_step": 10 * ms}, "event 0 .* must end after it begins"),
        ({"write": ([200, 300], [210, 310])}, "there is no spike in any of these windows"),
        ({"write": ([1, 2] * mV, [3, 4] * mV)}, "start of write windows are in V: they need a unit of time"),
    ],
)
def test_windows_that_do_not_fit_are_refused(recording: xr.Dataset, settings: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        spike_trains.to_program(recording, [[1.0], [0.0]], **settings)


def test_the_end_of_a_recording_is_the_end_of_windows() -> None:
    trains = spike_trains.from_arrays([[100.0, 150.0], []], units="ms", stop=500)
    with pytest.warns(
        UserWarning, match="the write window of event 1 of episode 0, 0.2 to 0.5 s, has no spike"
    ) as seen:
        made, _ = spike_trains.to_program(trains, [[1.0], [0.0]], write=([100, 200], [200, 500]))
    assert seen[0].filename == __file__  # the user's own line
    assert made["key"][0, 1].values.tolist() == [0, 0]
    with pytest.raises(InputError, match=r"0.2 to 0.501 s, lies outside of the recording, which ends at 0.5 s"):
        spike_trains.to_program(trains, [[1.0], [0.0]], write=([100, 200], [200, 501]))
    both = spike_trains.as_episodes([trains, trains])
    assert both["spike_time"].attrs["stop"] == 500


@pytest.mark.parametrize(("unit", "says"), [("s", "lasts a minute or longer: are its times in ms?"),
                                            ("us", "fires at up to 20000 Hz: are its times in s?")])  # fmt: skip
def test_times_in_another_unit_are_asked_about(unit: str, says: str) -> None:
    trains = spike_trains.from_arrays([[100.0, 150.0, 420.0], [430.0]], units=unit)
    with pytest.warns(UserWarning, match=re.escape(says)):
        spike_trains.to_program(trains, [[1.0], [0.0]], write=([100, 400], [200, 500]))


def test_windows_begin_at_samples_where_spikes_are() -> None:
    """Sampled at 30 kHz, from 7 us on: windows that begin anywhere move spikes off the samples, unless they move."""
    rng = np.random.default_rng(0)
    step = second / 30000
    sample = np.sort(rng.choice(30000, 40, replace=False))
    trains = spike_trains.from_arrays([(7e-6 + sample / 30000) * second])
    start = rng.uniform(0.1, 0.7, 5)
    windows = (start, start + 0.1)
    made, cut = spike_trains.to_program(trains, np.zeros((5, 1)), write=windows, sample_step=step)
    steps = cut["spike_time"].values * 30000
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    assert 0 < made.attrs["largest_window_shift_ms"] <= 0.5 / 30
    as_given, loose = spike_trains.to_program(trains, np.zeros((5, 1)), write=windows)
    assert as_given.attrs["largest_window_shift_ms"] == 0
    assert abs(loose["spike_time"].values * 30000 - np.round(loose["spike_time"].values * 30000)).max() > 0.1
    np.testing.assert_allclose(made["key"], as_given["key"], rtol=1e-3)
