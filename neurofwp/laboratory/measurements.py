"""Measurements to hold a synapse against: what was done, and what became of it.

A file is a table, as CSV with any common separator or as a workbook of Excel, under the columns of
`neurofwp.laboratory.layout.COLUMNS`; where it has others or says less, a TOML file beside it or a `Layout` says how it
is laid out. A line is a mean, or a single cell, of which means are then made. What was done to the cells is never
guessed. `data/README.md` describes every column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.laboratory.layout import Layout, Scale
from neurofwp.laboratory.protocol import Protocol
from neurofwp.laboratory.protocol_lines import read_protocol, require_protocol
from neurofwp.laboratory.scales import UNIT, check_scale, choose_scale, to_ratio
from neurofwp.laboratory.table import Row
from neurofwp.laboratory.table_files import find, read_table

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


def read(source: str | Path, layout: Layout | None = None) -> list[Measurement]:
    """All measurements of a file, given its path, or the name of a shipped one.

    Names of protocols are made different from each other, where the same thing was measured twice, by their lines.

    Parameters
    ----------
    layout : how the file is laid out, before what the TOML file beside it says.

    Raises
    ------
    InputError
        for a file that cannot be read or is empty, a missing column, a protocol that is not said, a cell that does not
        hold what its column needs, numbers that look as if they had another scale, or a mistake in the layout; the
        message says file, line, column and what is allowed.
    """
    path, name = find(source)
    layout = Layout.beside(path) | (layout or Layout())
    table = read_table(path, name, layout.sheet)
    rows = list(layout.rows(table))
    if not rows:
        raise InputError(f"{name} holds no measurement: there is no line after that of the columns")
    rows = [row if "study" in row.cells else row.set(study=path.stem) for row in rows]
    effect = _effect(rows[0], table.columns)
    require_protocol(rows, path)
    one_cell = effect == "after" or ("cell" in rows[0].cells and not {"sem", "sd", "n"} & rows[0].cells.keys())
    heading = rows[0].headings.get(effect, effect)
    scale: Scale = "ratio" if effect == "after" else choose_scale(effect, layout.scale, name, heading)
    lines = [(row, _line(row, effect, scale)) for row in rows]
    if effect != "after":
        unit, values = UNIT[scale], [row.number(effect) for row in rows]
        sems = [one.sem / unit for _, one in lines]
        check_scale(values, sems, effect, scale, declared=layout.scale is not None, file=name, heading=heading)
    elif layout.scale is not None:
        raise InputError(f"{name}: strengths before and after have no scale: leave out {layout.scale!r}")
    return _named(_averages(lines) if one_cell else lines)


def btsp_map() -> xr.Dataset:
    """Change of the membrane potential at a place by behavioural time-scale plasticity (Milstein et al. 2021).

    Returns
    -------
    ``change`` (delay, ramp) in mV: the mean change of the ramp of depolarisation at a place that lies `delay` seconds
    after the plateau (below 0: before it), for initial ramps of the classes "<2", "2-6" and ">6" mV.
    """
    table = read_table(*find(MAP))
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


def _effect(row: Row, columns: Sequence[str]) -> str:
    """The column with what became of the synapse: "ratio", "change", or "after" (with "before")."""
    if "ratio" in row.cells:
        return "ratio"
    if "change" in row.cells:
        return "change"
    if "before" in row.cells and "after" in row.cells:
        return "after"
    raise InputError(
        f"{row.file} does not say what became of the synapses: it needs the column 'ratio' (mean strength after / "
        "before), 'change' (ratio - 1), or 'before' and 'after' of each cell. --columns ratio=NAME says which it is; "
        f"it has {', '.join(filter(None, columns))}"
    )


def _line(row: Row, effect: str, scale: Scale) -> Measurement:
    """A line: a mean, or a cell."""
    return Measurement(
        read_protocol(row),
        ratio=_cell_ratio(row) if effect == "after" else to_ratio(row, effect, scale),
        sem=math.nan if effect == "after" else UNIT[scale] * _sem(row),
        n=row.whole("n") if row.has("n") else None,
        study=row.text("study"),
        pathway=row.cells.get("pathway", ""),
    )


def _sem(row: Row) -> float:
    """As it is in the file, or from a standard deviation; NaN where there is neither."""
    if row.has("sem"):
        return row.number("sem", above=0)
    if not row.has("sd"):
        return math.nan
    if not row.has("n"):
        row.refuse("sd", "a standard deviation needs the number of cells, in a column 'n', to become a SEM")
    return row.number("sd", above=0) / math.sqrt(row.whole("n"))


def _cell_ratio(row: Row) -> float:
    """Strength of one cell after over before; currents may both be below 0."""
    before, after = row.number("before"), row.number("after")
    if before == 0:
        row.refuse("before", "strength before, to which that after is relative, must not be 0")
    if after / before < 0:
        row.refuse("after", f"strengths before and after must have one sign, not {before:g} and {after:g}")
    return after / before


def _averages(lines: Sequence[tuple[Row, Measurement]]) -> list[tuple[Row, Measurement]]:
    """Mean of the ratios of cells to which the same was done, its SEM (from the variance over n - 1), and their number.

    A single cell has no SEM, and neither have cells that are all the same.
    """
    groups: dict[str, list[tuple[Row, Measurement]]] = {}
    for row, one in lines:
        groups.setdefault(repr((one.study, one.pathway, one.protocol)), []).append((row, one))
    made = []
    for cells in groups.values():
        named: set[str] = set()
        for row, _ in cells:
            cell = row.cells.get("cell", "")
            if cell and cell in named:
                row.refuse("cell", f"{cell!r} is there twice for one protocol: average over its lines first")
            named.add(cell)
        ratios = np.array([one.ratio for _, one in cells])
        sem = float(ratios.std(ddof=1) / math.sqrt(len(ratios))) if len(ratios) > 1 else math.nan
        row, one = cells[0]
        made.append((row, one._replace(ratio=float(ratios.mean()), sem=sem or math.nan, n=len(ratios))))
    return made


def _named(lines: Sequence[tuple[Row, Measurement]]) -> list[Measurement]:
    """Measurements whose protocols have different names."""
    every: dict[str, Measurement] = {}
    for row, one in lines:
        label = f"{one.study}, {one.pathway}" if one.pathway else one.study
        label = f"{label}: {one.protocol.name}"
        if label in every:
            label += f" (line {row.line})"
        every[label] = one._replace(protocol=replace(one.protocol, name=label))
    return list(every.values())
