"""`neurofwp plot`: the figures and the report of a result again, from the saved data alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class _Plot:
    result: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RESULT")]
    """A results folder, or the result.nc in it."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: beside the result)")] = None
    """Where the figures go."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """The figures of a result, from the command line."""
    given = tyro.cli(
        _Plot, prog="neurofwp plot", description="Draw the figures of a result again, and write its report.", args=words
    )
    from neurofwp.cli import catalogue, figures, output, report, results  # bring xarray
    from neurofwp.runtime import files

    file, result = results.open_result(given.result)
    experiment = catalogue.experiment(result.attrs["experiment"])
    folder = files.output_folder(given.out or file.parent)
    with output.log_to_terminal():
        drawn = figures.draw(
            lambda: experiment.plot(result), folder, otherwise="the data are as they were", pdf=given.pdf
        )
        report.write(report.of_run(experiment, result, experiment.tables(result), drawn), folder)
    print(folder)
    return 1 if drawn.failed else 0
