"""`neurofwp run`: one experiment, from flags to a folder of results."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from neurofwp.cli import catalogue, choice, experiment_settings, output
from neurofwp.runtime.experiment import Experiment

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
    """Ignore what an interrupted run left in the folder to be resumed."""
    pdf: bool = False
    """Write each figure as PDF too."""


def main(words: list[str]) -> int:
    """One experiment, from the command line."""
    flags = "[--seed N] [--device auto|cpu|cuda] [--out DIR] [--fresh] [--pdf]"
    chosen = choice.choose("run", "experiment", words, catalogue.experiments(), flags)
    if chosen is None:
        return 0
    name, rest = chosen
    experiment = catalogue.experiment(name)
    flags_of = _Run[experiment.settings]  # type: ignore[name-defined]  # known only now that the experiment is chosen
    given = tyro.cli(flags_of, prog=f"neurofwp run {name}", description=experiment.text, args=rest)
    experiment_settings.check(experiment, given.settings)
    return carry_out(
        experiment,
        given.settings,
        seed=given.seed,
        device=given.device,
        out=given.out,
        fresh=given.fresh,
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
    pdf: bool = False,
) -> int:
    """Run an experiment, leave everything in a folder, print that folder, and return the exit code."""
    from neurofwp.cli import figures, printing, results  # bring xarray
    from neurofwp.runtime import files, provenance, store

    device = output.device(device)
    written = experiment_settings.to_json(settings)
    with output.results_folder(out or output.default_folder(experiment.name, written, seed)) as folder:
        log.info("%s, seed %d, on %s", experiment.name, seed, device)
        log.info("settings %s", written)
        log.debug("versions %s, commit %s", json.dumps(provenance.versions()), provenance.commit())
        started = time.perf_counter()
        if fresh:
            store.clear(folder / "parts")
        result = experiment.run(settings, seed=seed, device=device, folder=folder / "parts")
        results.write(experiment.name, result, settings, seed, device, folder)
        log.info("measured in %.0f s", time.perf_counter() - started)
        summary = experiment.summary(result)
        files.write_json(summary, folder / results.SUMMARY)
        printing.write(experiment.tables(result), folder)
        printing.show(result, summary)
        again = f"the data are safe; log.txt has the traceback, and `neurofwp plot {folder}` tries again"
        drawn = figures.draw(experiment, result, folder, otherwise=again, pdf=pdf)
    print(folder, flush=True)
    return 0 if drawn else 1
