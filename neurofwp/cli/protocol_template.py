"""`neurofwp protocol-template`: a table for one's own measurements, to be filled in."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from neurofwp.errors import InputError
from neurofwp.laboratory.template import template
from neurofwp.runtime.files import write_bytes


@dataclass(frozen=True)
class _Template:
    file: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="FILE")] = Path("measurements.csv")
    """The table, in CSV; a TOML file of the same name comes beside it."""
    cells: bool = False
    """A line is a cell with its strength before and after, in place of a mean."""


def main(words: list[str]) -> int:
    """A table and its TOML file, from the command line."""
    what = (
        "A table for measurements of your own and a TOML file that says what was done, with comments, to be filled in."
    )
    given = tyro.cli(_Template, prog="neurofwp protocol-template", description=what, args=words)
    if given.file.suffix != ".csv":
        raise InputError(f"the template is CSV: give it a name that ends in .csv, not {str(given.file)!r}")
    files = (given.file, given.file.with_suffix(".toml"))
    for file in files:
        if file.exists():
            raise InputError(f"{file} is there already: give another name, or move it away")
    try:
        for file, text in zip(files, template(given.file.name, cells=given.cells), strict=True):
            write_bytes(text.encode(), file)
    except InputError:
        with contextlib.suppress(OSError):  # where nothing can be written
            files[0].unlink(missing_ok=True)  # half of it would be refused the next time
        raise
    print(f"fill in {files[0]} and {files[1]}, then: neurofwp run plasticity-protocols --data {files[0]}")
    return 0
