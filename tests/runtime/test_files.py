"""Files appear whole or not at all, and numbers come back as they went."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.runtime import files, migrations


def test_replacing_puts_the_new_file_in_place(tmp_path: Path) -> None:
    path = tmp_path / "result.nc"
    path.write_text("old")
    with files.replace_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"  # until it is whole
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("error", "said"), [(OSError, InputError), (KeyboardInterrupt, KeyboardInterrupt)])
def test_replacing_keeps_the_old_file_when_writing_fails(
    tmp_path: Path, error: type[BaseException], said: type[BaseException]
) -> None:
    path = tmp_path / "result.nc"
    path.write_text("old")

    def write_half() -> None:
        with files.replace_file(path) as temporary:
            temporary.write_text("ha")
            raise error

    with pytest.raises(said):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_temporary_name_keeps_folder_and_suffix(tmp_path: Path) -> None:
    with files.replace_file(tmp_path / "recall.png") as temporary:  # same disk, so renaming is one step
        temporary.touch()
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".png")


def test_an_output_folder_is_made_with_its_parents_and_left_empty(tmp_path: Path) -> None:
    folder = files.output_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert not list(folder.iterdir())
    assert files.output_folder(folder) == folder  # again, now that it exists


def test_an_output_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^cannot write to the output folder '.*file/below': Not a directory; choose"):
        files.output_folder(tmp_path / "file" / "below")


def test_an_output_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^cannot write to the output folder '.*file': File exists; choose"):
        files.output_folder(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_output_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="Permission denied; choose another with --out$"):
        files.output_folder(tmp_path)


def test_a_tree_comes_back_exactly(small_program: xr.Dataset, small_trace: xr.Dataset, tmp_path: Path) -> None:
    nested = xr.Dataset({"r2": ("rule", [0.5, np.nan], {"units": "1"})}, coords={"rule": ["delta", "oja"]})
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"experiment": "tiny", "seed": 3})})
    tree = tree.assign({"program": xr.DataTree(small_program), "spiking": xr.DataTree(small_trace)})
    tree["fits/nominal"] = nested
    loaded = files.read_tree(files.write_netcdf(tree, tmp_path / "result.nc"))
    assert [group.path for group in loaded.subtree] == [group.path for group in tree.subtree]
    for group in tree.subtree:
        xr.testing.assert_identical(loaded[group.path].to_dataset(), group.to_dataset())
    assert list(tmp_path.iterdir()) == [tmp_path / "result.nc"]


def test_compression_loses_nothing_and_saves_room(tmp_path: Path) -> None:
    sparse = np.zeros((100, 1000))
    sparse[::7, ::13] = np.pi
    path = files.write_netcdf(xr.Dataset({"weight": (("post", "pre"), sparse)}), tmp_path / "weight.nc")
    assert path.stat().st_size < sparse.nbytes / 10
    np.testing.assert_array_equal(files.read_netcdf(path)["weight"], sparse)


def test_a_dataset_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    impossible = xr.Dataset({"config": ((), np.array({1: 2}, dtype=object))})
    with pytest.raises((TypeError, ValueError)):
        files.write_netcdf(impossible, tmp_path / "result.nc")
    assert not list(tmp_path.iterdir())


def test_json_holds_numpy_numbers_as_plain_ones(tmp_path: Path) -> None:
    numbers = {"r2": np.float32(0.5), "n": np.int64(3), "best": ["delta"], "shares": np.array([0.25, 1.0])}
    path = files.write_json(numbers, tmp_path / "summary.json")
    read = json.loads(path.read_text())
    assert re.fullmatch("[0-9a-f]{64}", read.pop("sha256"))
    assert read == files.read_json(path) == {"r2": 0.5, "n": 3, "best": ["delta"], "shares": [0.25, 1.0]}


def test_json_has_null_where_there_is_no_number(tmp_path: Path) -> None:
    path = files.write_json(
        {"r2": np.float64("nan"), "low": float("inf"), "all": [1.0, float("nan")]}, tmp_path / "s.json"
    )
    strict = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert {**strict, "sha256": ""} == {"sha256": "", "r2": None, "low": None, "all": [1.0, None]}


def test_files_say_their_format_and_what_is_written_keeps_its_attributes(tmp_path: Path) -> None:
    data = xr.Dataset(attrs={"experiment": "tiny"})
    for each in (data, xr.DataTree(data)):
        path = files.write_netcdf(each, tmp_path / "result.nc")
        with xr.open_dataset(path, engine="h5netcdf") as written:
            assert written.attrs == {"experiment": "tiny", "format": migrations.FORMAT}
        assert each.attrs == files.read_tree(path).attrs == {"experiment": "tiny"}


@pytest.mark.parametrize("given", [migrations.FORMAT + 1, "new"])
def test_a_newer_format_is_refused(given: int | str, tmp_path: Path) -> None:
    path = tmp_path / "result.nc"
    xr.Dataset(attrs={"format": given}).to_netcdf(path, engine="h5netcdf")
    says = rf"is in format {given}, and this neurofwp reads formats up to {migrations.FORMAT}: install"
    with pytest.raises(InputError, match=says if isinstance(given, int) else "its format is 'new', but it must be"):
        files.read_tree(path)


def test_units_that_are_no_text_are_refused(tmp_path: Path) -> None:
    xr.Dataset({"weight": ("key", [1.0], {"units": [1, 2]})}).to_netcdf(tmp_path / "own.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"the units of weight in '.*own.nc' must be text, not ndarray"):
        files.read_netcdf(tmp_path / "own.nc")
