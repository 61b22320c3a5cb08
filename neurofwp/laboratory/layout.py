"""How a file of measurements is laid out, where its columns are not called as ours or say less.

A TOML file beside it says so, `mine.toml` (or `mine.csv.toml`) beside `mine.csv`::

    scale = "percent"                # or ratio, difference, percent-difference
    [columns]                        # ours = the file's
    ratio = "mean_epsp_ratio"
    [given]                          # what the file does not say, the same for all its lines
    protocol = "pairing"
    spikes_per_train = 5

or arguments of the same names on the command line.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import Any, Literal, get_args

from neurofwp.errors import InputError, unknown
from neurofwp.laboratory.table import Row, Table, plain
from neurofwp.runtime.toml import parse_toml

UNITS = ("ms", "s", "us", "\u00b5s", "min", "hz", "khz", "mm", "um", "mv", "v")  # that headings say
log = logging.getLogger("neurofwp")

Scale = Literal["ratio", "percent", "difference", "percent-difference"]

# column: what is in it
COLUMNS = {
    "study": "who measured; by default the name of the file",
    "region": "where; not read",
    "pathway": "which synapses, where a study has several",
    "protocol": "pairing, presynaptic, spikes, pre-post-pre, post-pre-post or quadruplet",
    "dt_ms": "t_post - t_pre, ms: above 0, the presynaptic cell fires first",
    "frequency_hz": "of pairs, or of presynaptic spikes, within a train, Hz",
    "spikes_per_train": "pairs, or presynaptic spikes, in a train",
    "trains": "how often the train is given",
    "train_period_s": "from the onset of a train to that of the next, s",
    "dt1_ms": "t_post - t_pre of the first two spikes of a triplet, ms",
    "dt2_ms": "t_post - t_pre of its last two, ms",
    "interval_ms": "from the post-pre to the pre-post pair of a quadruplet, ms",
    "pre_ms": "presynaptic spike times from the onset of a train, ms, a space between two",
    "post_ms": "postsynaptic spike times likewise",
    "calcium_mm": "extracellular calcium, mM; by default 2",
    "ratio": "mean strength after / before",
    "change": "the same as a difference: strength after / before - 1",
    "sem": "standard error of that mean; may be empty",
    "sd": "standard deviation over cells, in place of sem; needs n",
    "n": "cells, or pairs of cells; may be empty",
    "cell": "name of a cell, where each line is one",
    "before": "strength before, of one cell, in any unit",
    "after": "strength after, of the same cell, in the same unit",
    "note": "not read",
}
UNREAD = ("region", "note")


@dataclass(frozen=True)
class Layout:
    """What a file calls our columns, what it does not say, and its scale.

    columns : the file's columns by ours. given : cells that are the same in all lines, by column, texts or numbers.
    scale : of `ratio` or `change` and their errors; None: as the name of the column says. sheet : of a workbook; None:
    the first.

    Raises
    ------
    InputError
        for a column of ours or a scale that there is not, or a column that is both in the file and given.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    scale: Scale | None = None
    sheet: str | None = None
    origin: str = "layout"

    def __post_init__(self) -> None:
        for name in ("columns", "given"):
            object.__setattr__(self, name, _texts(getattr(self, name), f"{self.origin}: {name}"))
        for column in (*self.columns, *self.given):
            if column not in COLUMNS:
                raise unknown(f"column of neurofwp's in {self.origin}:", column, COLUMNS)
            if column in self.columns and column in self.given:
                raise InputError(
                    f"{self.origin}: {column!r} is both given as {self.given[column]!r} and the column "
                    f"{self.columns[column]!r}: leave one out"
                )
        if self.scale is not None and self.scale not in get_args(Scale):
            raise unknown(f"scale in {self.origin}:", str(self.scale), get_args(Scale))

    @classmethod
    def from_words(cls, columns: Sequence[str] = (), given: Sequence[str] = (), scale: Scale | None = None) -> Layout:
        """From NAME=VALUE of the command line. InputError also for words without "="."""
        return cls(_pairs("--columns", columns), _pairs("--given", given), scale, origin="the command line")

    @classmethod
    def beside(cls, path: Path) -> Layout:
        """That of the TOML file beside a file; an empty one where there is none. InputError for a mistake in it."""
        for file in (path.with_suffix(".toml"), path.with_name(f"{path.name}.toml")):
            if file.is_file() and file != path:
                return cls._read(file)
        return cls()

    @classmethod
    def _read(cls, file: Path) -> Layout:
        found = parse_toml(file.read_bytes(), file)
        for name, value in found.items():
            if name not in ("columns", "given", "scale", "sheet"):
                raise unknown(f"entry of {file}:", name, ("columns", "given", "scale", "sheet"))
            if isinstance(value, dict) != (name in ("columns", "given")):
                raise InputError(f"{file}: {name!r} must be {'a table' if name in ('columns', 'given') else 'a text'}")
        cells = {name: found.get(name, {}) for name in ("columns", "given")}
        log.info("%s says how the file is laid out", file)
        return cls(**cells, scale=found.get("scale"), sheet=found.get("sheet"), origin=str(file))

    def __or__(self, other: Layout) -> Layout:
        """This one, of which the other replaces what it names."""
        columns = {name: heading for name, heading in self.columns.items() if name not in other.given}
        given = {name: cell for name, cell in self.given.items() if name not in other.columns}
        return replace(
            self,
            columns={**columns, **other.columns},
            given={**given, **other.given},
            scale=other.scale or self.scale,
            sheet=other.sheet or self.sheet,
            origin=other.origin,
        )

    def rows(self, table: Table) -> Iterator[Row]:
        """The lines of a table under our names.

        Raises
        ------
        InputError
            for a mapping to a column that is not there, and as `Table.rows`.
        """
        places = self._places(table)
        read = {table.columns[index] for name, index in places.items() if name not in self.given}
        known = {plain(name) for name in UNREAD}
        if ignored := [name for name in table.columns if name and name not in read and plain(name) not in known]:
            log.warning("%s: columns that are not read: %s", table.name, ", ".join(ignored))
        for row in table.rows({name: index for name, index in places.items() if name not in self.given}):
            yield row.set(**self.given)

    def _places(self, table: Table) -> dict[str, int]:
        """Where our columns are."""
        places = {}
        for name in COLUMNS:
            heading = self.columns.get(name, name)
            place = table.find(heading, unit=name not in self.columns)
            if place is not None:
                places[name] = place
            elif name in self.columns:
                raise InputError(
                    f"{table.name}, line {table.first} has no column {heading!r}, which is to be {name!r}; it has "
                    f"{', '.join(filter(None, table.columns))}"
                )
        taken = {table.find(heading, unit=False) for heading in self.columns.values()}
        found = {name: place for name, place in places.items() if name in self.columns or place not in taken}
        _check_units({name: table.columns[place] for name, place in found.items()}, f"{table.name}, line {table.first}")
        twice = {"before", "after"} <= found.keys() and sorted({"ratio", "change"} & found.keys())
        if twice and not {"before", "after", *twice} & self.columns.keys():
            raise InputError(
                f"{table.name}, line {table.first} has before and after as well as {twice[0]}: say which counts, with "
                f"--columns {twice[0]}={table.columns[found[twice[0]]]}, or take the others out of the table"
            )
        return found


def _check_units(headings: Mapping[str, str], where: str) -> None:
    """Refuse a heading that says another unit than the column that it stands for is in."""
    for name, heading in headings.items():
        own = name.rpartition("_")[2]
        said = [word.casefold() for word in re.findall(r"[\[(]\s*([A-Za-z\u00b5]+)\s*[\])]", heading)]
        if own in UNITS and (other := next((word for word in said if word in UNITS and word != own), None)):
            raise InputError(
                f"{where}: the heading {heading!r} says {other}, but {name} is in {own}: convert the column"
            )


def _pairs(flag: str, words: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = (part.strip() for part in word.partition("="))
        if not (name and equals and value):
            raise InputError(f"{flag} needs NAME=VALUE, where NAME is one of {', '.join(COLUMNS)}, not {word!r}")
        if name in pairs:
            raise InputError(f"{flag} has {name} twice")
        pairs[name] = value
    return pairs


def _texts(table: Mapping[str, Any], where: str) -> dict[str, str]:
    for name, value in table.items():
        if isinstance(value, bool) or not isinstance(value, (str, Real)):
            raise InputError(f"{where} {name!r} must be a text or a number, not {value!r}")
    return {name: str(value) for name, value in table.items()}
