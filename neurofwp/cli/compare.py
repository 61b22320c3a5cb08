"""`neurofwp compare`: recall of both networks, and which rule explains the weights, from a result;
of a sweep its numbers, point by point."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from neurofwp.errors import InputError


@dataclass(frozen=True)
class _Compare:
    result: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RESULT")]
    """A results folder, or the result.nc or sweep.nc in it."""
    numbers: tuple[str, ...] = ()
    """Of a sweep: the numbers to show, by their keys in summary.json, as recall.*.r2."""


def main(words: list[str]) -> int:
    """The tables of a result, from the command line."""
    what = "Print the tables of a result or a sweep."
    given = tyro.cli(_Compare, prog="neurofwp compare", description=what, args=words)
    from neurofwp.cli import printing, results, sweep_report  # bring xarray

    if (sweep := sweep_report.open_sweep(given.result)) is not None:
        sweep_report.show(*sweep, given.numbers)
        return 0
    if given.numbers:
        raise InputError(f"--numbers is for sweeps, and {str(given.result)!r} is none")
    file, result = results.open_result(given.result)
    summary = results.read_summary(file.with_name(results.SUMMARY))
    if not printing.rules(result) and printing.recall(summary) is None:
        raise InputError(f"{str(file)!r} holds no recall and no rules: {result.attrs['experiment']} compares nothing")
    printing.show(result, summary)
    return 0
