"""Files of formats in which Traces held their spikes and probes open as those of today do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from neurofwp import spike_trains, trace
from neurofwp.runtime import files

FLAGS = {"units": "1", "flag_values": [0, 1], "flag_meanings": "key value", "sizes": [5, 5]}


@pytest.fixture
def whole(small_trace: xr.Dataset) -> xr.Dataset:
    """A Trace of two conditions with 50 spikes, and 2 probes over 7 times, of ON and OFF pools."""
    rng = np.random.default_rng(0)
    sizes = small_trace.sizes
    pools = (sizes["episode"], sizes["event"], 2, sizes["post"])
    made = small_trace.assign(dendrite=(("episode", "event", "polarity", "post"), rng.normal(size=pools)))
    made["dendrite"].attrs["units"] = "mV"
    made = made.assign({name: made[name].expand_dims(condition=["a", "b"]) for name in made.data_vars})
    columns = {
        "time": (rng.uniform(size=50), {"units": "ms", "stop": 1.0}),
        "episode": (rng.integers(0, sizes["episode"], 50), {"units": "1"}),
        "cell": (rng.integers(0, 5, 50), {"units": "1"}),
        "population": (rng.integers(0, 2, 50).astype(np.int8), FLAGS),
        "condition": (np.arange(50) % 2, {"units": "1"}),
    }
    made = made.assign({f"spike_{name}": ("spike", *each) for name, each in columns.items()})
    made["probe_calcium"] = (("condition", "probe", "time"), rng.random((2, 2, 7)), {"units": "1"})
    coords = {"probe_post": ("probe", [0, 1]), "time": ("time", np.arange(7.0), {"units": "ms"})}
    return made.assign_coords(coords | {"polarity": ["on", "off"]})


def of_format(number: int, whole: xr.Dataset, where: str, path: Path) -> Path:
    """As that format wrote it: in one group, or in three."""
    if number == 3:
        groups = {where: whole}
    else:
        dims = {"spikes": {"spike"}, "probes": {"probe", "time"}}
        own = {name: [v for v in whole.variables if each & set(whole[v].dims)] for name, each in dims.items()}
        groups = {where: whole.drop_vars([v for each in own.values() for v in each])}
        for name, variables in own.items():
            beside = f"/{name}" if where == "/" else f"{where}_{name}"
            part = whole.drop_vars([v for v in whole.variables if v not in variables and v != "condition"])
            groups[beside] = part.drop_attrs(deep=False).assign_attrs(part_of=where)
    tree = xr.DataTree.from_dict({"/": xr.Dataset()} | groups)
    tree.attrs["format"] = number
    tree.to_netcdf(path, engine="h5netcdf")
    return path


@pytest.mark.parametrize("number", [3, 4])
@pytest.mark.parametrize("where", ["/", "/spiking"])
def test_spikes_and_probes_are_groups_of_their_own(whole: xr.Dataset, tmp_path: Path, number: int, where: str) -> None:
    path = of_format(number, whole, where, tmp_path / "old.nc")
    tree = files.read_tree(path)
    core = tree[where].to_dataset()
    trace.check(core)
    assert not {"spike", "probe", "time"} & set(core.sizes)
    prefix = "/" if where == "/" else f"{where}_"
    groups = {group.path: group.to_dataset(inherit=False) for group in tree.subtree}
    spikes, probes = (groups[f"{prefix}{name}"] for name in ("spikes", "probes"))
    spike_trains.check(spikes)
    for variable in whole.variables:
        found = next(each for each in (core, spikes, probes) if variable in each.variables)
        xr.testing.assert_identical(found[variable].variable, whole[variable].variable)
    assert (spikes.attrs["episodes"], spikes.attrs["conditions"]) == (whole.sizes["episode"], 2)
    assert len(spikes.to_dataframe()) == 50
    assert len(probes.to_dataframe()) == 2 * 2 * 7


def test_a_file_of_one_trace_opens_as_a_recording_and_is_written_as_one(whole: xr.Dataset, tmp_path: Path) -> None:
    old = of_format(4, whole, "/", tmp_path / "old.nc")
    recording = trace.load_recording(old)
    assert set(recording.children) == {"trace", "spikes", "probes"}
    again = trace.save(recording, tmp_path / "new.nc")
    xr.testing.assert_identical(trace.load_recording(again), recording)
    xr.testing.assert_identical(trace.load(again), trace.load(old))
    one = trace.of_condition(recording, "b")["spikes"].to_dataset()
    np.testing.assert_array_equal(one["spike_time"], whole["spike_time"][1::2])
