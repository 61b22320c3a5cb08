"""Neo, Elephant and NWB, with these packages (the extra `neo`): `pytest -m neo`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import xarray as xr

from neurofwp import spike_trains
from neurofwp.errors import InputError
from neurofwp.spike_trains.structure import trains

# the first spikes of two recordings of a grasshopper's auditory receptor, us, from the data of nitime 0.12.1 (BSD)
GRASSHOPPER = ([6700.0, 9900.0, 13900.0, 17500.0], [7300.0, 12700.0, 17100.0])
SESSION = {"identifier": "one", "session_start_time": datetime(2000, 1, 1, tzinfo=UTC)}


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    """All trains of both, to the last bit."""
    for mine, theirs in zip(trains(one), trains(other), strict=True):
        assert (mine.population, mine.cell, mine.episode) == (theirs.population, theirs.cell, theirs.episode)
        assert mine.times.tobytes() == theirs.times.tobytes()


def several() -> xr.Dataset:
    """Two episodes of two populations, with cells that are silent, at times that are no round numbers."""
    from neurofwp.spike_trains.structure import Train, build

    rng = np.random.default_rng(0)
    every = [
        Train(np.sort(rng.uniform(0, 3, count)), cell, population, episode)
        for episode in range(2)
        for population, counts in (("key", (5, 0, 3)), ("value", (0, 7)))
        for cell, count in enumerate(counts)
    ]
    return build(every, "s", {"key": 3, "value": 2}, episodes=2, stop=3.0)


@pytest.mark.neo
def test_neo_keeps_every_bit_and_elephant_takes_it() -> None:
    from elephant.statistics import mean_firing_rate

    made = spike_trains.from_arrays(GRASSHOPPER, units="us", stop=20000.0)
    block = spike_trains.to_neo(made)
    again = spike_trains.from_neo(block)
    same(made, again)
    assert again["spike_time"].attrs == made["spike_time"].attrs
    rates = [float(mean_firing_rate(train).rescale("Hz")) for train in block.segments[0].spiketrains]
    np.testing.assert_allclose(rates, [200, 150])
    same(several(), spike_trains.from_neo(spike_trains.to_neo(several())))


@pytest.mark.neo
def test_neo_trains_of_other_people_are_cells_in_their_order() -> None:
    import neo

    every = [neo.SpikeTrain([1.0, 2.0], units="ms", t_stop=5.0), neo.SpikeTrain([0.003], units="s", t_stop=0.01)]
    made = spike_trains.from_neo(every)
    assert [train.times.tolist() for train in trains(made)] == [[1.0, 2.0], [3.0]]
    assert spike_trains.from_neo(every[0])["spike_time"].values.tolist() == [1.0, 2.0]
    segment = neo.Segment()
    segment.spiketrains.extend(every)
    same(made, spike_trains.from_neo(segment))
    with pytest.raises(InputError, match="spike 1 of key cell 0 is at 1 ms, after one at 2 ms"):
        spike_trains.from_neo(neo.SpikeTrain([2.0, 1.0], units="ms", t_stop=5.0))
    with pytest.raises(InputError, match="a Neo Block, Segment, SpikeTrain or list of SpikeTrains is needed"):
        spike_trains.from_neo([1.0, 2.0])


@pytest.mark.neo
def test_nwb_keeps_every_bit_of_seconds(tmp_path: Path) -> None:
    path = spike_trains.write_nwb(several(), tmp_path / "spikes.nwb", **SESSION)
    same(several(), spike_trains.from_nwb(path))
    micro = spike_trains.from_arrays(GRASSHOPPER, units="us")
    again = spike_trains.from_nwb(spike_trains.write_nwb(micro, tmp_path / "grasshopper.nwb", **SESSION))
    np.testing.assert_array_equal(again["spike_time"], np.concatenate(GRASSHOPPER) / 1e6)


@pytest.mark.neo
def test_a_units_table_of_other_people_is_cells_with_labels(tmp_path: Path) -> None:
    from pynwb import NWBHDF5IO, NWBFile

    made = NWBFile(session_description="x", **SESSION)
    with pytest.raises(InputError, match="this NWB file has no units with spike_times"):
        spike_trains.from_nwb(made)
    for name, times in ((7, [0.1, 0.2]), (9, [0.15])):
        made.add_unit(spike_times=times, id=name)
    with NWBHDF5IO(tmp_path / "own.nwb", "w") as opened:
        opened.write(made)
    found = spike_trains.from_nwb(tmp_path / "own.nwb")
    assert [train.times.tolist() for train in trains(found)] == [[0.1, 0.2], [0.15]]
    assert found["spike_cell"].attrs["labels"] == ["7", "9"]
    (tmp_path / "bad.nwb").write_text("no")
    with pytest.raises(InputError, match="is not an NWB file that can be read"):
        spike_trains.from_nwb(tmp_path / "bad.nwb")


@pytest.mark.parametrize("package", ["neo", "pynwb"])
def test_a_missing_package_is_named_with_the_extra(package: str, tmp_path: Path) -> None:
    made = spike_trains.from_arrays(GRASSHOPPER, units="us")
    write = {
        "neo": spike_trains.to_neo,
        "pynwb": lambda data: spike_trains.write_nwb(data, tmp_path / "spikes.nwb", **SESSION),
    }[package]
    with patch.dict("sys.modules", {package: None}), pytest.raises(InputError, match=r"pip install 'neurofwp\[neo\]'"):
        write(made)
