"""Kept results: read as written, under a key that whatever could change a number changes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import mV, nS
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as arrays

from neurofwp.runtime import source, store
from neurofwp.runtime.store import Entry, describe, key

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    max_leaves=8,
)


@dataclass(frozen=True)
class Settings:
    pairs: int = 4
    regime: str = "additive"
    noise: float | None = None


class Told:
    def __init__(self, what: int, note: str) -> None:
        self.what, self.note = what, note

    def depends_on(self) -> int:
        return self.what


def data(first: float = 1.0) -> xr.Dataset:
    return xr.Dataset({"x": ("a", [first, 1.0])}, coords={"a": ["p", "q"]}, attrs={"config": "{}", "seed": 1})


@given(PLAIN, PLAIN)
def test_plain_values_have_one_key_only_where_they_are_written_alike(one: Any, other: Any) -> None:
    assert (key(one) == key(other)) == (json.dumps(describe(one)) == json.dumps(describe(other)))


@given(arrays.arrays(np.float64, (2, 3)), st.integers(0, 5), st.integers(0, 63))
def test_any_bit_of_an_array_counts(values: np.ndarray, index: int, bit: int) -> None:
    changed = values.copy()
    changed.view(np.uint64).flat[index] ^= np.uint64(1) << np.uint64(bit)
    assert key(values) != key(changed)
    assert key(values) == key(values.copy(order="F"))


def test_whatever_differs_changes_the_key(tmp_path: Path) -> None:
    different: list[Any] = [
        1, 1.0, True, None, "1", [1], {"a": 1}, {"b": 1}, np.arange(4), np.arange(4.0), np.arange(4.0).reshape(2, 2),
        Settings(), Settings(pairs=5), Settings(regime="decay"), Settings(noise=0.0), Settings, replace, np.float32,
        data(), data(2), data().rename(a="b"), data().rename(x="y"), data().assign_coords(a=["p", "r"]),
        data().assign_attrs(config="other"), data().assign_attrs(seed=2), data()["x"],
        data().assign(x=data()["x"].assign_attrs(units="nS")),
        np.random.SeedSequence(1), np.random.SeedSequence(1).spawn(2)[1], [1.0, 2.0] * nS, [1.0, 2.0] * mV,
        Told(1, ""), Told(2, ""), Path("no file"), np.dtype(np.int8),
    ]  # fmt: skip
    assert len({key(each) for each in different}) == len(different)
    assert key(data()) == key(data(1.0).assign_attrs(versions="others"))
    assert key(Told(1, "a")) == key(Told(1, "b"))
    assert key({"a": 1, "b": 2}) == key({"b": 2, "a": 1})
    assert key(np.float64(0.1), np.int64(3)) == key(0.1, 3)


@pytest.mark.parametrize("kind", [Path, str])
def test_models_in_files_count_by_what_they_hold(kind: type, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("tau = 1")
    elsewhere = tmp_path / "elsewhere" / "mine.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text("tau = 1")
    before = key(Settings(regime=kind(file)))
    assert key(Settings(regime=kind(elsewhere))) == before
    file.write_text("tau = 2")
    assert key(Settings(regime=kind(file))) != before


def test_the_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(1)
    monkeypatch.setattr(source, "fingerprint", lambda: "other")
    assert key(1) != before


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(TypeError, match="must be data, but is <object object"):
        key(object())


@pytest.mark.parametrize(
    "result",
    [
        data(),
        xr.DataTree.from_dict({"/": data(), "/inner": data(2)}),
        np.arange(6.0).reshape(2, 3),
        {"numbers": {"r2": 0.1 + 0.2, "best": None, "bad": float("inf")}, "names": ["a", "b"]},
        [1, 2.5],
    ],
)
def test_results_are_read_as_they_were_written(result: Any, tmp_path: Path) -> None:
    entry = Entry(tmp_path / "folder" / "name-1.5")
    assert entry.read() is None
    entry.write(result)
    (file,) = entry.path.parent.iterdir()
    found = entry.read()
    if isinstance(result, np.ndarray):
        np.testing.assert_array_equal(found, result)
    elif isinstance(result, (xr.Dataset, xr.DataTree)):
        assert found.identical(result)
    else:
        assert found == result
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert entry.read() is None
    entry.remove()
    assert not file.exists()


def test_a_result_that_cannot_be_kept_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="to be kept, but holds"):
        Entry(tmp_path / "name").write({"what": object()})
    assert not list(tmp_path.iterdir())


def test_names_become_file_names(tmp_path: Path) -> None:
    cases = {("a/b", 1): (1,), "x" * 300: (1,), "regime, gate 0.5": (1,)}
    for entry in store.entries(tmp_path, describe, cases).values():
        entry.write(1)
    assert len(list(tmp_path.iterdir())) == 3
    assert store.entries(None, describe, cases) == {}


def test_clearing_removes_what_was_kept_and_nothing_else(tmp_path: Path) -> None:
    own = ["summary.json", "result.nc", "mine-1234.nc", "inner/slow-net.safetensors"]
    (tmp_path / "inner").mkdir()
    for name in own:
        (tmp_path / name).touch()
    for entry in store.entries(tmp_path / "inner", describe, {"a": (1,), "b": (2,)}).values():
        entry.write(data())
    (tmp_path / "inner" / store.CHECKPOINT).touch()
    store.clear(tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(own)
    store.clear(tmp_path / "none")
