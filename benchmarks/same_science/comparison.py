"""Two dumps, array by array: what is the same to the last bit, what is not, and what may be."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from benchmarks.same_science.arrays import Dump, Entry
from benchmarks.same_science.renames import Renames

FILE = Path(__file__).with_name("allowed.toml")
SAME, ALLOWED, DIFFERS, MISSING, NEW, FAILED = "same", "allowed", "differs", "missing", "new", "failed"
BAD = (DIFFERS, MISSING, FAILED)


@dataclass(frozen=True)
class Allowance:
    """A difference that is meant: of which arrays, how large, and why. `missing` allows arrays that are gone."""

    keys: str
    reason: str
    absolute: float = 0.0
    relative: float = 0.0
    missing: bool = False

    def covers(self, row: Row) -> bool:
        """Whether a difference is within the margins."""
        if not fnmatchcase(row.key, self.keys):
            return False
        if row.status in (MISSING, FAILED):
            return self.missing
        within = row.absolute <= self.absolute or row.relative <= self.relative
        return within and (not row.note or math.inf in (self.absolute, self.relative))


@dataclass(frozen=True)
class Row:
    """What became of one array.

    absolute, relative : the largest difference, and that over the largest number of the first array; infinite where
        they cannot be compared, as `note` says.
    """

    key: str
    status: str
    absolute: float = 0.0
    relative: float = 0.0
    note: str = ""
    reason: str = ""


def allowances(path: Path = FILE) -> list[Allowance]:
    """What may differ.

    Raises
    ------
    ValueError
        for an entry without a reason.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("allowed", [])
    for each in entries:
        if not each.get("reason", "").strip():
            raise ValueError(f"{path.name}: {each.get('keys')!r} has no reason")
    listed = [each | {"keys": keys} for each in entries for keys in _listed(each["keys"])]
    return [Allowance(**each) for each in listed]


def _listed(keys: str | list[str]) -> list[str]:
    return [keys] if isinstance(keys, str) else keys


def compare(base: Dump, here: Dump, names: Renames, allowed: Sequence[Allowance] = ()) -> list[Row]:
    """A row for every array of either dump, under its newest name, and for every case that failed in one of them.

    NaN is the same as NaN, and dims of length one and their order do not count where dims have names. Two arrays of one
    dump that get the same name are a row that differs.
    """
    first, twice = _rename(base.arrays, names)
    second, others = _rename(here.arrays, names)
    failed = {
        names.newest(case): f"{where}: {error}"
        for where, dump in (("base", base), ("here", here))
        for case, error in dump.failed.items()
    }
    shared = twice | others
    rows = [Row(key, DIFFERS, math.inf, math.inf, "two arrays have this name") for key in sorted(shared)]
    rows += [Row(case, FAILED, math.inf, math.inf, error) for case, error in failed.items()]
    second |= _single(first, second)
    for key in sorted(first.keys() | second.keys()):
        if key in shared or any(key.startswith(f"{case}/") for case in failed):
            continue
        if key not in second:
            rows.append(Row(key, MISSING, math.inf, math.inf))
        elif key not in first:
            rows.append(Row(key, NEW))
        else:
            rows.append(difference(key, first[key], _reshape(key, second[key], first[key], names)))
    return [_judge(row, allowed) for row in rows]


def difference(key: str, base: Entry, here: Entry) -> Row:
    """One array against another."""
    a, b = base.values, here.values
    notes = [f"unit {base.units!r}, now {here.units!r}"] if base.units != here.units else []
    if a.shape != b.shape:
        notes.append(f"shape {_shape(base)}, now {_shape(here)}")
        return Row(key, DIFFERS, math.inf, math.inf, "; ".join(notes))
    if a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        wrong = int((a.astype(str) != b.astype(str)).sum())
        if wrong:
            notes.append(f"{wrong} of {a.size} texts differ")
        return Row(key, DIFFERS if notes else SAME, *((math.inf,) * 2 if notes else (0.0, 0.0)), "; ".join(notes))
    if a.dtype != b.dtype and a.ndim:  # a single number of a summary has no dtype
        notes.append(f"dtype {a.dtype}, now {b.dtype}")
    absolute, relative = _largest(a, b)
    return Row(key, DIFFERS if notes or absolute else SAME, absolute, relative, "; ".join(notes))


def _largest(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """The largest difference, and that over the largest finite number of `a`."""
    a, b = (each.astype(complex if each.dtype.kind == "c" else float) for each in (a, b))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0, 0.0
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b)[~same]
    absolute = float(apart.max()) if np.isfinite(apart).all() else math.inf
    largest = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
    return absolute, absolute / largest if largest else math.inf


def _rename(arrays: Mapping[str, Entry], names: Renames) -> tuple[dict[str, Entry], set[str]]:
    """Arrays by their newest keys, with the newest dims; and the keys that two of them would have."""
    found: dict[str, Entry] = {}
    twice = set()
    for key, entry in arrays.items():
        newest = names.newest(key)
        if newest in found:
            twice.add(newest)
        found[newest] = replace(entry, dims=tuple(map(names.newest, entry.dims)))
    return found, twice


def _single(base: Mapping[str, Entry], here: Mapping[str, Entry]) -> dict[str, Entry]:
    """Single numbers of the base, under keys that end in [i], as the new arrays have them."""
    found = {}
    for key in base:
        stem, _, index = key.removesuffix("]").rpartition("[")
        if key.endswith("]") and stem in here and int(index) < len(here[stem].values):
            found[key] = Entry(here[stem].values[int(index)], units=here[stem].units)
    return found


def _reshape(key: str, here: Entry, base: Entry, names: Renames) -> Entry:
    """The new array with the dims of the base, as far as that changes no number."""
    for each in names.reshapes(key):
        if set(each.stack) <= set(here.dims) and not set(each.stack) <= set(base.dims) and each.into in base.dims:
            here = _stack(here, each.stack, each.into)
    if here.dims == base.dims or len(here.dims) != here.values.ndim or len(base.dims) != base.values.ndim:
        return here
    lengths = dict(zip(here.dims, here.values.shape, strict=True))
    kept = [dim for dim in here.dims if dim in base.dims or lengths[dim] != 1]
    values = here.values.reshape([lengths[dim] for dim in kept])
    own = dict(zip(base.dims, base.values.shape, strict=True))
    if set(kept) == {dim for dim in base.dims if dim in kept or own[dim] != 1}:
        values = values.transpose([kept.index(dim) for dim in base.dims if dim in kept])
        values = values.reshape([lengths.get(dim, 1) for dim in base.dims])
        return replace(here, values=values, dims=base.dims)
    return replace(here, values=values, dims=tuple(kept))


def _stack(entry: Entry, stack: Sequence[str], into: str) -> Entry:
    """The array with the dims `stack` as one, in their order, where the first of them was."""
    rest = [dim for dim in entry.dims if dim not in stack]
    at = min(entry.dims.index(dim) for dim in stack)
    at = sum(dim in rest for dim in entry.dims[:at])
    order = [*rest[:at], *stack, *rest[at:]]
    values = entry.values.transpose([entry.dims.index(dim) for dim in order])
    shape = (*values.shape[:at], -1, *values.shape[at + len(stack) :])
    return replace(entry, values=values.reshape(shape), dims=(*rest[:at], into, *rest[at:]))


def _judge(row: Row, allowed: Sequence[Allowance]) -> Row:
    if row.status not in BAD:
        return row
    reason = next((each.reason for each in allowed if each.covers(row)), "")
    return replace(row, status=ALLOWED, reason=reason) if reason else row


def _shape(entry: Entry) -> str:
    named = len(entry.dims) == entry.values.ndim
    return (
        ", ".join(f"{d} {n}" for d, n in zip(entry.dims, entry.values.shape, strict=True))
        if named
        else str(entry.values.shape)
    )
