"""Measurements to hold a synapse against: what was done, and what became of it.

A file is a CSV whose columns say what it is:

- those of ``paired_recordings.csv``, for one's own measurements: ``protocol`` is ``pairing``, ``presynaptic`` (spikes
  at ``frequency_hz`` without postsynaptic ones; ``dt_ms`` empty), or ``spikes``, with the spike times of a train, ms,
  in two further columns ``pre_ms`` and ``post_ms``, a space between two times;
- those of the other shipped files, in which the published protocol goes without saying.

`data/README.md` describes every column.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.laboratory.csv_table import Row, read_csv
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
    table = read_csv(source)
    header, name = table.columns, table.name
    # the kind of file with which it has most columns in common, so that the message says which one is missing
    common = [len({*form.columns} & {*header}) for form in FORMS]
    form = max(zip(FORMS, common, strict=True), key=lambda both: (both[1], both[1] / len(both[0].columns)))[0]
    table.require(form.columns)
    if ignored := [column for column in header if column not in (*form.columns, *form.optional)]:
        log.warning("%s: columns that are not read: %s", name, ", ".join(ignored))
    every: dict[str, Measurement] = {}
    for row in table.rows():
        one = form.measurement(row)
        label = f"{one.study}, {one.pathway}" if one.pathway else one.study
        label = f"{label}: {one.protocol.name}"
        if label in every:
            label += f" (line {row.line})"
        every[label] = one._replace(protocol=replace(one.protocol, name=label))
    if not every:
        raise InputError(f"{name} holds no measurement: it ends after line 1")
    return list(every.values())


def btsp_map() -> xr.Dataset:
    """Change of the membrane potential at a place by behavioural time-scale plasticity (Milstein et al. 2021).

    Returns
    -------
    ``change`` (delay, ramp) in mV: the mean change of the ramp of depolarisation at a place that lies `delay` seconds
    after the plateau (below 0: before it), for initial ramps of the classes "<2", "2-6" and ">6" mV.
    """
    table = read_csv(MAP)
    table.require(("seconds_from_plateau", "initial_ramp_mv", "delta_ramp_mv"))
    cells = {
        (row.number("seconds_from_plateau"), row.one_of("initial_ramp_mv", RAMPS)): row.number("delta_ramp_mv")
        for row in table.rows()
    }
    delays = sorted({delay for delay, _ in cells})
    change = np.array([[cells.get((delay, ramp), np.nan) for ramp in RAMPS] for delay in delays])
    return xr.Dataset(
        {"change": (("delay", "ramp"), change, {"units": "mV"})},
        coords={"delay": ("delay", delays, {"units": "s"}), "ramp": list(RAMPS)},
    )


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
