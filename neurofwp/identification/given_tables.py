"""Weights of one's own as CSV files: tidy tables, with one row for each number.

===================  ======================================================  ===========================================
file                 columns                                                 a row that is missing
===================  ======================================================  ===========================================
keys.csv             episode, event, pre, key                                is refused: 0 where a cell is silent
values.csv           episode, event, post, value                             is refused
weights.csv          episode, event, post, pre, weight                       was not seen
repeat.csv           episode, event, post, pre, weight                       was not seen
queries.csv          episode, event, pre, query                              is 0
recall.csv           episode, event, post, recall                            was not asked
recall_repeat.csv    episode, event, post, recall                            was not asked
initial_weights.csv  post, pre, weight (episode)                             is refused
events.csv           episode, event, write_gate, retention, duration         is refused
===================  ======================================================  ===========================================

Where weights are latent, queries and recall stand in for weights. The other files are optional, as is the column
episode where there is one, and each of the last three columns of events.csv. Episodes and cells have numbers or names,
the same in all files; events have numbers, which say their order. A heading may say a unit, as ``weight (nS)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from neurofwp import program, trace
from neurofwp.errors import InputError, unknown
from neurofwp.schema import Dims, Variable

TABLES: dict[str, tuple[Dims, tuple[str, ...]]] = {  # labels after episode, and numbers
    "keys.csv": (("event", "pre"), ("key",)),
    "values.csv": (("event", "post"), ("value",)),
    "weights.csv": (("event", "post", "pre"), ("weight",)),
    "repeat.csv": (("event", "post", "pre"), ("weight",)),
    "queries.csv": (("event", "pre"), ("query",)),
    "recall.csv": (("event", "post"), ("recall",)),
    "recall_repeat.csv": (("event", "post"), ("recall",)),
    "initial_weights.csv": (("post", "pre"), ("weight",)),
    "events.csv": (("event",), ("write_gate", "retention", "duration")),
}
FILES = {  # of each array
    "key": "keys.csv", "value": "values.csv", "weight": "weights.csv", "repeat": "repeat.csv",
    "query": "queries.csv", "recall": "recall.csv", "recall_repeat": "recall_repeat.csv",
    "initial_weight": "initial_weights.csv", "write_gate": "events.csv", "retention": "events.csv",
    "duration": "events.csv",
}  # fmt: skip
COLUMNS = {"repeat": "weight", "initial_weight": "weight", "recall_repeat": "recall"}  # of arrays of another name
REQUIRED = ("keys.csv", "values.csv")  # and weights.csv, or recall.csv and queries.csv
# in which rows may be missing
PARTIAL = ("weights.csv", "repeat.csv", "queries.csv", "recall.csv", "recall_repeat.csv")
HEADING = re.compile(r"(.*?)\s*\((.*)\)")
VARIABLES = {**program.SCHEMA.variables, **{name: trace.SCHEMA.variables[name] for name in ("weight", "recall")}}


@dataclass(frozen=True)
class _Table:
    """rows : indexed by their number in the file. units : of its columns, where headings say them."""

    file: Path
    rows: pd.DataFrame
    units: Mapping[str, str]

    @property
    def labels(self) -> Dims:
        dims = TABLES[self.file.name][0]
        return ("episode", *dims) if "episode" in self.rows else dims

    def refuse(self, row: object, reason: str) -> InputError:
        return InputError(f"{str(self.file)!r}, row {row}: {reason}")


def read(folder: Path, found: Sequence[Path]) -> tuple[dict[str, xr.DataArray], str | None]:
    """Arrays by name, and the unit of the weights, None where no heading says it.

    Raises
    ------
    InputError
        which names the file and, where it is one, the column and the row; the heading is row 1.
    """
    for file in found:
        if file.name not in TABLES:
            raise unknown(f"file in {str(folder)!r}:", file.name, TABLES)
    latent = folder / "weights.csv" not in found and folder / "recall.csv" in found
    needed = (*REQUIRED, "queries.csv") if latent else (*REQUIRED, "weights.csv")
    missing = [name for name in needed if folder / name not in found]
    if missing:
        raise InputError(f"the folder {str(folder)!r} has no {missing[0]}: it needs {', '.join(needed)}")
    tables = {file.name: _read(file) for file in found}
    order = _order(tables)
    arrays: dict[str, xr.DataArray] = {}
    for name, source in FILES.items():
        column = COLUMNS.get(name, name)
        if source in tables and column in tables[source].rows:
            arrays[name] = _array(tables[source], column, order)
    if "query" in arrays:
        arrays["query"] = arrays["query"].fillna(0.0)
    said = {table.units[name] for table in tables.values() for name in ("weight", "recall") if name in table.units}
    if len(said) > 1:
        raise InputError(f"the files of {str(folder)!r} give weights in {' and '.join(sorted(said))}: use one unit")
    return arrays, next(iter(said), None)


def _read(file: Path) -> _Table:
    """A CSV file, with the columns that it should have."""
    try:
        with file.open(encoding="utf-8-sig") as content:
            first = content.readline()
        separator = max(",;\t", key=first.count)
        rows = pd.read_csv(file, sep=separator, encoding="utf-8-sig", skip_blank_lines=False, skipinitialspace=True)
    except (OSError, ValueError) as error:  # pandas' own are ValueErrors
        raise InputError(f"{str(file)!r} is not a CSV file that can be read: {error}") from error
    headings = [(HEADING.fullmatch(str(each).strip()), str(each).strip()) for each in rows.columns]
    rows.columns = pd.Index([match[1] if match else plain for match, plain in headings])
    units = {match[1]: match[2] for match, _ in headings if match}
    labels, numbers = TABLES[file.name]
    allowed = ("episode", *labels, *numbers)
    for column in rows:
        if column not in allowed:
            raise unknown(f"column in {str(file)!r}:", str(column), allowed)
    for column in labels if len(numbers) > 1 else (*labels, *numbers):
        if column not in rows:
            raise InputError(f"{str(file)!r} has no column {column!r}: it needs {', '.join(allowed)}")
    rows.index = pd.RangeIndex(2, len(rows) + 2)  # the heading is row 1
    rows = rows.dropna(how="all")
    if rows.empty:
        raise InputError(f"{str(file)!r} has no rows below its heading")
    return _Table(file, rows, units)


def _order(tables: Mapping[str, _Table]) -> dict[str, pd.Index]:
    """The labels along each dim: numbers by size, names as they first come in keys.csv and values.csv."""
    keys, values = tables["keys.csv"], tables["values.csv"]
    order = {dim: _unique(keys, dim) for dim in keys.labels}
    order["post"] = _unique(values, "post")
    if not pd.api.types.is_numeric_dtype(order["event"]):
        labels = _labels(keys, "event")
        wrong = [place for place, label in enumerate(labels) if not _is_number(label)]
        place = wrong[0] if wrong else int(labels.str.len().argmax())  # one of many digits
        raise keys.refuse(
            labels.index[place],
            f"event is {labels.iloc[place]!r}, but must be a number, which says the order of events",
        )
    return order


def _unique(table: _Table, column: str) -> pd.Index:
    labels: pd.Index = pd.Index(_labels(table, column).unique())
    return pd.Index(np.sort(labels.to_numpy())) if pd.api.types.is_numeric_dtype(labels) else labels


def _labels(table: _Table, column: str) -> pd.Series:
    labels = table.rows[column]
    if labels.isna().any():
        raise table.refuse(labels.index[labels.isna()][0], f"{column} is empty, but every row needs it")
    return labels if pd.api.types.is_numeric_dtype(labels) else labels.astype(str).str.strip()


def _array(table: _Table, column: str, order: Mapping[str, pd.Index]) -> xr.DataArray:
    """A column as an array over its labels; NaN where there is no row, if rows may be missing."""
    if "episode" in table.labels and "episode" not in order:
        raise InputError(f"{str(table.file)!r} has a column episode, but keys.csv has none: give it in all files")
    if "episode" in order and "episode" not in table.labels and table.file.name != "initial_weights.csv":
        raise InputError(f"{str(table.file)!r} has no column 'episode', but keys.csv has: give it in all files")
    dims = table.labels
    at = [_positions(table, dim, order[dim]) for dim in dims]
    shape = tuple(len(order[dim]) for dim in dims)
    flat = np.ravel_multi_index(at, shape)
    twice = pd.Series(flat).duplicated().to_numpy()
    if twice.any():
        row = table.rows.index[twice][0]
        where = ", ".join(f"{dim} {order[dim][number[twice][0]]}" for dim, number in zip(dims, at, strict=True))
        raise table.refuse(row, f"there is a row for {where} already; each may come once")
    numbers = np.full(shape, np.nan)
    numbers.flat[flat] = _numbers(table, column)
    if table.file.name not in PARTIAL and len(flat) < numbers.size:
        seen = np.zeros(shape, dtype=bool)
        seen.flat[flat] = True
        gap = np.argwhere(~seen)[0]
        words = ", ".join(f"{dim} {order[dim][number]}" for dim, number in zip(dims, gap, strict=True))
        silent = "; write 0 where a cell is silent" if column == "key" else ""
        raise InputError(f"{str(table.file)!r} has no row for {words}: it needs every {column}{silent}")
    return xr.DataArray(numbers, dims=dims)


def _positions(table: _Table, column: str, order: pd.Index) -> np.ndarray:
    labels = _labels(table, column)
    if pd.api.types.is_numeric_dtype(labels) != pd.api.types.is_numeric_dtype(order):
        labels, order = labels.astype(str), order.astype(str)
    at = order.get_indexer(pd.Index(labels))
    if (at < 0).any():
        row = labels.index[at < 0][0]
        source = "values.csv" if column == "post" else "keys.csv"
        raise table.refuse(row, f"{column} {labels[row]} is not in {source}, which has {_some(order)}")
    return np.asarray(at)


def _numbers(table: _Table, column: str) -> np.ndarray:
    """The numbers of a column; NaN is for weights that were not seen."""
    given = table.rows[column]
    numbers = pd.to_numeric(given, errors="coerce").astype(float)
    variable: Variable = VARIABLES[column]
    partial = table.file.name in PARTIAL
    wrong = ~variable.fits(numbers.to_numpy()) | (numbers.isna() & (given.notna() | (not partial))).to_numpy()
    if wrong.any():
        row = given.index[wrong][0]
        value = given[row]
        said = "empty" if pd.isna(value) else repr(value) if isinstance(value, str) else f"{value:g}"
        kind = "a number, or empty where it was not seen" if partial else f"a number, {variable.range_in_words()}"
        if column == "weight" and not partial:
            kind = "a number"
        raise table.refuse(row, f"{column} is {said}, but must be {kind}")
    return numbers.to_numpy()


def _some(labels: pd.Index) -> str:
    words = [str(each) for each in labels]
    return ", ".join(words) if len(words) <= 4 else f"{words[0]}, {words[1]}, ..., {words[-1]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
