"""Spike trains from tables with one row per spike, and as such tables."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from neurofwp.errors import InputError, unknown
from neurofwp.spike_trains.structure import KEY, Train, build, check_unit, of_population, trains

HEADING = re.compile(r"(.*?)\s*\((.*)\)")
SEPARATORS = ";\t|"  # where there is none, commas
COLUMNS = ("cell", "time", "episode", "population")


def read_csv(path: str | Path, *, cells: int | None = None) -> xr.Dataset:
    """Spike trains from a CSV file with the columns ``cell`` and, with its unit in the heading, ``time (ms)``.

    Columns ``episode`` and ``population`` may tell more. Between cells are commas, or semicolons, tabs or bars, with
    which numbers may have decimal commas. Cells and episodes are numbered from 0. A number is read as it is written, to
    the last bit.

    Parameters
    ----------
    cells : how many there are; left out, as many as the last one that fires.

    Raises
    ------
    InputError
        which names the file, and the line or column where there is one, for what cannot be read, a column too many or
        too few, a heading without a unit, or times that `from_arrays` would refuse.
    """
    file = Path(path)
    rows, unit = _rows(file)
    names = list(dict.fromkeys(rows["population"])) if len(rows) else [KEY]
    sizes = {name: int(rows["cell"][rows["population"] == name].max() + 1) if len(rows) else 0 for name in names}
    if cells is not None:
        if len(names) > 1:
            raise InputError(f"{str(file)!r} has {len(names)} populations: leave out cells={cells}")
        sizes[names[0]] = cells
    _check_order(file, rows, unit)
    every = []
    for _, each in rows.groupby(["episode", "population", "cell"]):
        first = each.iloc[0]
        every.append(Train(each["time"].to_numpy(), int(first["cell"]), first["population"], int(first["episode"])))
    return build(every, unit, sizes, episodes=int(rows["episode"].max() + 1) if len(rows) else 1)


def _rows(file: Path) -> tuple[pd.DataFrame, str]:
    """The columns, checked, by the number of the line, and the unit of time."""
    rows = _cells(file)
    headings = [str(each).strip() for each in rows.columns]
    found = {each: HEADING.fullmatch(each) for each in headings}
    rows.columns = pd.Index([match[1] if (match := found[each]) else each for each in headings])
    for name in rows.columns:
        if name not in COLUMNS:
            raise unknown(f"column of {str(file)!r}:", name, COLUMNS)
    for name in COLUMNS[:2]:
        if name not in rows:
            raise InputError(f"{str(file)!r} lacks the column {name!r}: it needs cell and time (ms)")
    heading = found[headings[list(rows.columns).index("time")]]
    if heading is None:
        raise InputError(f"{str(file)!r}: the heading of the times must say their unit, like time (ms)")
    check_unit(heading[2], f"the times of {str(file)!r}")
    rows["time"] = _numbers(file, rows, "time")
    for name in ("cell", "episode"):
        rows[name] = _whole(file, rows, name) if name in rows else 0
    if "population" not in rows:
        rows["population"] = KEY
    for line, name in rows["population"].items():
        if not (name and name.isprintable()):
            raise InputError(f"{str(file)!r}, line {line}: population must be a name, not {name!r}")
    return rows, heading[2]


def _cells(file: Path) -> pd.DataFrame:
    """All cells as text, with decimal points, by the number of their line."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        first = next(iter(text.splitlines()), "")
        separator = next((each for each in SEPARATORS if each in first), ",")
        lines = csv.reader(text.splitlines(), delimiter=separator, skipinitialspace=True, strict=True)
        found = [(lines.line_num, [cell.strip() for cell in each]) for each in lines if any(each)]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{str(file)!r} is not a CSV file that can be read: {error}") from error
    if not found:
        raise InputError(f"{str(file)!r} is empty: its first line must name the columns, cell and time (ms)")
    (_, header), *others = found
    for line, each in others:
        if len(each) != len(header):
            comma = " (decimal commas need semicolons between cells)" if separator == "," else ""
            raise InputError(
                f"{str(file)!r}, line {line} has {len(each)} cells, but its first line names {len(header)}{comma}"
            )
    rows = pd.DataFrame([each for _, each in others], [line for line, _ in others], header, dtype=str)
    return rows if separator == "," else _decimal_points(file, rows)


def _decimal_points(file: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers with a decimal point, where they may have commas."""
    numbers = rows[[name for name in map(str, rows) if name.strip() != "population"]]
    lines = [next((line for line, *cells in numbers.itertuples() if sign in "".join(cells)), None) for sign in ",."]
    if None not in lines:
        raise InputError(
            f"{str(file)!r} has a comma in a number (line {lines[0]}) and a point in another (line {lines[1]}): write "
            "all with the same decimal sign, and thousands without any"
        )
    return rows.assign(**{str(name): cells.str.replace(",", ".", regex=False) for name, cells in numbers.items()})


def _numbers(file: Path, rows: pd.DataFrame, name: str) -> pd.Series[float]:
    values = pd.Series([_number(text) for text in rows[name]], rows.index, dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        line, found = rows.index[bad[0]], rows[name].iloc[bad[0]]
        raise InputError(f"{str(file)!r}, line {line}: {name} must be a number, not {found or 'empty'}")
    return values


def _number(text: str) -> float:
    """As Python reads it, to the last bit; NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return np.nan


def _whole(file: Path, rows: pd.DataFrame, name: str) -> pd.Series[int]:
    values = _numbers(file, rows, name)
    bad = np.flatnonzero((values < 0) | (values != np.floor(values)))
    if bad.size:
        line, found = rows.index[bad[0]], rows[name].iloc[bad[0]]
        raise InputError(f"{str(file)!r}, line {line}: {name} must be a whole number from 0 on, not {found}")
    return values.astype(int)


def _check_order(file: Path, rows: pd.DataFrame, unit: str) -> None:
    since = rows.groupby(["episode", "population", "cell"])["time"].diff()
    falls = np.flatnonzero(since < 0)
    if falls.size:
        row = rows.iloc[falls[0]]
        raise InputError(
            f"{str(file)!r}, line {row.name}: {row['population']} cell {row['cell']} fires at {row['time']:g} "
            f"{unit}, before its last spike, {-since.iloc[falls[0]]:g} {unit} later: times of a train must rise"
        )


def to_pandas(data: xr.Dataset, population: str | None = None) -> pd.DataFrame:
    """One row per spike: episode, population, cell and time, whose heading says the unit, as `read_csv` takes it.

    Parameters
    ----------
    data : spike trains. population : of which; by default all.
    """
    every = trains(of_population(data, population))
    counts = [len(train.times) for train in every]
    columns = {
        "episode": np.repeat([train.episode for train in every], counts),
        "population": np.repeat(np.array([train.population for train in every], dtype=object), counts),
        "cell": np.repeat([train.cell for train in every], counts),
        f"time ({data['spike_time'].attrs['units']})": np.concatenate([np.zeros(0), *(t.times for t in every)]),
    }
    if "spike_condition" in data:
        columns = {"condition": np.repeat([train.condition for train in every], counts)} | columns
    return pd.DataFrame(columns)
