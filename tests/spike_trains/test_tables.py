"""Tables of spikes: CSV and pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from neurofwp import spike_trains
from neurofwp.errors import InputError


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.floats(-1e3, 1e6), max_size=5), min_size=1, max_size=3))
def test_every_time_comes_back_from_csv_to_the_last_bit(tmp_path: Path, times: list[list[float]]) -> None:
    made = spike_trains.from_arrays([sorted(each) for each in times], units="ms")
    file = tmp_path / "spikes.csv"
    spike_trains.to_pandas(made).to_csv(file, index=False)
    again = spike_trains.read_csv(file, cells=len(times))
    assert again["spike_time"].values.tobytes() == made["spike_time"].values.tobytes()
    np.testing.assert_array_equal(again["spike_cell"], made["spike_cell"])


def test_episodes_and_populations_may_be_told(tmp_path: Path) -> None:
    file = tmp_path / "spikes.csv"
    file.write_text("time (s),cell,episode,population\n0.2,1,0,key\n0.1,0,1,teacher\n0.3,1,0,key\n")
    made = spike_trains.read_csv(file)
    assert spike_trains.to_pandas(made, "key")["time (s)"].tolist() == [0.2, 0.3]
    assert made.attrs["episodes"] == 2
    assert made["spike_population"].attrs["flag_meanings"] == "key teacher"
    assert made["spike_population"].attrs["sizes"] == [2, 1]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_semicolons_and_decimal_commas(tmp_path: Path, separator: str) -> None:
    file = tmp_path / "spikes.csv"
    file.write_text("cell;time (ms)\n0;1,25\n0;1300,5\n1;2\n".replace(";", separator))
    made = spike_trains.read_csv(file)
    assert made["spike_time"].values.tolist() == [1.25, 1300.5, 2.0]
    file.write_text(file.read_text().replace(",", "."))
    assert spike_trains.read_csv(file)["spike_time"].values.tolist() == [1.25, 1300.5, 2.0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cell,time\n0,1\n", "the heading of the times must say their unit, like time .ms."),
        ("cell,time (mV)\n0,1\n", "the times of .*spikes.csv' must be in a unit of time, like s or ms, not in 'mV'"),
        ("cell,time (ms)\n0,2\n1,9\n0,1\n", "line 4: key cell 0 fires at 1 ms, before its last spike, 1 ms later"),
        ("cell,time (ms)\n0,1\n0,\n", "line 3: time must be a number, not empty"),
        ("cell,time (ms)\n0.5,1\n", "line 2: cell must be a whole number from 0 on, not 0.5"),
        ("cell,time (ms)\n-1,1\n", "line 2: cell must be a whole number from 0 on, not -1"),
        ("neuron,time (ms)\n0,1\n", "unknown column of .*spikes.csv': 'neuron'"),
        ("cell,time (ms)\n0,1,5\n", "line 2 has 3 cells, but its first line names 2 .decimal commas need semicolons"),
        ("cell;time (ms)\n0;1,5\n\n0;2.5\n", "has a comma in a number .line 2. and a point in another .line 4."),
        ("cell;time (ms)\n\n0;1,5\n0;x\n", "line 4: time must be a number, not x"),
        ("", "is empty: its first line must name the columns"),
        ("cell\n0\n", "lacks the column 'time'"),
        ("cell,time (ms),population\n0,1,key\n0,2,\n", "line 3: population must be a name, not ''"),
        ("cell,time (ms),population\n0,1,key\n0,2,\0\n", r"line 3: population must be a name, not '.x00'"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "spikes.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=says):
        spike_trains.read_csv(file)
