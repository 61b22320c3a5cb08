"""In-context learning: sequence models that are trained on many tasks learn a new one from feedback, without training.

In every episode y = w.x has a new w ~ N(0, I). At every event a model sees x and predicts y; with feedback it sees y of
the event before as well. Once trained, none of its weights changes, and yet with feedback its error falls within an
episode: its activations, or fast weights, hold what it has learned (Hochreiter et al. 2001; Irie & Gershman 2025).
Without feedback the best answer is 0 at every event, with a squared error of as much as x has dimensions. Least squares
is the optimum after every number of examples, in closed form.

An LSTM, softmax attention, and fast weights under several rules are trained on the same episodes, in as many steps and
by one recipe. All but the LSTM are the same stack of blocks and differ in the layer alone; all have the same number of
parameters to 2 %. The recurrent delta rule hears what it read last, and the self-referential matrix rewrites itself
(Irie et al. 2021, 2022): one event after another, they train slowly, and come with --full.

`in-context-regression` is without training, each rule against the error that theory expects; `meta-learning` trains
slow nets that are told which signal is the key and which the value. Here nothing tells models what to store.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.runtime.experiment import Experiment, check_counts, check_models
from neurofwp.runtime.lazy import np, torch, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    Batch = tuple[Tensor, Tensor]  # what a model sees (episode, event, inputs + 1), and y (episode, event, 1)

DEFAULT = ("lstm", "softmax", "hebbian", "delta", "gated_delta")
MODELS = (*DEFAULT, "recurrent_delta", "self_referential")
FEEDBACK = ("none", "target")
BATCH = 64  # episodes of a training step
HELD_OUT = 512  # episodes by which the best weights are chosen
EVALUATIONS = 10
AT_ONCE = 500  # episodes: a bound on memory
TRAINING, VALIDATION, TESTING = range(3)  # first entries of seeds


@dataclass(frozen=True)
class Settings:
    """What to run."""

    models: tuple[str, ...] = ()
    """lstm, softmax, or ids of rules. Left out: lstm softmax hebbian delta gated_delta; with --full, two more rules."""
    full: bool = False
    """All models and five networks of each: hours."""
    networks: int | None = None
    """Networks of each model, with and without feedback, from different seeds. Left out: 3; with --full, 5."""
    inputs: int = 4
    """Dimensions of x."""
    examples: int = 16
    """Events of an episode."""
    steps: int = 400
    """Training steps at learning rate 0.003; a quarter as many follow at 0.0003."""
    episodes: int = 2000
    """Test episodes."""
    width: int = 32
    """Dimensions of an event inside of a model; as all below not of the LSTM, which has as many parameters."""
    heads: int = 2
    """Of each layer."""
    size: int = 16
    """Dimensions of a key, and of a value, of one head."""
    blocks: int = 2
    """Layers, each with an MLP."""


def check(settings: Settings) -> None:
    """Refuse what cannot be run.

    Raises
    ------
    InputError
        for a model that is not known or comes twice, or a size below 1.
    """
    check_models(settings.models, MODELS)
    check_counts(settings)


def models_of(settings: Settings) -> tuple[str, ...]:
    """The models that the settings ask for."""
    return settings.models or (MODELS if settings.full else DEFAULT)


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Train and test all networks, one process per core; in `folder` each leaves a checkpoint, from which it resumes.

    Raises
    ------
    InputError
        as `check` does.
    """
    check(settings)
    place = nf.rate.choose_device(device).type
    models, networks = models_of(settings), settings.networks or (5 if settings.full else 3)
    # one network of every model before the next ones: what an interrupted run leaves can be compared
    jobs = [(name, feedback, n) for n in range(networks) for name in models for feedback in FEEDBACK]
    found = parallel_map(
        train_and_test,
        {job: (*job[:2], settings, seed + job[2], place, folder) for job in jobs},
        description="training networks",
        report=lambda job, error: f"{job[0]}, feedback {job[1]}, seed {seed + job[2]}: last error {error[-1]:.3f}",
    )
    error = np.array(
        [[[found[name, feedback, n] for n in range(networks)] for feedback in FEEDBACK] for name in models]
    )
    examples = np.arange(settings.examples)
    result = xr.Dataset(
        {
            "squared_error": (("model", "feedback", "network", "examples"), error, {"units": "1"}),
            "least_squares": ("examples", nf.theory.mesa_regression(examples, settings.inputs), {"units": "1"}),
            "parameters": ("model", [_parameters(name, settings) for name in models], {"units": "1"}),
        },
        coords={
            "model": list(models),
            "feedback": list(FEEDBACK),
            "network": seed + np.arange(networks),
            "examples": ("examples", examples, {"units": "1"}),
        },
        attrs={"episodes": settings.episodes, "chance": float(settings.inputs)},
    )
    return xr.DataTree.from_dict({"/error": result})


def build(name: str, settings: Settings, generator: torch.Generator) -> nn.Module:
    """A network, not trained."""
    return nf.rate.predictor(
        name, settings.inputs + 1, 1, width=settings.width, heads=settings.heads, size=settings.size,
        blocks=settings.blocks, length=settings.examples, generator=generator,
    )  # fmt: skip


def _parameters(name: str, settings: Settings) -> int:
    return nf.rate.parameter_count(build(name, settings, torch.Generator().manual_seed(0)))


def train_and_test(
    name: str, feedback: str, settings: Settings, seed: int, device: str, folder: Path | None, *, progress: bool = False
) -> np.ndarray:
    """Squared error of one trained network after so many examples, (examples,), mean over test episodes."""
    model = train(name, feedback, settings, seed, device, folder, progress=progress)
    total = np.zeros(settings.examples)
    seen, target = batch(settings, feedback, settings.episodes, (TESTING, seed, 0), device)
    with torch.no_grad():
        for some, right in zip(seen.split(AT_ONCE), target.split(AT_ONCE), strict=True):
            total += (model(some) - right).square().sum((0, 2)).cpu().numpy()
    return total / settings.episodes


def train(
    name: str, feedback: str, settings: Settings, seed: int, device: str, folder: Path | None = None, *,
    progress: bool = False,
) -> nn.Module:  # fmt: skip
    """One network after both learning rates; models of one seed see the same episodes."""
    model = build(name, settings, torch.Generator().manual_seed(seed)).to(device)
    held_out = batch(settings, feedback, HELD_OUT, (VALIDATION, seed, 0), device)
    # neither other networks nor the test change this one
    others = ("models", "full", "networks", "episodes")
    config = {key: value for key, value in asdict(settings).items() if key not in others}
    config |= {"model": name, "feedback": feedback, "seed": seed}

    def train_stage(stage: str, first: int, steps: int, learning_rate: float) -> None:
        nf.slownet.training.train(
            model,
            lambda step: batch(settings, feedback, BATCH, (TRAINING, seed, first + step), device),
            squared_error,
            lambda model: {"loss": float(squared_error(model, held_out))},
            settings=nf.slownet.training.Training(
                steps, learning_rate, evaluate_every=max(1, steps // EVALUATIONS), patience=None
            ),
            folder=None if folder is None else folder / name / feedback / str(seed) / stage,
            config=config, progress=progress, description=f"{name}, feedback {feedback}, {stage}",
        )  # fmt: skip

    train_stage("coarse", 0, settings.steps, 3e-3)
    train_stage("fine", settings.steps, -(-settings.steps // 4), 3e-4)
    return model


def batch(settings: Settings, feedback: str, episodes: int, seed: tuple[int, int, int], device: str) -> Batch:
    """What a model sees, x and the last y (0 at the first event and without feedback), and what it should predict."""
    own = int(np.random.SeedSequence(seed).generate_state(1)[0])
    task = nf.tasks.regression(settings.inputs, settings.examples, episodes, seed=own)
    # the first event is without an example
    x, y = (torch.as_tensor(task[name].values[:, 1:], dtype=torch.float32) for name in ("cue", "content"))
    last = torch.zeros_like(y)
    if feedback == "target":
        last[:, 1:] = y[:, :-1]
    return torch.cat([x, last], dim=-1).to(device), y.to(device)


def squared_error(model: nn.Module, episodes: Batch) -> Tensor:
    """Of all predictions, mean."""
    seen, target = episodes
    loss: Tensor = (model(seen) - target).square().mean()
    return loss


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Squared error (model, feedback, examples) with SEM over networks and every network, at some numbers of examples.

    ``chance`` is the error of always answering 0; ``least_squares`` (examples) the optimum.
    """
    error = result["error"].to_dataset().drop_vars("network")
    last = int(error["examples"][-1])
    inputs = int(error.attrs["chance"])
    shown = error.sel(examples=sorted({each for each in (0, inputs, 2 * inputs, last) if each <= last}))
    values = shown["squared_error"].transpose("model", "feedback", "examples", "network")
    end = error["squared_error"].isel(examples=-1, drop=True)
    return {
        "summary": xr.Dataset(
            {"chance": ((), error.attrs["chance"], {"units": "1"}), "examples": ((), last, {"units": "1"})}
        ),
        "error": xr.Dataset(
            nf.metrics.mean_and_sem("squared_error", values, "network") | {"squared_error_of_networks": values}
        ),
        "last": xr.Dataset(nf.metrics.mean_and_sem("squared_error", end, "network")),
        "optimum": shown[["least_squares"]],
        "size": error[["parameters"]],
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Squared error over the position in the episode, with and without feedback."""
    return {"in_context_learning": nf.plots.in_context_learning(result["error"].to_dataset())}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
