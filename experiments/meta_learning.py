"""Meta-learning: trained slow nets make fast weights learn within an episode, while no weight of their own changes.

*Regression*: y = w.x, w ~ N(0, I) drawn for every episode, predicted after N examples; trained with one question, after
20 of them, and tested after every N. Beside it stand closed forms: of untrained rules that write plain x with a
constant step (delta) or the best step for each N (hebbian), and of steps divided by |x|^2, which is as far as a gate
that sees one example at a time can help by the size of x. *Few-shot classification* of digits whose labels are shuffled
in every episode, and the *write gate* on pairs to store and to let pass: both tested on images not trained on, of the
same ten digits.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import theory
from neurofwp.errors import InputError, unknown
from neurofwp.plots.averages import mean_sem
from neurofwp.plots.meta_learning import meta_learning as draw
from neurofwp.rate import choose_device
from neurofwp.runtime.parallel import parallel_map
from neurofwp.slownet.episodes import episodes
from neurofwp.slownet.families import Family, few_shot, gated_pairs, regression
from neurofwp.slownet.programmer import Programmer
from neurofwp.slownet.training.meta_training import meta_train, untrained
from neurofwp.slownet.training.settings import MetaTraining
from neurofwp.tasks import regression as regression_after_every_example

log = logging.getLogger("neurofwp")

Architecture = Literal["feed-forward", "gru"]  # a recurrent one reads what it is asked, and testing asks more

RULES = ("hebbian", "delta")
PARTS = ("gate", "few_shot", "delta", "hebbian")  # the longest first
WHEN = ("before", "after")
KINDS = ("stored", "distractors")
BINS = 20  # of the histogram of gates
AT_ONCE = 250  # episodes: a bound on memory
TESTING = 3  # first entry of the seeds of held-out episodes; training and its evaluations have others


@dataclass(frozen=True)
class Settings:
    """What to run."""

    networks: int = 3
    """Slow nets for each task and rule; the first one has the seed of the run, the next ones those after it."""
    architecture: Architecture = "feed-forward"
    """What the controller knows: the event, or all events so far (gru)."""
    inputs: int = 10
    """Dimensions of an input of the regression."""
    examples: int = 20
    """Examples in an episode of regression while training; tested up to twice as many."""
    ways: int = 5
    """Classes in an episode of classification."""
    shots: int = 5
    """Examples of each class."""
    regression_steps: int = 1000
    """Training steps on regression."""
    few_shot_steps: int = 600
    """Training steps on classification."""
    gate_steps: int = 300
    """Training steps on pairs to store and to let pass."""
    episodes: int = 10_000
    """Held-out episodes of regression; a tenth as many of the other tasks, which vary less."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Train and test all slow nets; in `folder` each leaves a checkpoint, from which it goes on.

    Raises
    ------
    InputError
        for a size below 1, fewer than 20 episodes, or an unknown architecture, and as the tasks do.
    """
    for name in ("networks", "regression_steps", "few_shot_steps", "gate_steps"):
        if getattr(settings, name) < 1:
            raise InputError(f"{name} must be 1 or more, but is {getattr(settings, name)}")
    if settings.episodes < 20:
        raise InputError(f"episodes must be 20 or more, but is {settings.episodes}")
    if settings.architecture not in get_args(Architecture):
        raise unknown("architecture", settings.architecture, get_args(Architecture))
    place = choose_device(device).type
    jobs = [(part, network) for part in PARTS for network in range(settings.networks)]
    found = parallel_map(
        measured,
        {(part, network): (part, settings, seed + network, place, folder) for part, network in jobs},
        description="training networks",
        report=lambda job, _: f"{job[0]}, network {job[1]}: done",
    )
    networks = {part: xr.concat([each for job, each in found.items() if job[0] == part], "network") for part in PARTS}
    by_rule = xr.concat([networks[rule] for rule in RULES], xr.DataArray(list(RULES), dims="rule", name="rule"))
    error = by_rule.assign(closed_forms(settings)).assign_attrs(examples=settings.examples)
    return xr.DataTree.from_dict(
        {
            "/regression": error,
            "/few_shot": networks["few_shot"].assign_attrs(chance=1 / settings.ways),
            "/gate": networks["gate"],
        }
    )


def closed_forms(settings: Settings) -> dict[str, tuple[tuple[str, str], np.ndarray, dict[str, str]]]:
    """Squared error by rule and examples: `theory`, of the untrained rules, and `limit`, with steps over |x|^2."""
    count, inputs = np.arange(2 * settings.examples + 1), settings.inputs
    rows = {
        "theory": (theory.hebbian_regression(count, inputs), theory.delta_regression(count, inputs)),
        "limit": (unit_key_hebbian(count, inputs), theory.unit_key_delta_regression(count, inputs)),
    }
    return {name: (("rule", "examples"), np.stack(each), {"units": "1"}) for name, each in rows.items()}


def unit_key_hebbian(examples: np.ndarray, inputs: int) -> np.ndarray:
    """Squared error d (d - 1)/(N + d - 1) of the sum of u y x/|x|^2 at the best u for N, d/(N + d - 1).

    With P the sum of x x'/|x|^2, E P = (N/d) I and E P^2 = (N/d + N (N - 1)/d^2) I, so that E|w - u P w|^2 =
    d - 2 u N + u^2 N (1 + (N - 1)/d). No other g(|x|) does better: for steps g it is E[g|x|^2] that pulls the estimate
    to w, squared in the last term, and E[(g|x|^2)^2] that costs, which is least where g|x|^2 does not vary.
    """
    if inputs == 1:
        return np.where(examples > 0, 0.0, 1.0)  # one example tells all, and N + d - 1 is 0 for none
    return inputs * (inputs - 1) / (examples + inputs - 1)


def prepared(part: str, settings: Settings) -> tuple[Family, MetaTraining]:
    """The tasks of a part, and how slow nets are trained on them."""
    if part in RULES:
        family = regression.family(regression.Settings(settings.inputs, settings.examples))
        rule, batch, steps = part, 128, settings.regression_steps
    elif part == "few_shot":
        family = few_shot.family(few_shot.Settings(settings.ways, settings.shots))
        rule, batch, steps = "delta", 16, settings.few_shot_steps
    else:
        family = gated_pairs.family(gated_pairs.Settings())
        rule, batch, steps = "delta", 16, settings.gate_steps
    return family, MetaTraining(
        architecture=settings.architecture, rule=rule, batch=batch, steps=steps, learning_rate=3e-3, patience=None
    )


def measured(
    part: str, settings: Settings, seed: int, device: str, folder: Path | None, *, progress: bool = False
) -> xr.Dataset:
    """One slow net before and after it is trained, on the same held-out episodes, along the dim `training`."""
    family, training = prepared(part, settings)
    task = held_out(part, settings, family, seed)
    before = scores(part, untrained(family, training, seed=seed, device=device), task)
    model, _ = meta_train(
        family, training, seed=seed, device=device, config={"part": part},
        folder=None if folder is None else folder / part / str(seed), progress=progress, description=part,
    )  # fmt: skip
    return xr.concat(
        [before, scores(part, model, task)], xr.DataArray(list(WHEN), dims="training", name="training")
    ).assign_coords(network=seed)


def held_out(part: str, settings: Settings, family: Family, seed: int) -> xr.Dataset:
    """Episodes of no training, made of images of no training; regression is asked after every example."""
    own = int(np.random.SeedSequence((TESTING, seed, 0)).generate_state(1)[0])
    if part in RULES:
        return regression_after_every_example(settings.inputs, 2 * settings.examples, settings.episodes, seed=own)
    return family.draw(settings.episodes // 10, own, "test")


def scores(part: str, model: Programmer, task: xr.Dataset) -> xr.Dataset:
    """What a part is judged by, of one slow net.

    Regression: `squared_error` after N examples and its `sampling_sem` over episodes; `gate_correlation`, between the
    gate and 1/|x|^2; `step_variation`, the coefficient of variation of gate times squared norm of the key, which is how
    much of an error of prediction one write of the delta rule mends: 0 for steps over |x|^2, and sqrt(2/d) for a
    constant gate and keys as long as x. Few-shot: `accuracy` by shots. Gate: `density` in bins, and `mean`, by kind.
    """
    seen = observed(model, task)
    if part in RULES:
        error, cue = seen["squared_error"], task["cue"].values[:, 1:]
        gate, mended = seen["gate"][:, 1:], (seen["gate"] * seen["key"])[:, 1:]  # the first event has no example
        sem = error.std(0, ddof=1) / np.sqrt(len(error))
        correlation = np.corrcoef(gate.ravel(), 1 / (cue**2).sum(-1).ravel())[0, 1] if np.ptp(gate) > 0 else 0.0
        return _dataset(
            {"squared_error": ("examples", error.mean(0)), "sampling_sem": ("examples", sem)}
            | {"gate_correlation": ((), correlation), "step_variation": ((), mended.std() / mended.mean())},
            {"examples": np.arange(error.shape[1])},
        )
    write = task["write"].values
    if part == "few_shot":
        shot = task["shot"].values
        shots = np.arange(1, shot.max() + 1)
        accuracy = [seen["right"][~write & (shot == each)].mean() for each in shots]
        return _dataset({"accuracy": ("shots", np.array(accuracy))}, {"shots": shots})
    stored = task["stored"].values
    gates = [seen["gate"][write & kind] for kind in (stored, ~stored)]
    edges = np.linspace(0, 1, BINS + 1)
    density = np.stack([np.histogram(each, edges)[0] / len(each) for each in gates])
    return _dataset(
        {"density": (("kind", "gate"), density), "mean": ("kind", np.array([each.mean() for each in gates]))},
        {"kind": list(KINDS), "gate": (edges[1:] + edges[:-1]) / 2},
    )


@torch.no_grad()
def observed(model: Programmer, task: xr.Dataset) -> dict[str, np.ndarray]:
    """What happens in every episode and event, (episode, event).

    `squared_error`, mean over the target's entries, and `right`, that its largest entry is the answer's too: both
    meaningless where nothing is asked. `gate`. `key`: squared norm of the key.
    """
    first = next(model.parameters())
    parts: dict[str, list[np.ndarray]] = {"squared_error": [], "right": [], "gate": [], "key": []}
    for start in range(0, task.sizes["episode"], AT_ONCE):
        batch = episodes(task.isel(episode=slice(start, start + AT_ONCE)), first.device, first.dtype)
        answer, signals = model(batch)
        now = {
            "squared_error": (answer - batch.target).square().mean(-1),
            "right": answer.argmax(-1) == batch.target.argmax(-1),
            "gate": signals.gate,
            "key": signals.key.square().sum(-1),
        }
        for name, tensor in now.items():
            parts[name].append(tensor.cpu().numpy())
    return {name: np.concatenate(each).astype(float) for name, each in parts.items()}


def _dataset(variables: dict[str, tuple[Any, Any]], coords: dict[str, Any]) -> xr.Dataset:
    return xr.Dataset({name: (*each, {"units": "1"}) for name, each in variables.items()}, coords=coords)


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Means over networks with SEM, and every network, beside closed forms.

    `.theory` is the closed form of the untrained rule, `.limit` that of steps over |x|^2; `.networks_within_theory`
    counts the trained ones at or below the former. See `scores` for `gate_correlation` and `step_variation`.
    """
    error, few, gate = (result[name].to_dataset() for name in ("regression", "few_shot", "gate"))
    trained_at = error.attrs["examples"]
    numbers: dict[str, Any] = {}
    for rule in error["rule"].values:
        here = error.sel(rule=rule)
        for count in sorted({trained_at // 4, trained_at // 2, trained_at, 2 * trained_at}):
            key, after = f"regression.{rule}.{count}", here.sel(examples=count, training="after")
            numbers |= _spread(f"{key}.squared_error", after["squared_error"], sem=f"{key}.sem")
            numbers |= {f"{key}.{name}": float(after[name]) for name in ("theory", "limit")}
            numbers[f"{key}.before"] = float(
                here["squared_error"].sel(examples=count, training="before").mean("network")
            )
            numbers[f"{key}.sampling_sem"] = float(after["sampling_sem"].max())
            if count == trained_at:
                within = after["squared_error"] <= after["theory"]
                numbers[f"{key}.networks_within_theory"] = int(within.sum())
        for name in ("gate_correlation", "step_variation"):
            for when in WHEN:
                numbers |= _spread(f"regression.{rule}.{name}.{when}", here[name].sel(training=when))
    numbers["few_shot.chance"] = float(few.attrs["chance"])
    for when in WHEN:
        for shots in few["shots"].values.tolist():
            accuracy = few["accuracy"].sel(training=when, shots=shots)
            key = f"few_shot.{when}.{shots}"
            numbers |= _spread(f"{key}.accuracy", accuracy, sem=f"{key}.sem")
        for kind in KINDS:
            numbers |= _spread(f"gate.{kind}.{when}", gate["mean"].sel(training=when, kind=kind))
    return numbers


def _spread(key: str, values: xr.DataArray, sem: str | None = None) -> dict[str, float]:
    """Mean over networks, its SEM, and every network, in the order of their seeds."""
    mean, error, _ = mean_sem(values, "network")
    each = {f"{key}.network_{i}": float(value) for i, value in enumerate(values.values)}
    return {key: float(mean), sem or f"{key}.sem": float(error)} | each


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Regression with each rule, few-shot classification, and the write gate, before and after training."""
    return {"meta_learning": draw(*(result[name].to_dataset() for name in ("regression", "few_shot", "gate")))}
