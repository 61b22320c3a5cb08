"""Training: AdamW with early stopping, progress, and checkpoints from which an interrupted run resumes exactly."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from neurofwp.errors import InputError
from neurofwp.runtime import digest, source, store
from neurofwp.runtime.progress import progress_bar
from neurofwp.slownet.training import checkpoint
from neurofwp.slownet.training.distributed import agree, average, workers
from neurofwp.slownet.training.settings import Training as Training

Batch = TypeVar("Batch")
Net = TypeVar("Net", bound=nn.Module)

FILE = store.CHECKPOINT

log = logging.getLogger("neurofwp")


@dataclass
class Outcome:
    """What training came to: the best evaluation, the steps done, and every evaluation with its `step`."""

    best: dict[str, float] = field(default_factory=lambda: {"loss": math.inf})
    steps: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    waited: int = 0  # evaluations since the best one

    def is_over(self, settings: Training) -> bool:
        solved = settings.target is not None and self.best["loss"] <= settings.target
        stuck = settings.patience is not None and self.waited >= settings.patience
        return solved or stuck or self.steps >= settings.steps

    def add(self, numbers: dict[str, float]) -> bool:
        """Add the evaluation of this step, and say whether it is the best one."""
        self.history.append({"step": float(self.steps), **numbers})
        better = numbers["loss"] < self.best["loss"]
        self.waited = 0 if better else self.waited + 1
        self.best = numbers if better else self.best
        return better


def train(
    model: Net,
    batch: Callable[[int], Batch],
    loss: Callable[[Net, Batch], Tensor],
    evaluate: Callable[[Net], Mapping[str, float]],
    *,
    settings: Training,
    folder: Path | None = None,
    config: Mapping[str, Any] | None = None,
    progress: bool = True,
    description: str = "training",
) -> Outcome:
    """Train `model` in place, and leave in it the weights of the best evaluation.

    Parameters
    ----------
    batch : the batch of a step; a pure function of the step, so that a run that resumes sees what it would have seen.
    loss : of a model on a batch, a scalar.
    evaluate : numbers of a model, among them "loss"; called without gradients.
    folder : for a checkpoint at every evaluation, until the end beside the one before. The newest that is there and
        whole, of the same settings, config and source, is resumed; the log names one that is damaged.
    config : what else the run depends on, such as seed and sizes; JSON.

    Started by torchrun, every process trains on its own part of the batch, which `batch` gives it, and gradients are
    averaged over all of them; the first one reports and saves.

    Raises
    ------
    InputError
        if the folder holds a checkpoint of other settings, another architecture or other code, or the loss is not
        finite (the checkpoint before stays).
    """
    about = {
        "settings": asdict(settings),
        "config": dict(config or {}),
        "source": {"fingerprint": source.fingerprint()},
    }
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    outcome, best = Outcome(), _copy(model)
    first = workers()[0] == 0
    path = None if folder is None else _path(folder, make=first)
    if path is not None and (found := _newest_whole(path)) is not None:
        best, outcome = _resume(*found, model, optimiser, about)
    quiet = not (progress and first)
    with progress_bar(total=settings.steps, initial=outcome.steps, desc=description, disable=quiet, leave=False) as bar:
        while not outcome.is_over(settings):
            value = loss(model.train(), batch(outcome.steps))
            _check_finite(value, outcome.steps, description)
            _descend(value, optimiser, parameters, settings.clip)
            outcome.steps += 1
            bar.update()
            if outcome.steps % settings.evaluate_every == 0 or outcome.steps == settings.steps:
                numbers = agree(_evaluate(model, evaluate))
                best = _copy(model) if outcome.add(numbers) else best
                bar.set_postfix({name: f"{number:.4g}" for name, number in numbers.items()})
                if path is not None and first:
                    _save(path, model, best, optimiser, outcome, about)
    if path is not None and first:
        path.with_name(store.CHECKPOINT_BEFORE).unlink(missing_ok=True)  # the slow net is made of the last one
    model.load_state_dict(best)
    return outcome


def _path(folder: Path, *, make: bool) -> Path:
    if make:
        folder.mkdir(parents=True, exist_ok=True)
    return folder / FILE


def _check_finite(loss: Tensor, step: int, description: str) -> None:
    if not torch.isfinite(loss):
        raise InputError(
            f"{description}: the loss is {loss.item()} at step {step}; "
            "a smaller learning rate, or keys of norm one, keep it finite"
        )


def _descend(
    loss: Tensor, optimiser: torch.optim.Optimizer, parameters: Sequence[nn.Parameter], clip: float | None
) -> None:
    """One step down the gradient, averaged over all processes."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    average(parameters)
    if clip is not None:
        nn.utils.clip_grad_norm_(parameters, clip)
    optimiser.step()


def _evaluate(model: Net, evaluate: Callable[[Net], Mapping[str, float]]) -> dict[str, float]:
    model.eval()
    with torch.no_grad():
        return {name: float(number) for name, number in evaluate(model).items()}


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def _save(
    path: Path,
    model: nn.Module,
    best: Mapping[str, Tensor],
    optimiser: torch.optim.Optimizer,
    outcome: Outcome,
    about: Mapping[str, Any],
) -> None:
    moments = {
        f"{index}.{name}": torch.as_tensor(tensor)
        for index, state in optimiser.state_dict()["state"].items()
        for name, tensor in state.items()
    }
    parts = {"model": _copy(model), "best": best, "optimiser": moments}
    tensors = {f"{part}/{name}": tensor for part, named in parts.items() for name, tensor in named.items()}
    if path.is_file():
        os.replace(path, path.with_name(store.CHECKPOINT_BEFORE))
    checkpoint.save(path, tensors, {**about, "outcome": asdict(outcome)})


def _newest_whole(path: Path) -> tuple[Path, dict[str, Tensor], dict[str, Any]] | None:
    """The last checkpoint, with its tensors and config, or the one before where the last is damaged or not there."""
    for each in (path, path.with_name(store.CHECKPOINT_BEFORE)):
        if each.is_file():
            try:
                return (each, *checkpoint.load(each))
            except digest.Damaged as error:
                log.warning("%s: training resumes from the checkpoint before, or begins anew without one", error)
    return None


def _resume(
    path: Path,
    tensors: Mapping[str, Tensor],
    config: Mapping[str, Any],
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    about: Mapping[str, Any],
) -> tuple[dict[str, Tensor], Outcome]:
    """Put model and optimiser where they were; the best weights so far, and the outcome so far."""
    parts: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimiser": {}}
    if config.keys() != {*about, "outcome"}:
        raise InputError(f"{str(path)!r} is no checkpoint of a training")
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = tensor
    for part in ("best", "model"):
        checkpoint.fill(model, parts[part], source=str(path))
        if part == "best":
            best = _copy(model)
    if config["source"] != about["source"]:
        raise InputError(
            f"{str(path)!r} was left by other code, or other versions of what it runs on: give --fresh to begin anew, "
            "or choose another folder"
        )
    for name, expected in about.items():
        for key in sorted(expected.keys() | config[name].keys()):
            if config[name].get(key) != expected.get(key):
                raise InputError(
                    f"{str(path)!r} was trained with {key} = {config[name].get(key)!r}, not {expected.get(key)!r}; "
                    "choose another folder, or delete it"
                )
    states: dict[int, dict[str, Tensor]] = {}
    for name, tensor in parts["optimiser"].items():
        index, _, rest = name.partition(".")
        states.setdefault(int(index), {})[rest] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": states, "param_groups": groups})
    return best, Outcome(**config["outcome"])
