"""Spike trains from tables with one row per spike, and as such tables."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from neurofwp.errors import InputError, unknown
from neurofwp.spike_trains.structure import KEY, Train, build, check_unit, of_population, trains

HEADING = re.compile(r"(.*?)\s*\((.*)\)")
COLUMNS = ("cell", "time", "episode", "population")


def read_csv(path: str | Path, *, cells: int | None = None) -> xr.Dataset:
    """Spike trains from a CSV file with the columns ``cell`` and, with its unit in the heading, ``time (ms)``.

    Columns ``episode`` and ``population`` may tell more. Cells and episodes are numbered from 0. A number is read as it
    is written, to the last bit.

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
    """The columns, checked, and the unit of time."""
    try:
        rows = pd.read_csv(file, dtype=str, skipinitialspace=True, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"{str(file)!r} is not a CSV file that can be read: {error}") from error
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
    if "population" in rows and (empty := np.flatnonzero(rows["population"].isna())).size:
        raise InputError(f"{str(file)!r}, line {empty[0] + 2}: population is empty, but every spike needs it")
    rows["population"] = rows["population"].astype(str) if "population" in rows else KEY
    return rows, heading[2]


def _numbers(file: Path, rows: pd.DataFrame, name: str) -> pd.Series[float]:
    values = pd.Series([_number(text) for text in rows[name]], rows.index, dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise InputError(f"{str(file)!r}, line {bad[0] + 2}: {name} must be a number, not {rows[name].iloc[bad[0]]}")
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
        found = rows[name].iloc[bad[0]]
        raise InputError(f"{str(file)!r}, line {bad[0] + 2}: {name} must be a whole number from 0 on, not {found}")
    return values.astype(int)


def _check_order(file: Path, rows: pd.DataFrame, unit: str) -> None:
    since = rows.groupby(["episode", "population", "cell"])["time"].diff()
    falls = np.flatnonzero(since < 0)
    if falls.size:
        row = rows.iloc[falls[0]]
        raise InputError(
            f"{str(file)!r}, line {falls[0] + 2}: {row['population']} cell {row['cell']} fires at {row['time']:g} "
            f"{unit}, before its last spike, {-since.iloc[falls[0]]:g} {unit} later: times of a train must rise"
        )


def to_pandas(data: xr.Dataset, population: str | None = None) -> pd.DataFrame:
    """One row per spike: episode, population, cell and time, whose heading says the unit, as `read_csv` takes it.

    Parameters
    ----------
    data : spike trains, or a Trace. population : of which; by default all.
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
