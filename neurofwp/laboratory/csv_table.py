"""CSV files whose cells are checked as they are read: what is wrong is said with file, line and column."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import NoReturn

from neurofwp.errors import InputError


@dataclass(frozen=True)
class Table:
    """Columns of a file called `name` in messages, and its other lines that are not empty: number and cells of each."""

    name: str
    columns: tuple[str, ...]
    lines: tuple[tuple[int, list[str]], ...]

    def require(self, columns: Sequence[str]) -> None:
        """InputError if one of these columns is missing."""
        for column in columns:
            if column not in self.columns:
                raise InputError(f"{self.name}, line 1 lacks the column {column!r}; it needs {', '.join(columns)}")

    def rows(self) -> Iterator[Row]:
        """Every line; InputError for one with more or fewer cells than there are columns."""
        for number, cells in self.lines:
            if len(cells) != len(self.columns):
                raise InputError(
                    f"{self.name}, line {number} has {len(cells)} cells, but the first line names {len(self.columns)}"
                )
            yield Row(dict(zip(self.columns, cells, strict=True)), self.name, number)


@dataclass(frozen=True)
class Row:
    """One line of a file; its methods read a cell, or say what is wrong with it."""

    cells: dict[str, str]
    file: str
    line: int

    def text(self, column: str) -> str:
        """The cell, which must not be empty."""
        if not self.cells[column]:
            self.refuse(column, "the cell must not be empty")
        return self.cells[column]

    def one_of(self, column: str, allowed: Sequence[str]) -> str:
        """One of some words."""
        if self.cells[column] not in allowed:
            self.refuse(column, f"one of {', '.join(allowed)} is needed, not {self.cells[column]!r}")
        return self.cells[column]

    def number(self, column: str, *, above: float = -math.inf, least: float = -math.inf) -> float:
        """A finite number, larger than `above`, `least` or larger."""
        value = _finite(self.cells[column])
        if value is None or not (value > above and value >= least):
            bound = f" above {above:g}" if above > -math.inf else f" of {least:g} or more" if least > -math.inf else ""
            self.refuse(column, f"a number{bound} is needed, not {self.cells[column]!r}")
        return value

    def whole(self, column: str) -> int:
        """A whole number of 1 or more."""
        value = _finite(self.cells[column])
        if value is None or value < 1 or value != int(value):
            self.refuse(column, f"a whole number of 1 or more is needed, not {self.cells[column]!r}")
        return int(value)

    def times(self, column: str) -> tuple[float, ...]:
        """Spike times with spaces between them; none where the cell is empty or the file lacks the column."""
        times: list[float] = []
        for word in self.cells.get(column, "").split():
            time = _finite(word)
            if time is None or time < 0:
                self.refuse(column, f"spike times of 0 ms or more are needed, a space between two, not {word!r}")
            if times and time <= times[-1]:
                self.refuse(column, f"spike times must rise, but {time:g} ms follows {times[-1]:g} ms")
            times.append(time)
        return tuple(times)

    def refuse(self, column: str, why: str) -> NoReturn:
        """Raise the InputError for a cell of this line."""
        raise InputError(f"{self.file}, line {self.line}, column {column!r}: {why}")


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read_csv(source: str | Path) -> Table:
    """A CSV file in UTF-8, given its path, or the name of one of `neurofwp.data`.

    Raises
    ------
    InputError
        if there is no such file, it is not CSV in UTF-8, it is empty, or two columns have one name.
    """
    path, name = _find(source)
    try:
        # utf-8-sig: spreadsheets begin a file with a mark
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise InputError(f"{name} is not a CSV file in UTF-8: {error}") from error
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        raise InputError(f"{name} is empty: its first line must name its columns, as in paired_recordings.csv")
    (_, header), *others = lines
    if twice := [column for column in header if header.count(column) > 1]:
        raise InputError(f"{name}, line 1: the column {twice[0]!r} is there twice")
    return Table(name, tuple(header), tuple(others))


def _find(source: str | Path) -> tuple[Path, str]:
    """The path, and how messages name it."""
    shipped = Path(str(resources.files("neurofwp.data"))) / f"{source}.csv"
    path = shipped if shipped.is_file() else Path(source)
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in shipped.parent.glob("*.csv")))
        raise InputError(f"there is no file {str(source)!r}; measurements that come with neurofwp: {names}")
    return path, path.name if path is shipped else str(source)
