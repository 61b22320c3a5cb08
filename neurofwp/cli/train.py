"""`neurofwp train`: a slow net, meta-trained on a family of tasks."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import tyro

from neurofwp.cli import catalogue, choice, figures, output, results
from neurofwp.cli.manifest import Manifest
from neurofwp.errors import unknown
from neurofwp.runtime import files, store
from neurofwp.slownet.training.settings import MetaTraining

Task = TypeVar("Task")
Training = TypeVar("Training")

NET = "slow-net.safetensors"
HISTORY = "learning.nc"

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class _Train(Generic[Task, Training]):
    task: tyro.conf.OmitArgPrefixes[Task]
    training: tyro.conf.OmitArgPrefixes[Training]
    seed: int = 0
    """Seed of everything random."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where tensors live; auto takes a GPU where there is one."""
    out: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: results/train/FAMILY/<time>-<hash>)"),
    ] = None
    """Folder for the results. A training that was interrupted resumes in its folder."""
    fresh: bool = False
    """Ignore the checkpoint in the folder, and train from the start."""
    overwrite: bool = False
    """Replace the slow net of other settings or other code in the folder."""
    pdf: bool = False
    """Write the figure as PDF too."""


def main(words: list[str]) -> int:
    """A slow net, trained from the command line."""
    flags = "[--seed N] [--device auto|cpu|cuda] [--out DIR] [--fresh] [--overwrite] [--pdf]"
    named = choice.choose("train", "family of tasks", words, catalogue.families(), flags)
    if named is None:
        return 0
    name, rest = named
    module = catalogue.family(name)
    flags_of = _Train[module.Settings, MetaTraining]  # type: ignore[name-defined]  # known only now
    chosen = tyro.cli(flags_of, prog=f"neurofwp train {name}", description=module.__doc__, args=rest)
    _check(chosen.training)
    from neurofwp.slownet.training import distributed, meta_training  # bring torch

    settings = {**asdict(chosen.task), **asdict(chosen.training)}
    made = output.default_folder(f"train/{name}", json.dumps(settings, sort_keys=True), chosen.seed)
    folder = chosen.out or made
    manifest = _manifest(folder, name, chosen, settings)
    if not chosen.fresh and manifest.is_complete():  # as every process finds
        if distributed.first():
            manifest.say_complete()
        return 0
    if distributed.first():  # which reports and saves
        with (
            output.results_folder(manifest, overwrite=chosen.overwrite, fresh=chosen.fresh) as replaced,
            distributed.together(output.device(chosen.device)) as device,
        ):
            if chosen.fresh or (chosen.overwrite and replaced):
                store.clear(folder)
            drawn = _train(name, module.family(chosen.task), chosen, settings, manifest, device)
            manifest.finish([NET, results.SUMMARY, HISTORY, *drawn])
        print(folder, flush=True)
        return 0
    with distributed.together(output.device(chosen.device)) as device:
        meta_training.meta_train(
            module.family(chosen.task),
            chosen.training,
            seed=chosen.seed,
            device=device,
            folder=folder,
            config={"family": name, **settings},
        )
    distributed.leave()


def _check(training: MetaTraining) -> None:
    """Refuse what cannot be trained, before torch is imported for it."""
    training.check()
    if training.rule not in (known := catalogue.rules()):
        raise unknown("rule", training.rule, known)


def _manifest(folder: Path, name: str, chosen: Any, settings: dict[str, Any]) -> Manifest:
    """What makes this training this training."""
    device = output.device(chosen.device)
    about = {"command": f"train {name}", "settings": settings, "seed": chosen.seed, "device": device}
    return Manifest(folder, json.loads(json.dumps(about)), (NET, HISTORY, results.SUMMARY), store.key(about))


def _train(name: str, family: Any, chosen: Any, settings: dict[str, Any], manifest: Manifest, device: str) -> list[str]:
    """Train, and leave everything in the folder; the names of the figures."""
    from neurofwp import plots
    from neurofwp.slownet.trained import TrainedSlowNet
    from neurofwp.slownet.training import meta_training

    folder = manifest.folder
    log.info("training a slow net on %s, seed %d, on %s", name, chosen.seed, device)
    log.info("settings %s", json.dumps(settings))
    started = time.perf_counter()
    before = meta_training.test_model(
        meta_training.initial_programmer(family, chosen.training, seed=chosen.seed, device=device),
        family,
        seed=chosen.seed,
    )
    model, outcome = meta_training.meta_train(
        family,
        chosen.training,
        seed=chosen.seed,
        device=device,
        folder=folder,
        config={"family": name, **settings},
        description=name,
    )
    after = meta_training.test_model(model, family, seed=chosen.seed)
    log.info("trained for %d steps in %.0f s", outcome.steps, time.perf_counter() - started)
    numbers = {f"before.{key}": number for key, number in before.items()}
    numbers |= {f"after.{key}": number for key, number in after.items()} | {"steps": outcome.steps}
    about = {"settings": settings, "seed": chosen.seed, "measured": numbers}
    manifest.confirm()
    TrainedSlowNet(model.cpu(), name, about).save(folder / NET)
    files.write_json(numbers, folder / results.SUMMARY)
    history = meta_training.history(outcome, before, after)
    files.write_netcdf(history, folder / HISTORY)
    drawn = figures.save(plots.learning(history), folder, "learning", pdf=chosen.pdf)
    for key, number in after.items():
        log.info(
            "%s on %d held-out episodes: %.4f, before training %.4f", key, meta_training.TESTED, number, before[key]
        )
    return [path.name for path in drawn]
