"""A comparison on the terminal: one line for each area, then what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.same_science.comparison import ALLOWED, BAD, DIFFERS, FAILED, MISSING, NEW, SAME, Row

COLUMNS = (SAME, ALLOWED, DIFFERS, MISSING, FAILED, NEW)
SHOWN = 12  # differences


def show(rows: Sequence[Row], *, every: bool = False, console: Console | None = None) -> bool:
    """Print how many arrays are what, and the worst of each case that is not as it was, or all of them.

    Returns
    -------
    Whether all is as it was, or differs as it may.
    """
    console = console or wide()
    console.print(_areas(rows))
    wrong = [row for row in rows if row.status in BAD]
    listed = wrong if every else _worst(wrong)
    cut = listed if every else listed[:SHOWN]
    if cut:
        console.print(_differences(cut, wrong, every))
    if len(listed) > len(cut):
        console.print(f"... and {len(listed) - len(cut)} more cases (--every shows all arrays)")
    if meant := [row for row in rows if row.status == ALLOWED]:
        reasons = {row.reason: sum(other.reason == row.reason for other in meant) for row in meant}
        console.print("Allowed: " + "; ".join(f"{reason} ({count})" for reason, count in reasons.items()))
    console.print(Text("the same" if not wrong else f"{len(wrong)} arrays or cases are not as they were"))
    return not wrong


def wide() -> Console:
    """The terminal, or, for a file, lines that are long enough for most keys."""
    return Console(width=None if sys.stdout.isatty() else 160)


def case_of(key: str) -> str:
    """Area and case of an array."""
    return "/".join(key.split("/")[:2]).split("@")[0]


def _areas(rows: Sequence[Row]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("area")
    for name in (*COLUMNS, "largest relative difference"):
        table.add_column(name, justify="right")
    for area in dict.fromkeys(row.key.split("/")[0] for row in rows):
        own = [row for row in rows if row.key.split("/")[0] == area]
        counts = [sum(row.status == status for row in own) for status in COLUMNS]
        apart = [row.relative for row in own if row.status in (DIFFERS, ALLOWED)]
        table.add_row(area, *(str(count or "") for count in counts), f"{max(apart):.1e}" if apart else "")
    return table


def _worst(wrong: Sequence[Row]) -> list[Row]:
    """Of every case the row that differs most, cases that failed first."""
    by_case: dict[str, Row] = {}
    for row in wrong:
        known = by_case.get(case_of(row.key))
        if known is None or (row.status == FAILED, row.relative) > (known.status == FAILED, known.relative):
            by_case[case_of(row.key)] = row
    return sorted(by_case.values(), key=lambda row: (row.status != FAILED, -row.relative))


def _differences(cut: Sequence[Row], wrong: Sequence[Row], every: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("array" if every else "worst array of a case", "", "absolute", "relative", "of its case", "note"):
        table.add_column(name, overflow="fold")
    for row in cut:
        beside = sum(case_of(other.key) == case_of(row.key) for other in wrong)
        numbers = (f"{row.absolute:.1e}", f"{row.relative:.1e}") if row.status == DIFFERS else ("", "")
        table.add_row(*map(Text, (row.key, row.status, *numbers, str(beside), row.note)))
    return table
