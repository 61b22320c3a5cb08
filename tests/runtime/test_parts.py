"""What has dimensions of its own has groups of its own, in files and in `trace.tree`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from neurofwp import trace
from neurofwp.runtime import files


@pytest.fixture
def with_spikes(small_trace: xr.Dataset) -> xr.Dataset:
    """A Trace of 50 spikes and 2 probes over 7 times, of ON and OFF pools."""
    rng = np.random.default_rng(0)
    sizes = small_trace.sizes
    pools = (sizes["episode"], sizes["event"], 2, sizes["post"])
    made = small_trace.assign(
        dendrite=(("episode", "event", "polarity", "post"), rng.normal(size=pools), {"units": "mV"}),
        spike_time=("spike", rng.uniform(size=50), {"units": "ms", "stop": 1.0}),
        spike_cell=("spike", rng.integers(0, 5, 50), {"units": "1"}),
        probe_calcium=(("probe", "time"), rng.random((2, 7)), {"units": "1"}),
    )
    coords = {"probe_post": ("probe", [0, 1]), "time": ("time", np.arange(7.0), {"units": "ms"})}
    return made.assign_coords(coords | {"polarity": ["on", "off"]})


def test_tables_of_the_groups_have_a_row_for_each_number(with_spikes: xr.Dataset) -> None:
    tree = trace.tree(with_spikes)
    sizes = with_spikes.sizes
    rows = {name: len(tree[name].to_dataset().to_dataframe()) for name in ("weights", "spikes", "probes")}
    weights = 2 * sizes["episode"] * sizes["event"] * sizes["post"] * sizes["pre"]
    assert rows == {"weights": weights, "spikes": 50, "probes": 14}
    assert set(tree["probes"].to_dataset().to_dataframe()) == {"probe_calcium", "probe_post"}


@pytest.mark.parametrize("conditions", [False, True])
def test_files_have_such_groups_and_open_whole(with_spikes: xr.Dataset, tmp_path: Path, conditions: bool) -> None:
    if conditions:
        per_condition = ["weight", "recall", "dendrite", "probe_calcium"]
        own = {name: with_spikes[name].expand_dims(condition=["a", "b"]) for name in per_condition}
        with_spikes = with_spikes.assign(own).assign(spike_condition=("spike", np.arange(50) % 2, {"units": "1"}))
    path = trace.save(with_spikes, tmp_path / "trace.nc")
    xr.testing.assert_identical(trace.load(path), with_spikes)
    assert len(xr.load_dataset(path, group="spikes", engine="h5netcdf").to_dataframe()) == 50
    with xr.open_dataset(path, engine="h5netcdf") as core:
        assert "weight" in core
        assert not {"spike", "probe", "time"} & set(core.sizes)


def test_results_name_their_groups(with_spikes: xr.Dataset, tmp_path: Path) -> None:
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"experiment": "tiny"}), "/spiking": with_spikes})
    path = files.write_netcdf(tree, tmp_path / "result.nc")
    xr.testing.assert_identical(files.read_tree(path), tree)
    with xr.open_dataset(path, engine="h5netcdf") as first:
        assert first.attrs["contents"] == (
            "open with xarray.open_datatree; groups: /spiking, /spiking_spikes, /spiking_probes"
        )
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        assert len(opened["spiking_spikes"].to_dataset().to_dataframe()) == 50


def test_files_of_before_open_unchanged(with_spikes: xr.Dataset, tmp_path: Path) -> None:
    """Format 3 had all variables of a Trace in one group."""
    path = tmp_path / "old.nc"
    with_spikes.assign_attrs(format=3).to_netcdf(path, engine="h5netcdf")
    xr.testing.assert_identical(trace.load(path), with_spikes)
