"""`neurofwp rerun`: a result again, with the settings and the seed that it holds, and whether it is the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from neurofwp.cli import catalogue, experiment_settings, output, run
from neurofwp.errors import InputError
from neurofwp.runtime import provenance

ABOUT = ("settings", "seed", "device", "versions", "commit")  # what a result must say of how it was made


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
    """Folder for the new results."""
    overwrite: bool = False
    """Replace results of other settings or other code in that folder."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """A result again, from the command line: 0 if every array has the same bits, 1 if not."""
    given = tyro.cli(_Rerun, prog="neurofwp rerun", description="Run again what a result came from.", args=words)
    from neurofwp.cli import differences, results  # bring xarray

    file, result = results.open_result(given.result)
    about = result.attrs
    for name in ABOUT:
        if name not in about:
            raise InputError(f"{str(file)!r} cannot be made again: it does not say its {name}")
    experiment = catalogue.experiment(about["experiment"])
    settings = experiment_settings.read(about["settings"], experiment.settings)
    experiment_settings.check(experiment, settings)
    seed = int(about["seed"])
    out = given.out or output.default_folder(experiment.name, experiment_settings.to_json(settings), seed)
    if out.resolve() == file.parent.resolve():
        raise InputError(f"{str(out)!r} holds the result that is to be made again: choose another folder with --out")
    device = given.device or about["device"]
    code = run.carry_out(
        experiment, settings, seed=seed, device=device, out=out, overwrite=given.overwrite, pdf=given.pdf
    )
    again = results.open_result(out)[1]
    found = differences.differing(result, again)
    print("\n".join(differences.report(result, found)), flush=True)
    if found:
        print("\n".join(_changes(about, again.attrs)), flush=True)
    return 1 if found else code


def _changes(before: Mapping[Any, Any], now: Mapping[Any, Any]) -> list[str]:
    """What may have made the numbers differ, a line each."""
    old, new = json.loads(before["versions"]), provenance.versions()
    pairs = [("commit", before["commit"], now["commit"]), ("device", before["device"], now["device"])]
    pairs += [(name, old.get(name, "unknown"), new.get(name, "unknown")) for name in sorted({*old, *new})]
    changed = [f"{name}: {one} then, {other} now" for name, one, other in pairs if one != other]
    return changed or ["commit, versions and device are the same"]
