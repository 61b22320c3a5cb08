"""`neurofwp run`: one experiment, from flags to a folder of results."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import tyro

from neurofwp.cli import catalogue, choice, experiment_settings, output
from neurofwp.cli.manifest import Manifest
from neurofwp.runtime import files, provenance, store
from neurofwp.runtime.experiment import Experiment

if TYPE_CHECKING:
    import xarray as xr

Settings = TypeVar("Settings")

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class _Run(Generic[Settings]):
    settings: tyro.conf.OmitArgPrefixes[Settings]
    seed: int = 0
    """Seed of everything random."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where tensors live; auto takes a GPU where there is one."""
    out: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: results/EXPERIMENT/<time>-<hash of the settings>)"),
    ] = None
    """Folder for the results. A run that was interrupted resumes in its folder."""
    fresh: bool = False
    """Ignore what was kept in the folder, and compute all of it again."""
    overwrite: bool = False
    """Replace results of other settings or other code in the folder."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """One experiment, from the command line."""
    flags = "[--seed N] [--device auto|cpu|cuda] [--out DIR] [--fresh] [--overwrite] [--pdf]"
    chosen = choice.choose("run", "experiment", words, catalogue.experiments(), flags)
    if chosen is None:
        return 0
    name, rest = chosen
    experiment = catalogue.experiment(name)
    flags_of = _Run[experiment.settings]  # type: ignore[name-defined]  # known only now that the experiment is chosen
    given = tyro.cli(flags_of, prog=f"neurofwp run {name}", description=experiment.text, args=rest)
    experiment_settings.check(experiment, given.settings)
    experiment_settings.check_seed(given.seed)
    return carry_out(
        experiment,
        given.settings,
        seed=given.seed,
        device=given.device,
        out=given.out,
        fresh=given.fresh,
        overwrite=given.overwrite,
        pdf=given.pdf,
    )


def carry_out(
    experiment: Experiment,
    settings: Any,
    *,
    seed: int,
    device: str,
    out: Path | None = None,
    fresh: bool = False,
    overwrite: bool = False,
    pdf: bool = False,
) -> int:
    """Run an experiment, leave everything in a folder, print that folder, and return the exit code.

    InputError if the folder holds results of something else, and is not to be overwritten.
    """
    from neurofwp.cli import figures, results  # bring xarray

    device = output.device(device)
    written = experiment_settings.to_json(settings)
    folder = out or output.default_folder(experiment.name, written, seed)
    manifest = _manifest(folder, experiment, settings, seed, device)
    if not fresh and manifest.is_complete():
        manifest.say_complete()
        return 0
    with output.results_folder(manifest, overwrite=overwrite, fresh=fresh):
        _log(experiment, written, seed, device)
        if fresh:
            store.clear(folder / "parts")
        started = time.perf_counter()
        result = experiment.run(settings, seed=seed, device=device, folder=folder / "parts")
        manifest.confirm()
        with suppress(OSError):  # which writing says
            (folder / results.SUMMARY).unlink()  # never beside a result that it is not of
        results.write(experiment.name, result, settings, seed, device, folder)
        log.info("measured in %.0f s", time.perf_counter() - started)
        names = _write_tables(experiment, result, folder)
        again = f"the data are safe; log.txt has the traceback, and `neurofwp plot {folder}` tries again"
        drawn = figures.draw(experiment, result, folder, otherwise=again, pdf=pdf)
        if drawn is not None:
            manifest.finish([files.RESULT, *names, *drawn])
    print(folder, flush=True)
    return 1 if drawn is None else 0


def _log(experiment: Experiment, written: str, seed: int, device: str) -> None:
    log.info("%s, seed %d, on %s", experiment.name, seed, device)
    log.info("settings %s", written)
    log.debug("versions %s, commit %s", json.dumps(provenance.versions()), provenance.commit())


def _write_tables(experiment: Experiment, result: xr.DataTree, folder: Path) -> list[str]:
    """Summary and tables, in the folder and on the terminal; the names of the files."""
    from neurofwp.cli import printing, results

    summary, tables = experiment.summary(result), experiment.tables(result)
    files.write_json(summary, folder / results.SUMMARY)
    printing.write(tables, folder)
    printing.show(result, summary)
    return [results.SUMMARY, *(f"{name}.csv" for name in tables)]


def _manifest(folder: Path, experiment: Experiment, settings: Any, seed: int, device: str) -> Manifest:
    """What makes this run this run."""
    from neurofwp.cli import results  # brings xarray

    about = {
        "command": f"run {experiment.name}",
        "settings": json.loads(experiment_settings.to_json(settings)),
        "seed": seed,
        "device": device,
    }
    return Manifest(folder, about, (files.RESULT, results.SUMMARY), store.key(about, settings))
