"""`neurofwp rerun`: a result again, with the settings and the seed that it holds."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from neurofwp.cli import catalogue, experiment_settings, run
from neurofwp.runtime import provenance

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class _Rerun:
    result: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RESULT")]
    """A results folder, or the result.nc in it."""
    device: Literal["auto", "cpu", "cuda"] | None = None
    """Where tensors live. Left out: where they lived."""
    out: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: results/EXPERIMENT/<time>-<hash of the settings>)"),
    ] = None
    """Folder for the results."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """A result again, from the command line."""
    given = tyro.cli(_Rerun, prog="neurofwp rerun", description="Run again what a result came from.", args=words)
    from neurofwp.cli import results  # brings xarray

    _, result = results.open_result(given.result)
    about = result.attrs
    experiment = catalogue.experiment(about["experiment"])
    settings = experiment_settings.read(about["settings"], experiment.settings)
    experiment_settings.check(experiment, settings)
    _warn_of_changes(about["commit"], json.loads(about["versions"]))
    return run.carry_out(
        experiment,
        settings,
        seed=int(about["seed"]),
        device=given.device or about["device"],
        out=given.out,
        pdf=given.pdf,
    )


def _warn_of_changes(commit: str, versions: dict[str, str]) -> None:
    """Say what may make the numbers differ."""
    if commit != provenance.commit():
        log.warning("the result was made by commit %s, and this is %s", commit, provenance.commit())
    now = provenance.versions()
    for package, version in versions.items():
        if version != now.get(package):
            log.warning("the result was made with %s %s, and this is %s", package, version, now.get(package, "unknown"))
