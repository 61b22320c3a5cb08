"""Meta-learning: trained slow nets make fast weights learn within an episode, while no weight of their own changes.

*Regression*: y = w.x, w ~ N(0, I) drawn for every episode, predicted after N examples; trained with one question, after
20 of them, and tested after every N. Beside it stand closed forms: of untrained rules that write plain x with a
constant step (delta) or the best step for each N (hebbian), and of steps divided by |x|^2, which is as far as a gate
that sees one example at a time can help by the size of x. *Few-shot classification* of digits whose labels are shuffled
in every episode, and the *write gate* on pairs to store and distractors: both tested on images not trained on, of the
same ten digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import neurofwp as nf
from neurofwp.errors import InputError, unknown
from neurofwp.runtime.experiment import Experiment, check_counts
from neurofwp.runtime.lazy import np, torch, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.slownet import Programmer
    from neurofwp.slownet.families import Family
    from neurofwp.slownet.training import MetaTraining

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
    """Training steps on pairs to store and distractors."""
    episodes: int = 10_000
    """Held-out episodes of regression; a tenth as many of the other tasks, which vary less."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Train and test all slow nets; in `folder` each leaves a checkpoint, from which it resumes.

    Raises
    ------
    InputError
        for a size below 1, fewer than 20 episodes, or an unknown architecture, and as the tasks do.
    """
    check_counts(settings, "networks", "regression_steps", "few_shot_steps", "gate_steps")
    if settings.episodes < 20:
        raise InputError(f"episodes must be 20 or more, but is {settings.episodes}")
    if settings.architecture not in get_args(Architecture):
        raise unknown("architecture", settings.architecture, get_args(Architecture))
    place = nf.rate.choose_device(device).type
    jobs = [(part, network) for part in PARTS for network in range(settings.networks)]
    found = parallel_map(
        train_and_test,
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
        "theory": (nf.theory.hebbian_regression(count, inputs), nf.theory.delta_regression(count, inputs)),
        "limit": (
            nf.theory.unit_key_hebbian_regression(count, inputs),
            nf.theory.unit_key_delta_regression(count, inputs),
        ),
    }
    return {name: (("rule", "examples"), np.stack(each), {"units": "1"}) for name, each in rows.items()}


def tasks_and_training(part: str, settings: Settings) -> tuple[Family, MetaTraining]:
    """The tasks of a part, and how slow nets are trained on them."""
    from neurofwp.slownet.families import few_shot, gated_pairs, regression

    if part in RULES:
        family = regression.family(regression.Settings(settings.inputs, settings.examples))
        rule, batch, steps = part, 128, settings.regression_steps
    elif part == "few_shot":
        family = few_shot.family(few_shot.Settings(settings.ways, settings.shots))
        rule, batch, steps = "delta", 16, settings.few_shot_steps
    else:
        family = gated_pairs.family(gated_pairs.Settings())
        rule, batch, steps = "delta", 16, settings.gate_steps
    return family, nf.slownet.training.MetaTraining(
        architecture=settings.architecture, rule=rule, batch=batch, steps=steps, learning_rate=3e-3, patience=None
    )


def train_and_test(
    part: str, settings: Settings, seed: int, device: str, folder: Path | None, *, progress: bool = False
) -> xr.Dataset:
    """One slow net before and after it is trained, on the same held-out episodes, along the dim `training`."""
    family, training = tasks_and_training(part, settings)
    task = held_out_episodes(part, settings, family, seed)
    before = scores(part, nf.slownet.training.initial_programmer(family, training, seed=seed, device=device), task)
    model, _ = nf.slownet.training.meta_train(
        family, training, seed=seed, device=device, config={"part": part},
        folder=None if folder is None else folder / part / str(seed), progress=progress, description=part,
    )  # fmt: skip
    return xr.concat(
        [before, scores(part, model, task)], xr.DataArray(list(WHEN), dims="training", name="training")
    ).assign_coords(network=seed)


def held_out_episodes(part: str, settings: Settings, family: Family, seed: int) -> xr.Dataset:
    """Episodes of no training, made of images of no training; regression is asked after every example."""
    own = int(np.random.SeedSequence((TESTING, seed, 0)).generate_state(1)[0])
    if part in RULES:
        return nf.tasks.regression(settings.inputs, 2 * settings.examples, settings.episodes, seed=own)
    return family.draw(settings.episodes // 10, own, "test")


def scores(part: str, model: Programmer, task: xr.Dataset) -> xr.Dataset:
    """What a part is judged by, of one slow net.

    Regression: `squared_error` after N examples and its `sampling_sem` over episodes; `gate_correlation`, between the
    gate and 1/|x|^2; `step_variation`, the coefficient of variation of gate times squared norm of the key, which is how
    much of an error of prediction one write of the delta rule mends: 0 for steps over |x|^2, and sqrt(2/d) for a
    constant gate and keys as long as x. Few-shot: `accuracy` by shots. Gate: `density` in bins, and `mean`, by kind.
    """
    seen = observe(model, task)
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


def observe(model: Programmer, task: xr.Dataset) -> dict[str, np.ndarray]:
    """What happens in every episode and event, (episode, event).

    `squared_error`, mean over the target's entries, and `right`, that its largest entry is the answer's too: both
    meaningless where nothing is asked. `gate`. `key`: squared norm of the key.
    """
    from neurofwp.slownet.episode_tensors import episodes

    first = next(model.parameters())
    parts: dict[str, list[np.ndarray]] = {"squared_error": [], "right": [], "gate": [], "key": []}
    for start in range(0, task.sizes["episode"], AT_ONCE):
        batch = episodes(task.isel(episode=slice(start, start + AT_ONCE)), first.device, first.dtype)
        with torch.no_grad():
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


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Means over networks with SEM, and every network, before and after training.

    ``regression`` (rule, training, examples), with the closed form of the untrained rule, ``theory``, and that of steps
    over |x|^2, ``limit``; ``slow_nets`` (rule, training), see `scores`, where ``within_theory`` (rule) counts those
    trained ones that are at or below theory; ``few_shot`` (training, shots); ``write_gate`` (kind, training).
    """
    error, few, gate = (result[name].to_dataset().drop_vars("network") for name in ("regression", "few_shot", "gate"))
    trained_at = error.attrs["examples"]
    shown = error.sel(examples=sorted({trained_at // 4, trained_at // 2, trained_at, 2 * trained_at}))
    within = (shown["squared_error"] <= shown["theory"]).sel(examples=trained_at, training="after", drop=True)
    return {
        "regression": shown[["theory", "limit"]].assign(
            _spread("squared_error", shown["squared_error"])
            | {"sampling_error": shown["sampling_sem"].max("network").assign_attrs(units="1")}
        ),
        "slow_nets": xr.Dataset(
            _spread("gate_correlation", error["gate_correlation"])
            | _spread("step_variation", error["step_variation"])
            | {"within_theory": within.sum("network").assign_attrs(units="networks")}
        ),
        "few_shot": xr.Dataset(
            _spread("accuracy", few["accuracy"]) | {"chance": ((), few.attrs["chance"], {"units": "1"})}
        ),
        "write_gate": xr.Dataset(_spread("mean", gate["mean"])),
    }


def _spread(name: str, values: xr.DataArray) -> dict[str, xr.DataArray]:
    """Mean over networks, its SEM, and every network, in the order of their seeds."""
    dims = [dim for dim in ("rule", "kind", "training", "examples", "shots") if dim in values.dims]
    values = values.transpose(*dims, "network")
    return nf.metrics.mean_and_sem(name, values, "network") | {f"{name}_of_networks": values}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Regression with each rule, few-shot classification, and the write gate, before and after training."""
    parts = (result[name].to_dataset() for name in ("regression", "few_shot", "gate"))
    return {"meta_learning": nf.plots.meta_learning(*parts)}


EXPERIMENT = Experiment(Settings, run, tables, plot)
