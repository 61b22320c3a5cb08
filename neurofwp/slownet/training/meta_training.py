"""Meta-training: a slow net learns from many episodes what to write, and when, so that fast weights learn in each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.slownet.episode_tensors import Episodes, episodes
from neurofwp.slownet.families import Family
from neurofwp.slownet.keys import SparseKeys
from neurofwp.slownet.programmer import Programmer
from neurofwp.slownet.training.distributed import workers
from neurofwp.slownet.training.loop import Outcome, train
from neurofwp.slownet.training.settings import MetaTraining
from neurofwp.tasks.task import whole

TESTED = 200  # episodes of images that were not trained on
HELD_OUT = 256  # episodes by which the best weights are chosen


def initial_programmer(family: Family, settings: MetaTraining, *, seed: int, device: str = "cpu") -> Programmer:
    """The slow net before meta-training.

    Raises
    ------
    InputError
        for settings that do not fit each other.
    """
    whole("seed", seed, low=0)
    model = Programmer(settings.shape(family), generator=torch.Generator().manual_seed(seed))
    if isinstance(model.keys, SparseKeys) and family.cues is not None:
        model.keys.decorrelate(family.cues())
    return model.to(device)


def meta_train(
    family: Family,
    settings: MetaTraining,
    *,
    seed: int,
    device: str = "cpu",
    folder: Path | None = None,
    config: dict[str, Any] | None = None,
    progress: bool = True,
    description: str = "meta-training",
) -> tuple[Programmer, Outcome]:
    """Train a slow net on a family of tasks.

    Episodes of a step depend on `seed` and the step only; several processes (torchrun) share them out. The weights kept
    are those with the least loss on 256 episodes that were not trained on, made of images that were.

    Parameters
    ----------
    folder : where checkpoints are left, and found again. config : what else describes the run, as JSON.

    Raises
    ------
    InputError
        as `initial_programmer` and `neurofwp.slownet.training.loop.train`; for a batch below 1, or a gate cost below 0.
    """
    settings.check()
    model = initial_programmer(family, settings, seed=seed, device=device)
    held_out = draw_batch(family, HELD_OUT, (1, seed, 0), device)
    part = _own_part(settings.batch)

    def batch(step: int) -> Episodes:
        return draw_batch(family, settings.batch, (0, seed, step), device, part=part)

    def numbers(model: Programmer) -> dict[str, float]:
        answer, signals = model(held_out)
        loss = loss_of(model, answer, signals.gate, held_out, settings.gate_cost)
        return {"loss": float(loss)} | family.measure(answer, held_out)

    def loss(model: Programmer, batch: Episodes) -> Tensor:
        answer, signals = model(batch)
        return loss_of(model, answer, signals.gate, batch, settings.gate_cost)

    about = {"shape": model.numbers(), "batch": settings.batch, "gate_cost": settings.gate_cost, "seed": seed}
    return model, train(
        model,
        batch,
        loss,
        numbers,
        settings=settings.training(),
        folder=folder,
        config={**(config or {}), **about},
        progress=progress,
        description=description,
    )


def _own_part(batch: int) -> slice:
    """The episodes of a batch that this process trains on."""
    rank, world = workers()
    if batch % world:
        raise InputError(f"batch ({batch}) must be a multiple of the {world} processes that share it")
    return slice(rank, None, world)


def loss_of(model: Programmer, answer: Tensor, gate: Tensor, episodes: Episodes, gate_cost: float = 0.0) -> Tensor:
    """Mean square of what is wrong: with answers to reads that are wanted, and with any answer at all to the others.

    Nothing is said where an answer is the read-out's shift alone. `gate_cost` is added per open gate.
    """
    wrong = (answer - episodes.target).square().mean(-1)[episodes.wanted].mean()
    others = episodes.asked & ~episodes.wanted
    if others.any():
        wrong = wrong + (answer - model.shift.detach()).square().mean(-1)[others].mean()
    return wrong + gate_cost * gate[episodes.write].mean() if gate_cost else wrong


def draw_batch(
    family: Family, count: int, seed: tuple[int, int, int], device: str, *, part: slice = slice(None)
) -> Episodes:
    """Training episodes from a seed (what for, the run's own, step); `part` of them."""
    task = family.draw(count, int(np.random.SeedSequence(seed).generate_state(1)[0]), "train")
    return episodes(task.isel(episode=part), device)


@torch.no_grad()
def test_model(model: Programmer, family: Family, *, seed: int) -> dict[str, float]:
    """How good a slow net is on 200 episodes made of images that were not trained on."""
    device = next(model.parameters()).device
    task = family.draw(TESTED, int(np.random.SeedSequence((2, seed, 0)).generate_state(1)[0]), "test")
    held_out = episodes(task, device)
    answer, _ = model(held_out)
    return family.measure(answer, held_out)


def history(outcome: Outcome, before: dict[str, float], after: dict[str, float]) -> xr.Dataset:
    """Every evaluation by step, and, with `_before` and `_after`, what was measured on held-out images."""
    names = [name for name in outcome.history[0] if name != "step"]
    made = xr.Dataset(
        {name: ("step", [each[name] for each in outcome.history], {"units": "1"}) for name in names},
        coords={"step": ("step", [int(each["step"]) for each in outcome.history], {"units": "1"})},
    )
    for suffix, numbers in (("before", before), ("after", after)):
        made = made.assign({f"{name}_{suffix}": ((), number, {"units": "1"}) for name, number in numbers.items()})
    return made
