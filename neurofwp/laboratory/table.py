"""Tables whose cells are checked as they are read: what is wrong is said with file, line and column."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from neurofwp.errors import InputError

NOTHING = ("", "-", "–", "—", "na", "n/a", "n.a.", "nan", "nd", "n.d.")  # what papers write where there is no number


def plain(heading: str) -> str:
    """A heading without case, brackets and spaces: "dt (ms)", "DT_MS" and "dt_ms" are one, "%" is a word of its own."""
    return re.sub(r"[^\w]+", "_", heading.replace("%", " percent ").replace("Δ", "d").casefold()).strip("_")


def _without_unit(heading: str) -> str:
    return re.sub(r"\s*[\[(][^\])]*[\])]\s*$", "", heading)


@dataclass(frozen=True)
class Table:
    """Headings of a file called `name` in messages, and its other lines that are not empty: number and cells of each.

    first : number of the line with the headings.
    """

    name: str
    columns: tuple[str, ...]
    lines: tuple[tuple[int, list[str]], ...]
    first: int = 1

    def find(self, column: str, *, unit: bool = True) -> int | None:
        """Where a column is: one that is called exactly so, or else one whose heading is `plain`ly the same.

        Parameters
        ----------
        unit : whether a unit in brackets counts; if not, "Frequenz" is the column "Frequenz (Hz)" where no other is.

        Raises
        ------
        InputError
            if two columns are called so.
        """
        exact = [index for index, heading in enumerate(self.columns) if heading == column]
        found = exact or [index for index, heading in enumerate(self.columns) if plain(heading) == plain(column)]
        if not found and not unit:
            found = [i for i, heading in enumerate(self.columns) if plain(_without_unit(heading)) == plain(column)]
        if len(found) > 1:
            raise InputError(f"{self.name}, line {self.first}: the column {column!r} is there twice")
        return found[0] if found else None

    def require(self, columns: Sequence[str]) -> None:
        """InputError if one of these columns is missing."""
        for column in columns:
            if self.find(column) is None:
                raise InputError(
                    f"{self.name}, line {self.first} lacks the column {column!r}; it needs {', '.join(columns)}"
                )

    def rows(self, places: Mapping[str, int] | None = None) -> Iterator[Row]:
        """Every line; by default under the names of its columns.

        Parameters
        ----------
        places : names for columns, and where each is.

        Raises
        ------
        InputError
            for a line with more or fewer cells than there are columns.
        """
        if places is None:
            places = {plain(column): index for index, column in enumerate(self.columns)}
        headings = {name: self.columns[index] for name, index in places.items()}
        for number, cells in self.lines:
            if len(cells) != len(self.columns):
                raise InputError(
                    f"{self.name}, line {number} has {len(cells)} cells, but line {self.first} names "
                    f"{len(self.columns)} columns"
                )
            yield Row({name: cells[index] for name, index in places.items()}, self.name, number, headings)


@dataclass(frozen=True)
class Row:
    """One line of a file; its methods read a cell, or say what is wrong with it.

    headings : what the file calls each column. A cell without a heading was given for the whole file.
    """

    cells: Mapping[str, str]
    file: str
    line: int
    headings: Mapping[str, str] = field(default_factory=dict)

    def has(self, column: str) -> bool:
        """Whether there is such a cell, and something in it."""
        return self.cells.get(column, "").casefold() not in NOTHING

    def set(self, **cells: str) -> Row:
        """The row with other cells."""
        return replace(self, cells={**self.cells, **cells})

    def text(self, column: str) -> str:
        """The cell, which must not be empty."""
        if not self.cells[column]:
            self.refuse(column, "the cell must not be empty")
        return self.cells[column]

    def one_of(self, column: str, allowed: Sequence[str]) -> str:
        """One of some words, in upper or lower case."""
        word = self.cells[column].casefold()
        if word not in allowed:
            self.refuse(column, f"one of {', '.join(allowed)} is needed, not {self.cells[column]!r}")
        return word

    def number(self, column: str, *, above: float = -math.inf, least: float = -math.inf) -> float:
        """A finite number, larger than `above`, `least` or larger."""
        value = finite(self.cells[column])
        if value is None or not (value > above and value >= least):
            bound = f" above {above:g}" if above > -math.inf else f" of {least:g} or more" if least > -math.inf else ""
            self.refuse(column, f"a number{bound} is needed, not {self.cells[column]!r}")
        return value

    def whole(self, column: str) -> int:
        """A whole number of 1 or more."""
        value = finite(self.cells[column])
        if value is None or value < 1 or value != int(value):
            self.refuse(column, f"a whole number of 1 or more is needed, not {self.cells[column]!r}")
        return int(value)

    def times(self, column: str) -> tuple[float, ...]:
        """Spike times with spaces between them; none where the cell is empty or the file lacks the column."""
        times: list[float] = []
        for word in self.cells.get(column, "").split():
            time = finite(word)
            if time is None or time < 0:
                self.refuse(column, f"spike times of 0 ms or more are needed, a space between two, not {word!r}")
            if times and time <= times[-1]:
                self.refuse(column, f"spike times must rise, but {time:g} ms follows {times[-1]:g} ms")
            times.append(time)
        return tuple(times)

    def refuse(self, column: str, why: str) -> NoReturn:
        """Raise the InputError for a cell of this line."""
        if column in self.headings or column not in self.cells:
            raise InputError(f"{self.file}, line {self.line}, column {self.headings.get(column, column)!r}: {why}")
        raise InputError(f"{self.file}, line {self.line}, {column!r}, which is given for the whole file: {why}")


def finite(text: str) -> float | None:
    try:
        value = float(text.replace("−", "-").replace("–", "-"))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
