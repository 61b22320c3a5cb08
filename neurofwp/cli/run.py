"""`neurofwp run`: one experiment, from flags to a folder of results."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from neurofwp.cli import catalogue, output, results
from neurofwp.errors import InputError
from neurofwp.runtime import files, provenance, store

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


def run(words: list[str]) -> int:
    """one experiment: data, summary, figures and log into a folder"""
    name, *flags = words or [""]
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if not name or name.startswith("-"):
        raise InputError(f"run needs an experiment before any flag, one of: {', '.join(catalogue.experiments())}")
    module = catalogue.experiment(name)
    flags_of = _Run[module.Settings]  # type: ignore[name-defined]  # known only now that the experiment is chosen
    chosen = tyro.cli(flags_of, prog=f"neurofwp run {name}", description=module.__doc__, args=flags)
    settings = results.written(chosen.settings)
    folder = files.output_folder(chosen.out or output.default_folder(name, settings, chosen.seed))

    with output.logging_to(folder / "log.txt"):
        device = output.device(chosen.device)
        log.info("%s, seed %d, on %s", name, chosen.seed, device)
        log.info("settings %s", settings)
        log.debug("versions %s, commit %s", json.dumps(provenance.versions()), provenance.commit())
        started = time.perf_counter()
        if chosen.fresh:
            store.clear(folder / "parts")
        result = module.run(chosen.settings, seed=chosen.seed, device=device, folder=folder / "parts")
        results.write(name, result, chosen.settings, chosen.seed, device, folder)
        log.info("measured in %.0f s", time.perf_counter() - started)
        summary = module.summary(result)
        files.write_json(summary, folder / results.SUMMARY)
        results.write_tables(module, result, folder)
        results.print_tables(result, summary)
        drawn = _drawn(module, result, folder)
    print(folder, flush=True)
    return 0 if drawn else 1


def _drawn(module: Any, result: Any, folder: Path) -> bool:
    """Draw the figures; one that fails must not take the results with it."""
    try:
        results.draw(module, result, folder)
    except Exception as error:
        log.debug("the figures failed", exc_info=True)
        log.error(
            "the figures could not be drawn (%s: %s), but the data are safe; log.txt has the traceback, and "
            "`neurofwp plot %s` tries again",
            *(type(error).__name__, error, folder),
        )
        return False
    return True


def _usage() -> str:
    lines = [f"  {name:<22} {line}" for name, line in catalogue.experiments().items()]
    return "\n".join(
        [
            "usage: neurofwp run EXPERIMENT [settings] [--seed N] [--device auto|cpu|cuda] [--out DIR]",
            "",
            *lines,
            "",
            "neurofwp run EXPERIMENT --help shows its settings.",
        ]
    )
