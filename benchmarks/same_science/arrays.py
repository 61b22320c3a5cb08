"""Whatever a computation returns, as arrays under flat keys; and a file of them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

ABOUT = "about"


@dataclass(frozen=True)
class Entry:
    """One array; its dims, if they have names, and its unit, if that is known."""

    values: np.ndarray
    dims: tuple[str, ...] = ()
    units: str = ""


@dataclass
class Dump:
    """Arrays by key, area/case/...

    failed : cases that failed, with the error. seconds : processor time of each case. made_with : the code that dumped,
    versions and processor: where these differ, so may the last bits.
    """

    arrays: dict[str, Entry] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    made_with: dict[str, str] = field(default_factory=dict)


def flat(key: str, what: Any) -> Iterator[tuple[str, Entry]]:
    """All numbers, texts and truth values in `what`, with keys that begin with `key`.

    Datasets and trees of them (with their numeric attrs), data frames, mappings, sequences, dataclasses and named
    tuples are taken apart; None counts as NaN.
    """
    kind = type(what).__name__
    if kind == "DataTree":
        for node in what.subtree:
            yield from flat(f"{key}{node.path}".rstrip("/"), node.to_dataset(inherit=False))
    elif kind == "Dataset":
        yield from _attributes(key, what.attrs)
        for name, variable in what.variables.items():
            yield from flat(f"{key}/{name}", variable)
    elif kind in ("Variable", "IndexVariable", "DataArray"):
        yield from _attributes(key, what.attrs)
        yield key, Entry(_plain(what.values), tuple(map(str, what.dims)), str(what.attrs.get("units", "")))
    elif kind == "DataFrame":
        for name in what.columns:
            yield f"{key}/{name}", Entry(_plain(what[name].to_numpy()))
    elif kind == "Tensor":
        yield key, Entry(_plain(what.detach().cpu().numpy()))
    elif isinstance(what, Mapping):
        for name, each in what.items():
            yield from flat(f"{key}/{name}", each)
    elif is_dataclass(what) or hasattr(what, "_asdict"):
        yield from flat(key, what._asdict() if hasattr(what, "_asdict") else vars(what))
    elif isinstance(what, Sequence) and not isinstance(what, str) and not _uniform(what):
        for number, each in enumerate(what):
            yield from flat(f"{key}/{number}", each)
    else:
        yield key, Entry(_plain(what))


def _attributes(key: str, attrs: Mapping[Any, Any]) -> Iterator[tuple[str, Entry]]:
    """The numbers among attrs; settings, versions and commits are texts."""
    for name, value in attrs.items():
        if isinstance(value, (bool, int, float, np.number)):
            yield f"{key}@{name}", Entry(_plain(value))


def _uniform(what: Sequence[Any]) -> bool:
    """Whether it is a list of plain values, which makes one array."""
    return all(isinstance(each, (bool, int, float, str, np.generic, type(None))) for each in what)


def _plain(what: Any) -> np.ndarray:
    """An array without Python objects and without units."""
    array = np.asarray(np.nan if what is None else what)
    if array.dtype.kind == "O":
        numbers = [np.nan if each is None else each for each in array.ravel().tolist()]
        numeric = all(isinstance(each, (bool, int, float)) for each in numbers)
        array = np.array(numbers if numeric else list(map(str, numbers))).reshape(array.shape)
    return array


def matches(name: str, pattern: str) -> bool:
    """Whether a name is as a pattern has it, in which * is any text."""
    return fnmatchcase(name, pattern)


def save(dump: Dump, path: Path) -> Path:
    """Write a dump, compressed; nothing in it but the seconds differs from one time to the next."""
    keys = sorted(dump.arrays)
    about = {
        "keys": keys,
        "dims": [list(dump.arrays[key].dims) for key in keys],
        "units": [dump.arrays[key].units for key in keys],
        "failed": dump.failed,
        "seconds": dump.seconds,
        "made_with": dump.made_with,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {f"a{number}": dump.arrays[key].values for number, key in enumerate(keys)}
    with path.open("wb") as file:
        np.savez_compressed(file, **columns, **{ABOUT: np.array(json.dumps(about))})  # type: ignore[arg-type]
    return path


def load(path: Path) -> Dump:
    """Read a dump back.

    Raises
    ------
    ValueError
        if the file is none.
    """
    try:
        with np.load(path) as file:
            about = json.loads(str(file[ABOUT]))
            rows = enumerate(zip(about["keys"], about["dims"], about["units"], strict=True))
            entries = {key: Entry(file[f"a{i}"], tuple(dims), units) for i, (key, dims, units) in rows}
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no dump of same_science: {error}") from error
    return Dump(entries, about["failed"], about["seconds"], about["made_with"])
