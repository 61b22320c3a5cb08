"""Files of older formats open with the names of today."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from safetensors import safe_open

from neurofwp import models
from neurofwp.runtime import files, migrations
from neurofwp.slownet.training import checkpoint


def test_each_version_before_the_current_one_has_its_renames() -> None:
    assert sorted(migrations.RENAMED) == list(range(1, migrations.FORMAT))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A result of version 1, which said no version."""
    settings = json.dumps({"regime": "decay", "rebind": 0.5, "target": "cython", "training": {"target": 0.1}})
    spiking = xr.Dataset({"target": 1.0}, attrs={"target": "numpy", "target_reason": "asked for"})
    training = xr.Dataset(attrs={"target": 0.1})  # a loss
    program = xr.Dataset({"rebound": (("episode", "event"), np.eye(2, dtype=bool), {"units": "1"})})
    recall = xr.Dataset(
        {"rebound_r2": ("rebind", [0.25, 0.75], {"units": "1"}), "unrebound": 1.0}, coords={"rebind": [0.0, 0.5]}
    )
    tree = xr.DataTree.from_dict(
        {"/": xr.Dataset(attrs={"experiment": "tiny", "settings": settings, "config": "none"})}
    )
    fits = xr.Dataset({"explained_share": ("rule", [0.9])}, coords={"rule": ["delta"]})
    tree["fits/nominal"] = xr.DataTree(fits)
    tree["program"], tree["tables/recall"] = xr.DataTree(program), xr.DataTree(recall)
    tree["spiking"], tree["training"] = xr.DataTree(spiking), xr.DataTree(training)
    path = tmp_path / "result.nc"
    tree.to_netcdf(path, engine="h5netcdf")
    return path


def test_variables_dims_and_settings_of_version_1_have_their_new_names(old: Path) -> None:
    result = files.read_tree(old)
    assert set(result.groups) == {
        "/", "/fits", "/fits/nominal", "/program", "/tables", "/tables/recall", "/spiking", "/training"
    }  # fmt: skip
    assert float(result["fits/nominal/feve"].sel(rule="delta")) == 0.9
    reassigned = result["program/reassigned"]
    np.testing.assert_array_equal(reassigned, np.eye(2))
    assert reassigned.attrs == {"units": "1"}
    recall = result["tables/recall"].to_dataset()
    assert set(recall) == {"reassigned_r2", "unrebound"}
    assert float(recall["reassigned_r2"].sel(reassign=0.5)) == 0.75
    assert json.loads(result.attrs["settings"]) == {
        "synapse": "decay", "reassign": 0.5, "backend": "cython", "training": {"target": 0.1}
    }  # fmt: skip
    assert (result.attrs["experiment"], result.attrs["config"]) == ("tiny", "none")


def test_only_brian2s_target_is_the_backend(old: Path) -> None:
    result = files.read_tree(old)
    assert result["spiking"].attrs == {"backend": "numpy", "backend_reason": "asked for"}
    assert set(result["spiking"].data_vars) == {"target"}  # what a read should return
    assert result["training"].attrs == {"target": 0.1}


def test_fits_of_version_2_were_judged_on_episodes(tmp_path: Path) -> None:
    """Their dim is the unit of today; the episodes of a Program are still episodes."""
    fits = xr.Dataset(
        {"episode_r2": (("rule", "episode"), [[0.5, 0.75]])},
        coords={"episode": [2, 3]},
        attrs={"kind": "neurofwp.fits"},
    )
    program = xr.Dataset({"key": ("episode", [0.0, 1.0])}, attrs={"kind": "neurofwp.program"})
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"format": 2}), "/fits": fits, "/program": program})
    tree.to_netcdf(tmp_path / "result.nc", engine="h5netcdf")
    result = files.read_tree(tmp_path / "result.nc")
    assert result["fits/unit"].values.tolist() == [2, 3]
    assert result["fits/episode_r2"].dims == ("rule", "unit")
    assert result["program/key"].dims == ("episode",)


def test_names_of_today_are_left_alone_in_files_of_today(tmp_path: Path) -> None:
    own = xr.Dataset({"rebound": 1.0})  # by chance, of a user's own experiment
    assert files.read_netcdf(files.write_netcdf(own, tmp_path / "own.nc")).identical(own)


def test_slow_nets_of_version_1_open_with_their_settings_renamed() -> None:
    path = Path(models.__path__[0], "slownets", "digit-pairs-0.safetensors")
    with safe_open(path, framework="pt") as file:
        about = file.metadata()
    before = json.loads(about["config"])
    assert "format" not in about  # as 0.1.0 trained it
    tensors, config = checkpoint.load(path)
    assert config["about"]["settings"]["reassign"] == before["about"]["settings"].pop("rebind")
    assert config["shape"] == before["shape"]
    assert tensors
