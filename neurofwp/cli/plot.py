"""`neurofwp plot`: all figures of a result or a sweep, and its report, drawn again from its file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from neurofwp.cli.manifest import Manifest
from neurofwp.errors import InputError

if TYPE_CHECKING:
    from neurofwp.cli.figures import Drawn


@dataclass(frozen=True)
class _Plot:
    result: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RESULT")]
    """A results folder, or the result.nc or sweep.nc in it."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: beside the result)")] = None
    """Where the figures go."""
    overwrite: bool = False
    """Replace figures of another result in that folder."""
    numbers: tuple[str, ...] = ()
    """Of a sweep: the numbers to draw, by their keys in summary.json, as recall.*.r2."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """The figures of a result, from the command line."""
    what = "Draw the figures of a result or a sweep again, and write its report."
    given = tyro.cli(_Plot, prog="neurofwp plot", description=what, args=words)
    from neurofwp.cli import output  # brings xarray
    from neurofwp.runtime import files, locks

    file, draw = _find(given)
    folder = files.output_folder(given.out or file.parent)
    with output.log_to_terminal(), locks.hold(folder):
        if folder.resolve() == file.parent.resolve():
            drawn = draw(folder)
        else:
            manifest = _manifest(folder, file)
            manifest.check(overwrite=given.overwrite)
            manifest.begin()
            drawn = draw(folder)
            if not drawn.failed:
                manifest.finish(drawn.files)
    print(folder)
    return 1 if drawn.failed else 0


def _find(given: _Plot) -> tuple[Path, Callable[[Path], Drawn]]:
    """The file, and what draws its figures into a folder."""
    from neurofwp.cli import catalogue, figures, report, results, sweep_report

    if (found := sweep_report.open_sweep(given.result)) is not None:
        file, data = found
        swept = catalogue.experiment(data.attrs["experiment"])
        return file, lambda folder: sweep_report.write(data, swept, folder, given.numbers, pdf=given.pdf)
    if given.numbers:
        raise InputError(f"--numbers is for sweeps, and {str(given.result)!r} is none")
    file, result = results.open_result(given.result)
    experiment = catalogue.experiment(result.attrs["experiment"])

    def draw(folder: Path) -> Drawn:
        otherwise = "the data are as they were"
        drawn = figures.draw(lambda: experiment.plot(result), folder, otherwise=otherwise, pdf=given.pdf)
        drawn.files.append(report.write(report.of_run(experiment, result, experiment.tables(result), drawn), folder))
        return drawn

    return file, draw


def _manifest(folder: Path, file: Path) -> Manifest:
    """Figures away from their result are of its content alone: other code may draw them again."""
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    about = {"command": "plot", "result": str(file), "sha256": sha}
    return Manifest(folder, about, ("*.png", "*.pdf", "report.html"), sha)
