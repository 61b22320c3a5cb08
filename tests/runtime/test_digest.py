"""Damage is found: whatever happens to a file that was written, it is refused or read as it was."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import xarray as xr

from neurofwp.cli import manifest, results
from neurofwp.errors import InputError
from neurofwp.runtime import digest, files, store
from neurofwp.slownet import trained
from neurofwp.slownet.training import checkpoint

COPIES = 12  # of each kind of file; two hundred of each were tried once
DATA = xr.Dataset(
    {"weight": (("post", "pre"), np.linspace(0, 1, 63).reshape(7, 9)), "name": ("post", list("abcdefg"))},
    attrs={"experiment": "tiny"},
)
SUMMARY = {"recall.spiking.r2": 0.125, "recall.rate.r2": None, "best": ["delta"], "n": 3}


def write(kind: str, folder: Path) -> Path:
    """A file of this kind."""
    if kind == "result.nc":
        return files.write_netcdf(xr.DataTree.from_dict({"/": DATA, "/fits": DATA}), folder / kind)
    if kind == "summary.json":
        return files.write_json(SUMMARY, folder / kind)
    if kind == "slow-net.safetensors":
        name = next(iter(trained.shipped_names()))
        return trained.load(name).save(folder / kind)
    if kind == "training.safetensors":
        return checkpoint.save(folder / kind, {"a": torch.arange(9.0), "b": torch.tensor(1)}, {"settings": {"seed": 1}})
    parts = {"part.nc": DATA, "part.npy": np.linspace(0, 1, 9), "part.json": {"numbers": SUMMARY}}
    store.Entry(folder / "part").write(parts[kind])
    return folder / kind


def read(path: Path) -> Any:
    """What is in it, as what can be compared."""
    if path.name == "result.nc":
        return results.open_result(path)[1].to_dict()
    if path.name == "summary.json":
        return results.read_summary(path)
    if path.name == "slow-net.safetensors":
        net = trained.load(path)
        return [net.family, net.about, net.duration, net.model.state_dict()]
    if path.name == "training.safetensors":
        return checkpoint.load(path)
    return store.Entry(path.with_suffix("")).read()


def alike(one: Any, other: Any) -> bool:
    """Whether two such contents are the same."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, xr.Dataset):
        return one.identical(other)
    if isinstance(one, (torch.Tensor, np.ndarray)):
        return bool((one == other).all())
    return bool(one == other)


def damage(whole: bytes) -> Iterator[bytes]:
    """Copies with a bit flipped anywhere, in their last bytes, or cut short."""
    drawn = random.Random(3)
    for copy in range(COPIES):
        at = drawn.randrange(len(whole)) if copy % 3 else len(whole) - drawn.randrange(1, min(160, len(whole)))
        if copy % 4 == 3:
            yield whole[:at]
        else:
            yield b"".join([whole[:at], bytes([whole[at] ^ 1 << drawn.randrange(8)]), whole[at + 1 :]])


KINDS = (
    "result.nc", "summary.json", "slow-net.safetensors", "training.safetensors", "part.nc", "part.npy", "part.json",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_damaged_is_refused_or_read_as_it_was(kind: str, tmp_path: Path) -> None:
    path = write(kind, tmp_path)
    good, refused = read(path), 0
    assert alike(read(path), good)
    for copy in damage(path.read_bytes()):
        path.write_bytes(copy)
        try:
            found = read(path)
        except InputError:
            found = None
        refused += found is None
        assert found is None or alike(found, good)  # a byte that says nothing, such as one of the digest's own line
    assert refused >= 0.75 * COPIES


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_content_is_the_same_bytes(kind: str, tmp_path: Path) -> None:
    assert write(kind, tmp_path / "one").read_bytes() == write(kind, tmp_path / "other").read_bytes()


def test_other_programs_read_what_carries_a_digest(tmp_path: Path) -> None:
    path = write("part.nc", tmp_path)
    with xr.open_dataset(path) as data:
        assert data.load().equals(DATA)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["weight"], DATA["weight"])
    np.testing.assert_array_equal(np.load(write("part.npy", tmp_path), mmap_mode="r"), np.linspace(0, 1, 9))
    assert json.loads(write("summary.json", tmp_path).read_text())["recall.spiking.r2"] == 0.125


def test_what_other_programs_change_is_no_damage(tmp_path: Path) -> None:
    path = write("part.nc", tmp_path)
    with h5py.File(path, "a") as file:
        file.attrs["note"] = "by hand"
    assert files.read_netcdf(path).attrs["note"] == "by hand"


@pytest.mark.parametrize("kind", ["result.nc", "summary.json", "slow-net.safetensors"])
def test_files_without_a_digest_open(kind: str, tmp_path: Path) -> None:
    path = write(kind, tmp_path)
    good = read(path)
    if kind.endswith("json"):
        path.write_text(json.dumps(SUMMARY))
    elif kind.endswith("safetensors"):
        whole = path.read_bytes()
        start = 8 + int.from_bytes(whole[:8], "little")
        header = json.loads(whole[8:start])
        del header[digest.METADATA][digest.KEY]
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + whole[start:])
    else:
        path.write_bytes(path.read_bytes()[: -digest.LINE])
    assert alike(read(path), good)


@pytest.mark.parametrize("kind", ["part.nc", "part.npy"])
def test_a_part_that_was_cut_by_its_digest_is_made_again(kind: str, tmp_path: Path) -> None:
    entry = store.Entry(tmp_path / "part")
    entry.write(DATA if kind.endswith("nc") else np.arange(4.0))
    path = tmp_path / f"part.{kind.split('.')[1]}"
    assert entry.read() is not None
    path.write_bytes(path.read_bytes()[: -digest.LINE])
    assert entry.read() is None


def test_a_result_that_was_cut_by_its_digest_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where the list of its folder says that neurofwp left it there."""
    path = write("result.nc", tmp_path)
    path.write_bytes(path.read_bytes()[: -digest.LINE])
    read(path)
    assert not caplog.records
    manifest.Manifest(tmp_path, {"command": "run"}, "result.nc", "key").begin()
    manifest.Manifest(tmp_path, {"command": "run"}, "result.nc", "key").finish(["result.nc"])
    read(path)
    assert "result.nc has lost the line with its SHA-256: it was cut short" in caplog.records[-1].message


def test_shipped_slow_nets_carry_their_digest() -> None:
    for path in trained.shipped_names().values():
        whole = path.read_bytes()
        assert digest.seal_tensors(whole) == whole
