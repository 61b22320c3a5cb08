"""Multi-query associative recall: accuracy against the size of the memory, for fast weight rules and softmax attention.

Small language models read pairs of tokens and are asked for values by their keys (Arora et al. 2023, arXiv 2312.04927),
here at a size for a CPU, and in a second variant in which half of the keys are assigned a new value before they
are asked for. All are the same stack of two blocks with a short convolution, so that one event can assign to a key
the value after it, and differ in the layer alone. The memory of fast weights is a matrix of d_key x d_value numbers
per layer; that of attention is all keys and values so far. Nothing was published at this size.

All layers are trained alike, by a recipe that was chosen on other seeds. For most of the training the sequences have
their blanks left out: answers are then a third or a quarter of the events in place of a sixteenth, and the delta rules,
which otherwise stay for long where they know only which values came, learn about as soon as the sum. The length of
training is fixed, so that accuracy shows how soon a layer learns as well as how much it holds: with the smallest keys
some networks of every rule still are at chance, and say nothing of what the rule can hold. Where every key is written
once, the rules lie close together, and longer training can turn their order round. Bars are over networks.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, cast

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment, check_counts
from neurofwp.runtime.lazy import np, torch, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from neurofwp.rate import FastWeightStack

RULES = ("hebbian", "fixed_decay", "gated_delta", "delta")
SOFTMAX = "softmax"
VARIANTS = ("plain", "reassignment")
BATCH_WITHOUT_BLANKS = 64  # sequences; about as many tokens as in whole ones
BATCH = 16  # whole sequences
HELD_OUT = 250  # sequences by which the best weights are chosen
# Spread of the embedding at first. At the usual one, 1, what a block adds is small beside its input for long, and
# delta and gated delta layers leave chance later, or not within the training.
EMBEDDING = 0.02
TESTED_AT_ONCE = 250  # sequences: a bound on memory


@dataclass(frozen=True)
class Settings:
    """What to run."""

    vocabulary: int = 256
    """Tokens: blank, keys and values."""
    length: int = 64
    """Tokens in a sequence."""
    pairs: int = 4
    """Keys in a sequence."""
    reassigned: float = 0.5
    """Share of the keys that are assigned a new value, in the second variant."""
    sequences: int = 10_000
    """Training sequences."""
    tested: int = 1_000
    """Test sequences."""
    width: int = 128
    """Dimensions of a token's vector."""
    sizes: tuple[int, ...] = (4, 8, 16)
    """Dimensions of a key, and of a value; one head. Attention is run at the largest."""
    networks: int = 3
    """Networks per point, of the seeds that follow the run's: seed, seed + 1, ..."""
    steps: int = 240
    """Training steps on sequences without their blanks, 64 each; then a fifth as many on whole ones, 16 each."""


@dataclass(frozen=True)
class Cell:
    """One point of a curve. layer : a rule, or "softmax". size : d_key and d_value."""

    variant: str
    layer: str
    size: int

    @property
    def name(self) -> str:
        return f"{self.variant}.{self.layer}.{self.size}"

    def state_size(self, settings: Settings) -> int:
        """Numbers that a layer remembers at the end of a sequence."""
        return settings.length * 2 * self.size if self.layer == SOFTMAX else self.size**2


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Train and test all networks, one process per core; in `folder` each leaves a checkpoint, from which it resumes.

    Raises
    ------
    InputError
        for no sizes, fewer than two networks, no steps, or sizes of the task that do not fit each other.
    """
    if not settings.sizes or min(settings.sizes) < 1:
        raise InputError(f"sizes must be 1 or more, but are {settings.sizes}")
    if settings.networks < 2:
        raise InputError(f"networks must be 2 or more, for a standard error, but is {settings.networks}")
    check_counts(settings, "steps", "sequences", "tested")
    for variant in VARIANTS:
        sequences(settings, variant, 1, seed=0)
    place = nf.rate.choose_device(device).type
    cells = cells_of(settings)
    # one network of every cell before the next ones: what an interrupted run leaves can be compared
    names = [(cell, network) for network in range(settings.networks) for cell in cells]
    found = parallel_map(
        train_and_test,
        {(cell, network): (cell, settings, seed + network, place, folder) for cell, network in names},
        description="training networks",
        report=lambda job, scores: f"{job[0].name}, seed {seed + job[1]}: accuracy {float(scores['accuracy']):.3f}",
    )
    by_cell = [
        xr.concat([found[cell, network] for network in range(settings.networks)], dim="network") for cell in cells
    ]
    table = xr.concat(by_cell, dim="cell").assign_coords(
        {name: ("cell", [getattr(cell, name) for cell in cells]) for name in asdict(cells[0])}
        | {"state_size": ("cell", [cell.state_size(settings) for cell in cells], {"units": "numbers per layer"})}
        | {"network": seed + np.arange(settings.networks)}
    )
    table.attrs |= {"tested": settings.tested, "pairs": settings.pairs}
    return xr.DataTree.from_dict({"/cells": table})


def cells_of(settings: Settings) -> list[Cell]:
    """The networks that the settings ask for."""
    cells = []
    for variant in VARIANTS:
        cells += [Cell(variant, rule, size) for rule in RULES for size in settings.sizes]
        cells.append(Cell(variant, SOFTMAX, max(settings.sizes)))
    return cells


def build(cell: Cell, settings: Settings, generator: torch.Generator) -> FastWeightStack:
    """The network of a cell, not trained."""
    rule = RULES[0] if cell.layer == SOFTMAX else cell.layer
    stack = nf.rate.FastWeightStack(
        settings.vocabulary, rule, settings.width, cell.size, cell.size, 1,
        layers=2, convolution=2, feature_map="silu-l2", generator=generator,
    )  # fmt: skip
    torch.nn.init.normal_(stack.embedding.weight, std=EMBEDDING, generator=generator)
    if cell.layer == SOFTMAX:
        for block in stack.blocks:
            block.layer = nf.rate.SoftmaxLayer(settings.width, cell.size, generator)
    return stack


def sequences(settings: Settings, variant: str, episodes: int, *, seed: int | tuple[int, ...]) -> xr.Dataset:
    """Sequences of a variant of the task."""
    return nf.tasks.tokens.recall(
        settings.vocabulary, settings.length, settings.pairs, episodes,
        reassigned=settings.reassigned if variant == "reassignment" else 0.0, seed=seed,
    )  # fmt: skip


def train_and_test(
    cell: Cell, settings: Settings, seed: int, device: str, folder: Path | None, *, progress: bool = False
) -> xr.Dataset:
    """One trained network: its `scores` on the test sequences, and ``loss``, on held-out ones."""
    generator = torch.Generator().manual_seed(seed)
    model = build(cell, settings, generator).to(device)
    task, held_out, test = (
        sequences(settings, cell.variant, count, seed=(seed, part))
        for part, count in enumerate((settings.sequences, HELD_OUT, settings.tested))
    )
    # neither other networks nor the test change this one
    of_training = {name: each for name, each in asdict(settings).items() if name not in ("sizes", "networks", "tested")}
    config = {**asdict(cell), **of_training, "seed": seed}

    def train_stage(
        stage: int, name: str, task: xr.Dataset, held_out: xr.Dataset, size: int, steps: int, learning_rate: float
    ) -> float:
        def batch(step: int) -> tuple[Tensor, Tensor]:
            drawn = np.random.default_rng((seed, stage, step)).integers(task.sizes["episode"], size=size)
            return _tensors(task.isel(episode=drawn), device)

        outcome = nf.slownet.training.train(
            model, batch, loss_of, lambda model: {"loss": float(loss_of(model, _tensors(held_out, device)))},
            settings=nf.slownet.training.Training(steps, learning_rate, patience=None),
            folder=None if folder is None else folder / cell.name / str(seed) / name,
            config=config, progress=progress, description=f"{cell.name}, {name}",
        )  # fmt: skip
        return outcome.best["loss"]

    without = nf.tasks.tokens.without_blanks
    train_stage(0, "without-blanks", without(task), without(held_out), BATCH_WITHOUT_BLANKS, settings.steps, 6e-3)
    loss = train_stage(1, "whole", task, held_out, BATCH, -(-settings.steps // 5), 2e-3)
    return scores(answers(model, test, device), test).assign(loss=((), loss, {"units": "1"}))


def scores(right: np.ndarray, test: xr.Dataset) -> xr.Dataset:
    """Accuracy; ``once`` and ``reassigned``, that of keys written once and of reassigned ones; and ``chance``.

    right : bool (episode, event), where the right value was answered. Chance is the accuracy of who knows only which
    values came. NaN where no key is of that kind.
    """
    asked, again = test["target"].values != nf.tasks.tokens.NOT_ASKED, test["reassigned"].values
    writes = int(asked[0].sum() + again[0].sum())
    numbers = {
        "accuracy": right[asked].mean(),
        "once": right[asked & ~again].mean() if (asked & ~again).any() else nan,
        "reassigned": right[again].mean() if again.any() else nan,
        "chance": 1 / writes,
    }
    return xr.Dataset({name: ((), number, {"units": "1"}) for name, number in numbers.items()})


def loss_of(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Cross-entropy of the values that are asked for."""
    token, target = batch
    return torch.nn.functional.cross_entropy(
        model(token).flatten(0, 1), target.flatten(), ignore_index=nf.tasks.tokens.NOT_ASKED
    )


def answers(model: nn.Module, task: xr.Dataset, device: str) -> np.ndarray:
    """Where a value was asked for and the right one answered, bool (episode, event)."""
    right = []
    for start in range(0, task.sizes["episode"], TESTED_AT_ONCE):
        token, target = _tensors(task.isel(episode=slice(start, start + TESTED_AT_ONCE)), device)
        with torch.no_grad():
            right.append((model(token).argmax(-1) == target).cpu().numpy())
    return np.concatenate(right)


def _tensors(task: xr.Dataset, device: str) -> tuple[Tensor, Tensor]:
    return cast(
        "tuple[Tensor, Tensor]",
        tuple(torch.as_tensor(task[name].values, device=device) for name in ("token", "target")),
    )


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Means over networks, of fast weights (variant, rule, size) and of attention (variant).

    Accuracy with its SEM, that of keys written once and of reassigned ones, the loss, and the size of the state.
    """
    cells = result["cells"].to_dataset()
    means = cells[["once", "reassigned", "loss"]].mean("network", keep_attrs=True).reset_coords("state_size")
    means = means.assign(nf.metrics.mean_and_sem("accuracy", cells["accuracy"].drop_vars("state_size"), "network"))
    softmax = cells["layer"].values == SOFTMAX
    rules = means.isel(cell=~softmax).set_index(cell=["variant", "layer", "size"]).unstack("cell").rename(layer="rule")
    attention = means.isel(cell=softmax).swap_dims(cell="variant").drop_vars("layer").reset_coords("size")
    order = {"variant": list(VARIANTS), "rule": list(RULES)}
    return {"fast_weights": rules.sel(order), "attention": attention}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Accuracy against the size of the memory, one panel per variant."""
    return {"recall_benchmark": nf.plots.recall_benchmark(result["cells"].to_dataset())}


EXPERIMENT = Experiment(Settings, run, tables, plot)
