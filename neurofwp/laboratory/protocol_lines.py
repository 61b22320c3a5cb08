"""What was done to the cells, from a line of a table: one function per kind of protocol."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from neurofwp.errors import InputError
from neurofwp.laboratory.kinds import pairing, quadruplets, triplets
from neurofwp.laboratory.protocol import Protocol
from neurofwp.laboratory.table import Row

RHYTHM = "frequency_hz or train_period_s"
EXAMPLE = {
    "protocol": "protocol=pairing",
    "spikes_per_train": "spikes_per_train=5",
    "trains": "trains=15",
    "train_period_s": "train_period_s=10",
    "frequency_hz": "frequency_hz=20",
}


@dataclass(frozen=True)
class LineKind:
    """A kind of protocol: the columns that it needs, and the protocol of a line."""

    needs: tuple[str, ...]
    protocol: Callable[[Row], Protocol]


def read_protocol(row: Row) -> Protocol:
    """The protocol of a line.

    Raises
    ------
    InputError
        for an unknown kind, or a cell that does not hold what its kind needs.
    """
    kind = row.one_of("protocol", tuple(KINDS))
    level = row.number("calcium_mm", above=0) if row.has("calcium_mm") else None
    protocol = KINDS[kind].protocol(row)
    if level is None:
        return protocol
    return replace(
        protocol,
        name=f"{protocol.name}, {level:g} mM calcium",
        calcium=level,
        coordinates={**protocol.coordinates, "calcium": level},
    )


def require_protocol(rows: Collection[Row], file: Path) -> None:
    """InputError, which asks for what is missing, if the lines do not say what was done: it is never guessed."""
    first = next(iter(rows))
    kinds = {row.cells["protocol"].casefold() for row in rows} if "protocol" in first.cells else {"pairing"}
    missing = [] if "protocol" in first.cells else ["protocol"]
    for kind in sorted(kinds & KINDS.keys()):
        missing += [column for column in KINDS[kind].needs if not _has(column, first.cells)]
        if "spikes_per_train" in missing:  # single spikes need one of the two, trains of several both
            missing = [column for column in missing if column != RHYTHM]
            missing += [column for column in RHYTHM.split(" or ") if column not in first.cells]
    if not missing:
        return
    shown = [word for name, word in EXAMPLE.items() if any(name in column for column in missing)]
    raise InputError(
        f"{first.file} does not say what was done to the cells: it lacks {', '.join(dict.fromkeys(missing))}. Give it "
        f"once for the file, by --given {' '.join(shown) or 'NAME=VALUE'} (with your numbers; a protocol is one of "
        f"{', '.join(KINDS)}) or in {file.with_suffix('.toml').name}, or say which column holds it, by --columns"
    )


def _has(column: str, cells: Mapping[str, str]) -> bool:
    return any(each in cells for each in column.split(" or "))


def _pairing(row: Row) -> Protocol:
    dt, spikes = row.number("dt_ms"), row.whole("spikes_per_train")
    frequency, period = _rhythm(row, spikes)
    trains = row.whole("trains")
    try:
        return pairing(dt, frequency, spikes=spikes, trains=trains, period=period)
    except InputError as error:  # all else has been checked: the train outlasts its period
        row.refuse("train_period_s" if row.has("train_period_s") else "frequency_hz", str(error))


def _rhythm(row: Row, spikes: int) -> tuple[float, float]:
    """Frequency within a train and period of trains; of single spikes one follows from the other."""
    if spikes == 1 and not (row.has("frequency_hz") and row.has("train_period_s")):
        if row.has("train_period_s"):
            period = row.number("train_period_s", above=0)
            return 1 / period, period
        if "frequency_hz" in row.cells:
            frequency = row.number("frequency_hz", above=0)
            return frequency, 1 / frequency
    for column, what in (("frequency_hz", "how fast"), ("train_period_s", "how often")):
        if column not in row.cells:
            row.refuse(column, f"is needed, or --given {column}=NUMBER: {what} trains of {spikes} spikes were given")
    return row.number("frequency_hz", above=0), row.number("train_period_s", above=0)


def _presynaptic(row: Row) -> Protocol:
    if row.cells.get("dt_ms"):
        row.refuse("dt_ms", f"without postsynaptic spikes it must be empty, not {row.cells['dt_ms']!r}")
    paired = _pairing(row.set(dt_ms="0"))
    frequency = paired.coordinates["frequency"]
    return replace(paired, name=f"presynaptic, {frequency:g} Hz", post=(), coordinates={"frequency": frequency})


def _spikes(row: Row) -> Protocol:
    pre, post = row.times("pre_ms"), row.times("post_ms")
    if not pre and not post:
        row.refuse("pre_ms", "a protocol of kind 'spikes' needs spike times in this column or in 'post_ms'")
    given = {"dt": "dt_ms", "frequency": "frequency_hz"}
    coordinates = {name: row.number(column) for name, column in given.items() if row.has(column)}
    trains, period = row.whole("trains"), row.number("train_period_s", above=0)
    try:
        name = f"{len(pre)} pre and {len(post)} post in {max(*pre[-1:], *post[-1:], 0.0):g} ms, x {trains}"
        return Protocol(name, pre=pre, post=post, trains=trains, period=period, coordinates=coordinates)
    except InputError as error:
        row.refuse("train_period_s", str(error))


def _triplet(row: Row) -> Protocol:
    kind, first, second = row.cells["protocol"].casefold(), row.number("dt1_ms"), row.number("dt2_ms")
    frequency, trains = _rhythm(row, 1)[0], row.whole("trains")
    try:
        (protocol,) = triplets([(first, second)], frequency=frequency, repetitions=trains)
    except InputError as error:
        row.refuse("dt1_ms", str(error))
    if not protocol.name.startswith(kind):
        row.refuse("protocol", f"with these dt1 and dt2 it is {protocol.name}, not {kind}")
    return protocol


def _quadruplet(row: Row) -> Protocol:
    interval, frequency, trains = row.number("interval_ms"), _rhythm(row, 1)[0], row.whole("trains")
    try:
        (protocol,) = quadruplets([interval], frequency=frequency, repetitions=trains)
    except InputError as error:
        row.refuse("interval_ms", str(error))
    return protocol


KINDS: dict[str, LineKind] = {
    "pairing": LineKind(("dt_ms", "spikes_per_train", "trains", RHYTHM), _pairing),
    "presynaptic": LineKind(("spikes_per_train", "trains", RHYTHM), _presynaptic),
    "spikes": LineKind(("pre_ms or post_ms", "trains", "train_period_s"), _spikes),
    "pre-post-pre": LineKind(("dt1_ms", "dt2_ms", "trains", RHYTHM), _triplet),
    "post-pre-post": LineKind(("dt1_ms", "dt2_ms", "trains", RHYTHM), _triplet),
    "quadruplet": LineKind(("interval_ms", "trains", RHYTHM), _quadruplet),
}
