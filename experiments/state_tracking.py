"""State tracking: parity needs write strengths up to 2, and counting modulo 3 two of them per event.

One event changes fast weights by I - beta k k', whose eigenvalue along the key is 1 - beta. Up to beta = 1 none is
negative, and no number of such layers solves parity at every length; beta = 2 mirrors, which is parity (Grazzi et al.
2024, arXiv 2411.12537). Counting modulo 3 needs a turn by 120 degrees, the product of two mirrors: two micro-steps make
it (Siems et al. 2025). One cannot: its transition is symmetric, so that under a constant input nothing has period 3.

More tasks come with --tasks. Where does the first of five things lie that are permuted at every event? Swaps of two
things take one mirror each, any permutation (S5, complete for NC1: Barrington 1989) up to four. Arithmetic modulo 3
with brackets, two deep, is asked wherever an expression is complete. The recurrent delta rule and the self-referential
matrix take what they have read back into their writes, and so can leave linear recurrences: of published ones, both
learned parity, linear attention and DeltaNet did not (Irie et al. 2023, arXiv 2310.16076).

Networks are one layer between an embedding and a linear read-out, without position or MLP, trained on short sequences
whose length grows, and tested on far longer ones. The loss is the squared error against one-hot answers: cross-entropy
vanishes once all answers are right, and then no longer tells a turn by 119 degrees from one by 120, though on long
sequences only one of them is right. Scaled accuracy is (accuracy - chance)/(1 - chance).

Beside them stand, trained alike, an LSTM, whose nonlinear state can count, and a Transformer: two blocks of softmax
attention with short convolutions and MLPs, more parameters than all others, and a depth that does not grow with the
sequence, which no count of any length fits into (Hahn 2020).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neurofwp as nf
from neurofwp.errors import InputError, unknown
from neurofwp.runtime.experiment import Experiment, check_counts
from neurofwp.runtime.lazy import np, torch, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from neurofwp.tasks.tokens import TrackedTask

    Batch = tuple[Tensor, Tensor]  # numbers and sums, (episode, event) each

REPORTED = (1, 2, 4, 8, 64)  # times the training length, where accuracy is reported; curves end at the last
EPISODES = 64  # of a training batch
HELD_OUT = 256  # episodes of training length, by which the best weights are chosen
TESTED_AT_ONCE = 100  # episodes that are drawn
ANSWERED_AT_ONCE = 50  # of these: a bound on memory
TRANSFORMER = {"width": 32, "heads": 2, "size": 8, "blocks": 2}  # width, heads and size of the others


@dataclass(frozen=True)
class Settings:
    """What to run."""

    length: int = 16
    """Longest training sequences; a multiple of 4."""
    tasks: tuple[str, ...] = ()
    """parity, mod3, swaps, s5 or brackets. Left out: parity mod3; with --full, all."""
    full: bool = False
    """All tasks, and five networks per condition: hours."""
    steps: int = 1200
    """Training steps with growing lengths at learning rate 0.01; half as many follow at 0.001."""
    networks: int | None = None
    """Networks per condition, from different seeds. Left out: 3; with --full, 5."""
    episodes: int = 1000
    """Test sequences."""


@dataclass(frozen=True)
class Condition:
    """A task, and a rule, "lstm" or "transformer". sizes : as of FastWeightLayer."""

    task: str
    rule: str
    beta_range: float = 1.0
    sizes: dict[str, int] | None = None


ONE, TWO, FOUR = ({"micro": steps} for steps in (1, 2, 4))
OWN: dict[str, dict[str, tuple[Any, ...]]] = {  # rules of a task, by name; all have the models of SHARED as well
    "parity": {"parity.beta_1": ("delta", 1.0), "parity.beta_2": ("delta", 2.0)},
    "mod3": {"mod3.one_micro_step": ("delta_product", 2.0, ONE), "mod3": ("delta_product", 2.0, TWO)},
    "swaps": {"swaps.beta_1": ("delta", 1.0), "swaps.beta_2": ("delta", 2.0)},
    "s5": {"s5.beta_2": ("delta", 2.0), "s5.four_micro_steps": ("delta_product", 2.0, FOUR)},
    "brackets": {
        "brackets.beta_1": ("delta", 1.0),
        "brackets.beta_2": ("delta", 2.0),
        "brackets.two_micro_steps": ("delta_product", 2.0, TWO),
    },
}
SHARED = ("recurrent_delta", "self_referential", "lstm", "transformer")
CONDITIONS = {
    name: Condition(task, *arguments)
    for task, own in OWN.items()
    for name, arguments in (own | {f"{task}.{model}": (model,) for model in SHARED}).items()
}
DEFAULT = ("parity", "mod3")


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Train and test all networks; in `folder` each leaves a checkpoint, from which it resumes.

    Raises
    ------
    InputError
        as `check` does.
    """
    check(settings)
    place = nf.rate.choose_device(device).type
    lengths = tested_lengths(settings)
    conditions = [name for name, condition in CONDITIONS.items() if condition.task in tasks_of(settings)]
    networks = settings.networks or (5 if settings.full else 3)
    names = [(name, network) for name in conditions for network in range(networks)]
    found = parallel_map(
        train_and_test,
        {(name, network): (name, settings, (seed, network), place, folder) for name, network in names},
        description="training networks",
        report=lambda job, measures: f"{job[0]}, network {job[1]}: loss {measures[1]:.2g}",
    )
    right = np.array([[found[name, network][0] for network in range(networks)] for name in conditions])
    loss = np.array([[found[name, network][1] for network in range(networks)] for name in conditions])
    chance = np.array([1 / task_of(name).answers for name in conditions])
    scaled = (right - chance[:, None, None]) / (1 - chance[:, None, None])
    dims = ("condition", "network", "length")
    curves = xr.Dataset(
        {
            "accuracy": (dims, scaled, {"units": "1", "long_name": "scaled accuracy"}),
            "loss": (dims[:2], loss, {"units": "1"}),
            "chance": (dims[:1], chance, {"units": "1"}),
            "parameters": (dims[:1], [_parameters(name, settings) for name in conditions], {"units": "1"}),
        },
        coords={
            "condition": conditions,
            "network": np.arange(networks),
            "length": ("length", lengths, {"units": "events"}),
        },
        attrs={"training_length": settings.length, "episodes": settings.episodes},
    )
    return xr.DataTree.from_dict({"/curves": curves})


def check(settings: Settings) -> None:
    """Refuse what cannot be run.

    Raises
    ------
    InputError
        for a task that is not known, a length that is no multiple of 4, or of 8 with brackets, which ask
        at every other event at most, or a size below 1.
    """
    for name in settings.tasks:
        if name not in OWN:
            raise unknown("task", name, tuple(OWN))
    check_counts(settings)
    least = 8 if "brackets" in tasks_of(settings) else 4
    if settings.length % least:
        raise InputError(f"length must be a multiple of {least}, but is {settings.length}")


def tasks_of(settings: Settings) -> tuple[str, ...]:
    """The tasks that the settings ask for."""
    return settings.tasks or (tuple(OWN) if settings.full else DEFAULT)


def task_of(condition: str) -> TrackedTask:
    """What a condition is trained on."""
    return nf.tasks.tokens.TRACKED[CONDITIONS[condition].task]


def tested_lengths(settings: Settings) -> np.ndarray:
    """From a quarter of the training length to 64 times as long, doubling."""
    return settings.length // 4 * 2 ** np.arange(int(np.log2(4 * REPORTED[-1])) + 1)


def train_and_test(
    name: str, settings: Settings, seed: tuple[int, int], device: str, folder: Path | None, *, progress: bool = False
) -> tuple[np.ndarray, float]:
    """One network of a condition: its accuracy (length,), not scaled, and its loss; `seed` is the run's and its own."""
    model, loss = train(name, settings, seed, device, folder, progress=progress)
    return accuracy(model, task_of(name), tested_lengths(settings), settings.episodes, seed=(1, *seed)), loss


def train(
    name: str, settings: Settings, seed: tuple[int, int], device: str, folder: Path | None = None, *,
    progress: bool = False,
) -> tuple[nn.Module, float]:  # fmt: skip
    """One network after both learning rates, and its loss on held-out sequences of the training length."""
    condition, task = CONDITIONS[name], task_of(name)
    generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    model = build(condition, settings, generator).to(device)
    held_out = _batch(task, settings.length, HELD_OUT, (2, *seed), device)
    config = {"length": settings.length, "steps": settings.steps, "seed": list(seed), "condition": asdict(condition)}

    def train_stage(stage: str, first: int, steps: int, learning_rate: float) -> float:
        outcome = nf.slownet.training.train(
            model,
            lambda step: _batch(task, length_at(first + step, settings), EPISODES, (0, *seed, first + step), device),
            squared_error,
            lambda model: {"loss": float(squared_error(model, held_out))},
            settings=nf.slownet.training.Training(steps, learning_rate, patience=None),
            folder=None if folder is None else folder / name / str(seed[1]) / stage,
            config=config,
            progress=progress,
            description=f"{name}, {stage}",
        )
        return outcome.best["loss"]

    train_stage("coarse", 0, settings.steps, 1e-2)
    return model, train_stage("fine", settings.steps, -(-settings.steps // 2), 1e-3)


def build(condition: Condition, settings: Settings, generator: torch.Generator) -> nn.Module:
    """The network of a condition, not trained."""
    task = nf.tasks.tokens.TRACKED[condition.task]
    if condition.rule == "lstm":
        return nf.rate.RecurrentTracker(task.vocabulary, task.answers, generator=generator)
    if condition.rule == "transformer":
        return nf.rate.language_model(
            "softmax", task.vocabulary, **TRANSFORMER, length=settings.length, answers=task.answers,
            generator=generator,
        )  # fmt: skip
    return nf.rate.Tracker(
        task.vocabulary, task.answers, condition.rule, condition.beta_range, condition.sizes, generator=generator
    )


def _parameters(name: str, settings: Settings) -> int:
    return nf.rate.parameter_count(build(CONDITIONS[name], settings, torch.Generator().manual_seed(0)))


def length_at(step: int, settings: Settings) -> int:
    """A quarter, half, and the whole of the training length, for a third of `steps` each, then the whole."""
    return settings.length // (4, 2, 1)[min(2, 3 * step // settings.steps)]


def squared_error(model: nn.Module, batch: Batch) -> Tensor:
    """Of all answers that are asked for against one-hot ones, summed over answers, mean over episodes and events."""
    token, target = batch
    answer: Tensor = model(token)
    right = torch.nn.functional.one_hot(target.clamp_min(0), answer.shape[-1])
    return (answer - right).square().sum(-1)[target != nf.tasks.tokens.NOT_ASKED].mean()


def accuracy(
    model: nn.Module, task: TrackedTask, lengths: np.ndarray, episodes: int, *, seed: tuple[int, ...]
) -> np.ndarray:
    """Share of right answers (length,): each over the last events up to that length, as many as the shortest has."""
    window = int(lengths.min())
    device = next(model.parameters()).device
    hits, asked = np.zeros((2, int(lengths.max())))
    for start in range(0, episodes, TESTED_AT_ONCE):
        count = min(TESTED_AT_ONCE, episodes - start)
        token, target = _batch(task, len(hits), count, (*seed, start), device)
        with torch.no_grad():
            answer = torch.cat([model(some).argmax(-1) for some in token.split(ANSWERED_AT_ONCE)])
            hits += (answer == target).sum(0).cpu().numpy()
            asked += (target != nf.tasks.tokens.NOT_ASKED).sum(0).cpu().numpy()
    last = [slice(length - window, length) for length in lengths]
    return np.array([hits[each].sum() / asked[each].sum() for each in last])


def _batch(task: TrackedTask, length: int, episodes: int, seed: tuple[int, ...], device: str | torch.device) -> Batch:
    drawn = task.draw(length, episodes, seed)
    token, target = (torch.as_tensor(drawn[name].values, device=device) for name in ("token", "target"))
    return token, target


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Scaled accuracy at 1, 2, 4, 8 and 64 times the training length, and training losses: mean, SEM and every network.

    Condition "mod3" is with two micro-steps, "mod3.one_micro_step" the control.
    """
    curves = result["curves"].to_dataset().transpose("condition", "length", "network")
    curves = curves.drop_vars("network", errors="ignore")  # their numbers are lists
    trained_at = curves.attrs["training_length"]
    reported = curves["accuracy"].sel(length=[times * trained_at for times in REPORTED])
    reported = reported.rename(length="times").assign_coords(times=list(REPORTED))
    return {
        "summary": xr.Dataset({"training_length": ((), trained_at, {"units": "events"})}),
        "generalisation": xr.Dataset(
            nf.metrics.mean_and_sem("accuracy", reported, "network") | {"accuracy_of_networks": reported}
        ),
        "training": xr.Dataset(
            nf.metrics.mean_and_sem("loss", curves["loss"], "network") | {"loss_of_networks": curves["loss"]}
        ),
        "size": curves[["parameters"]],
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Scaled accuracy against length, every network."""
    return {"state_tracking": nf.plots.state_tracking(result["curves"].to_dataset())}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
