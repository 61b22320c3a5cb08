"""`neurofwp compare`: recall of both networks, and which rule explains the weights, from a result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from neurofwp.errors import InputError


@dataclass(frozen=True)
class _Compare:
    result: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RESULT")]
    """A results folder, or the result.nc in it."""


def main(words: list[str]) -> int:
    """The tables of a result, from the command line."""
    given = tyro.cli(_Compare, prog="neurofwp compare", description="Print the tables of a result.", args=words)
    from neurofwp.cli import printing, results  # bring xarray

    file, result = results.open_result(given.result)
    summary = results.read_summary(file.with_name(results.SUMMARY))
    if not printing.rules(result) and printing.recall(summary) is None:
        raise InputError(f"{str(file)!r} holds no recall and no rules: {result.attrs['experiment']} compares nothing")
    printing.show(result, summary)
    return 0
