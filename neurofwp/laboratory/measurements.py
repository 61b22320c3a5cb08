"""Measurements to hold a synapse against: what was done, and what became of it.

A file is a CSV whose columns say what it is:

- those of ``paired_recordings.csv``, for one's own measurements: ``protocol`` is ``pairing``, ``presynaptic`` (spikes
  at ``frequency_hz`` without postsynaptic ones; ``dt_ms`` empty), or ``spikes``, with the spike times of a train, ms,
  in two further columns ``pre_ms`` and ``post_ms``, a space between two times;
- those of the other shipped files, in which the published protocol goes without saying.

`data/README.md` describes every column.
"""

from __future__ import annotations

import csv
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.laboratory.kinds import pairing, pairing_frequency, quadruplets, triplets
from neurofwp.laboratory.protocol import Protocol

log = logging.getLogger("neurofwp")

MAP = "milstein_2021_btsp_map"
RAMPS = ("<2", "2-6", ">6")  # mV, classes of the map


class Measurement(NamedTuple):
    """One point: mean synaptic strength after a protocol, relative to before.

    ``sem`` is NaN where there is none, ``n`` (cells or pairs of cells) None where it is not known. ``pathway`` says
    which synapses, where a study has several.
    """

    protocol: Protocol
    ratio: float
    sem: float
    n: int | None
    study: str
    pathway: str = ""


def read(source: str | Path) -> list[Measurement]:
    """All measurements of a CSV file, given its path, or the name of a shipped one.

    Names of protocols are made different from each other, where the same thing was measured twice, by their lines.

    Raises
    ------
    InputError
        for a file that cannot be read or is empty, a missing column, a cell that does not hold what its column needs,
        or an unknown kind of protocol; the message says file, line, column and what is allowed.
    """
    path, name = _found(source)
    header, lines = _table(path, name)
    # the kind of file with which it has most columns in common, so that the message says which one is missing
    common = [len({*form.columns} & {*header}) for form in FORMS]
    form = max(zip(FORMS, common, strict=True), key=lambda both: (both[1], both[1] / len(both[0].columns)))[0]
    _complete(header, form.columns, name)
    if ignored := [column for column in header if column not in (*form.columns, *form.optional)]:
        log.warning("%s: columns that are not read: %s", name, ", ".join(ignored))
    made: dict[str, Measurement] = {}
    for row in _rows(header, lines, name):
        one = form.measurement(row)
        label = f"{one.study}, {one.pathway}" if one.pathway else one.study
        label = f"{label}: {one.protocol.name}"
        if label in made:
            label += f" (line {row.line})"
        made[label] = one._replace(protocol=replace(one.protocol, name=label))
    if not made:
        raise InputError(f"{name} holds no measurement: it ends after line 1")
    return list(made.values())


def btsp_map() -> xr.Dataset:
    """Change of the membrane potential at a place by behavioural time-scale plasticity (Milstein et al. 2021).

    Returns
    -------
    ``change`` (delay, ramp) in mV: the mean change of the ramp of depolarisation at a place that lies `delay` seconds
    after the plateau (below 0: before it), for initial ramps of the classes "<2", "2-6" and ">6" mV.
    """
    path, name = _found(MAP)
    header, lines = _table(path, name)
    _complete(header, ("seconds_from_plateau", "initial_ramp_mv", "delta_ramp_mv"), name)
    cells = {
        (row.number("seconds_from_plateau"), row.one_of("initial_ramp_mv", RAMPS)): row.number("delta_ramp_mv")
        for row in _rows(header, lines, name)
    }
    delays = sorted({delay for delay, _ in cells})
    change = np.array([[cells.get((delay, ramp), np.nan) for ramp in RAMPS] for delay in delays])
    return xr.Dataset(
        {"change": (("delay", "ramp"), change, {"units": "mV"})},
        coords={"delay": ("delay", delays, {"units": "s"}), "ramp": list(RAMPS)},
    )


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


@dataclass(frozen=True)
class Form:
    """What the lines of a file with these columns mean."""

    columns: tuple[str, ...]
    measurement: Callable[[Row], Measurement]
    optional: tuple[str, ...] = ()


def _recording(row: Row) -> Measurement:
    """A line of paired_recordings.csv, or of a user's own file."""
    kind = row.one_of("protocol", tuple(KINDS))
    level = row.number("calcium_mm", above=0) if row.cells.get("calcium_mm") else None
    protocol = KINDS[kind](row)
    if level is not None:
        protocol = replace(
            protocol,
            name=f"{protocol.name}, {level:g} mM calcium",
            calcium=level,
            coordinates={**protocol.coordinates, "calcium": level},
        )
    return Measurement(
        protocol,
        ratio=row.number("ratio", least=0),
        sem=row.number("sem", above=0),
        n=row.whole("n"),
        study=row.text("study"),
        pathway=row.cells["pathway"],
    )


def _pairing(row: Row) -> Protocol:
    dt, frequency = row.number("dt_ms"), row.number("frequency_hz", above=0)
    spikes, trains = row.whole("spikes_per_train"), row.whole("trains")
    period = row.number("train_period_s", above=0)
    try:
        return pairing(dt, frequency, spikes=spikes, trains=trains, period=period)
    except InputError as error:  # all else has been checked: the train outlasts its period
        row.refuse("train_period_s", str(error))


def _presynaptic(row: Row) -> Protocol:
    if row.cells["dt_ms"]:
        row.refuse("dt_ms", f"without postsynaptic spikes it must be empty, not {row.cells['dt_ms']!r}")
    paired = _pairing(replace(row, cells={**row.cells, "dt_ms": "0"}))
    frequency = paired.coordinates["frequency"]
    return replace(paired, name=f"presynaptic, {frequency:g} Hz", post=(), coordinates={"frequency": frequency})


def _spikes(row: Row) -> Protocol:
    pre, post = row.times("pre_ms"), row.times("post_ms")
    if not pre and not post:
        row.refuse("pre_ms", "a protocol of kind 'spikes' needs spike times in this column or in 'post_ms'")
    given = {"dt": "dt_ms", "frequency": "frequency_hz"}
    coordinates = {name: row.number(column) for name, column in given.items() if row.cells[column]}
    trains, period = row.whole("trains"), row.number("train_period_s", above=0)
    try:
        name = f"{len(pre)} pre and {len(post)} post in {max(*pre[-1:], *post[-1:], 0.0):g} ms, x {trains}"
        return Protocol(name, pre=pre, post=post, trains=trains, period=period, coordinates=coordinates)
    except InputError as error:
        row.refuse("train_period_s", str(error))


KINDS: dict[str, Callable[[Row], Protocol]] = {
    "pairing": _pairing,
    "presynaptic": _presynaptic,
    "spikes": _spikes,
}


def _sjostrom(row: Row) -> Measurement:
    """Trains as pairing_frequency has them by default: they are this study's."""
    dt, frequency = row.number("dt_ms"), row.number("frequency_hz", above=0)
    (protocol,) = pairing_frequency([frequency], [dt])
    return Measurement(protocol, 1 + row.number("change"), row.number("sem", above=0), None, "Sjöström et al. 2001")


def _wang(row: Row) -> Measurement:
    """Everything at 1 Hz."""
    kind = row.one_of("protocol", ("pair", "pre-post-pre", "post-pre-post", "quadruplet"))
    first, repetitions = row.number("dt1_ms"), row.whole("repetitions")
    try:
        if kind == "pair":
            protocol = pairing(first, trains=repetitions)
        elif kind == "quadruplet":
            (protocol,) = quadruplets([first], repetitions=repetitions)
        else:
            (protocol,) = triplets([(first, row.number("dt2_ms"))], repetitions=repetitions)
    except InputError as error:
        row.refuse("dt1_ms", str(error))
    if kind not in ("pair", "quadruplet") and not protocol.name.startswith(kind):
        row.refuse("protocol", f"with these dt1 and dt2 it is {protocol.name}, not {kind}")
    return Measurement(protocol, 1 + row.number("change"), row.number("sem", above=0), None, "Wang et al. 2005")


def _bi_poo(row: Row) -> Measurement:
    """One cell: 60 pairs at 1 Hz."""
    return Measurement(pairing(row.number("dt_ms")), 1 + row.number("change"), math.nan, 1, "Bi & Poo 1998")


FORMS = (
    Form(
        (
            *("study", "region", "pathway", "protocol", "frequency_hz", "dt_ms", "spikes_per_train", "trains"),
            *("train_period_s", "ratio", "sem", "n"),
        ),
        _recording,
        optional=("pre_ms", "post_ms", "calcium_mm", "note"),
    ),
    Form(("frequency_hz", "dt_ms", "change", "sem"), _sjostrom),
    Form(("protocol", "dt1_ms", "dt2_ms", "change", "sem", "repetitions"), _wang),
    Form(("dt_ms", "change"), _bi_poo),
)


def _found(source: str | Path) -> tuple[Path, str]:
    """The path, and how messages name it."""
    shipped = Path(str(resources.files("neurofwp.data"))) / f"{source}.csv"
    path = shipped if shipped.is_file() else Path(source)
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in shipped.parent.glob("*.csv")))
        raise InputError(f"there is no file {str(source)!r}; measurements that come with neurofwp: {names}")
    return path, path.name if path is shipped else str(source)


def _table(path: Path, name: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and each further line that is not empty: its number and its cells."""
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
    return header, others


def _rows(header: Sequence[str], lines: Sequence[tuple[int, list[str]]], name: str) -> Iterator[Row]:
    for number, cells in lines:
        if len(cells) != len(header):
            raise InputError(f"{name}, line {number} has {len(cells)} cells, but the first line names {len(header)}")
        yield Row(dict(zip(header, cells, strict=True)), name, number)


def _complete(header: Sequence[str], columns: Sequence[str], name: str) -> None:
    for column in columns:
        if column not in header:
            raise InputError(f"{name}, line 1 lacks the column {column!r}; it needs {', '.join(columns)}")
