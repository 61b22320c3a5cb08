"""`neurofwp plot`: the figures of a result again, from the saved data alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

from neurofwp.cli.manifest import Manifest


@dataclass(frozen=True)
class _Plot:
    result: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RESULT")]
    """A results folder, or the result.nc in it."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: beside the result)")] = None
    """Where the figures go."""
    overwrite: bool = False
    """Replace figures of another result in that folder."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """The figures of a result, from the command line."""
    given = tyro.cli(_Plot, prog="neurofwp plot", description="Draw the figures of a result again.", args=words)
    from neurofwp.cli import catalogue, figures, output, results  # bring xarray
    from neurofwp.runtime import files, locks

    file, result = results.open_result(given.result)
    experiment = catalogue.experiment(result.attrs["experiment"])
    folder = files.output_folder(given.out or file.parent)
    with output.log_to_terminal(), locks.hold(folder):
        draw = partial(figures.draw, experiment, result, folder, otherwise="the data are as they were", pdf=given.pdf)
        if folder.resolve() == file.parent.resolve():
            drawn = draw()
        else:
            manifest = _manifest(folder, file)
            manifest.check(overwrite=given.overwrite)
            manifest.begin()
            drawn = draw()
            if drawn is not None:
                manifest.finish(drawn)
    print(folder)
    return 1 if drawn is None else 0


def _manifest(folder: Path, file: Path) -> Manifest:
    """Figures away from their result are of its content alone: other code may draw them again."""
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    return Manifest(folder, {"command": "plot", "result": str(file), "sha256": sha}, ("*.png", "*.pdf"), sha)
