"""`neurofwp plot`: the figures and the report of a result or a sweep again, from the saved data alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from neurofwp.errors import InputError

if TYPE_CHECKING:
    from neurofwp.cli.figures import Drawn


@dataclass(frozen=True)
class _Plot:
    result: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RESULT")]
    """A results folder, or the result.nc or sweep.nc in it."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: beside the result)")] = None
    """Where the figures go."""
    numbers: tuple[str, ...] = ()
    """Of a sweep: the numbers to draw, by their keys in summary.json, as recall.*.r2."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """The figures of a result, from the command line."""
    what = "Draw the figures of a result or a sweep again, and write its report."
    given = tyro.cli(_Plot, prog="neurofwp plot", description=what, args=words)
    from neurofwp.cli import output  # brings xarray
    from neurofwp.runtime import files

    folder = given.out or (given.result if given.result.is_dir() else given.result.parent)
    with output.log_to_terminal():
        drawn = _draw(given, folder)
    print(files.output_folder(folder))
    return 1 if drawn.failed else 0


def _draw(given: _Plot, folder: Path) -> Drawn:
    from neurofwp.cli import catalogue, figures, report, results, sweep_report

    if (found := sweep_report.open_sweep(given.result)) is not None:
        data = found[1]
        experiment = catalogue.experiment(data.attrs["experiment"])
        return sweep_report.write(data, experiment, folder, given.numbers, pdf=given.pdf)
    if given.numbers:
        raise InputError(f"--numbers is for sweeps, and {str(given.result)!r} is none")
    _, result = results.open_result(given.result)
    experiment = catalogue.experiment(result.attrs["experiment"])
    drawn = figures.draw(lambda: experiment.plot(result), folder, otherwise="the data are as they were", pdf=given.pdf)
    report.write(report.of_run(experiment, result, experiment.tables(result), drawn), folder)
    return drawn
