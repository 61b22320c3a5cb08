"""Associative retrieval: how many pairs fast weights hold before reads break, and what becomes of keys that repeat.

The task, the model and the way of training are those of Schlag, Irie & Schmidhuber (2021, arXiv 2102.11174), whose
results are drawn beside ours. In setting 1 all S keys are written once: up to as many as there are features, all can be
read. In setting 2 training writes 2 S pairs with replacement, and the last value of a key counts: a sum cannot know
which that was, the delta rule replaces the old one.

Training asks for one value per sequence. Evaluation asks for those of all keys, after S writes in both settings: the
published plateau of the sum rule is that of S writes. Random features (favor+) are drawn anew for every batch. What is
published as linear is the feature map elu+1; identity, with keys of norm one, is held to its 64 features by a closed
form. A small loss that stays may be a local minimum: n pairs of keys that are not distinguished cost n/(2 S). They come
apart one after the other, after hundreds or thousands of steps, and n at the end differs by seed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment, check_counts
from neurofwp.runtime.lazy import np, torch, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from neurofwp.slownet import RetrievalNet
    from neurofwp.slownet.training import Outcome

WriteRule = Literal["hebbian", "delta"]
Curve = tuple[int, str, WriteRule]  # setting, feature map, rule

SMALL = (20, 40, 60)
# Best evaluated loss of one network each, by S
PUBLISHED: dict[Curve, dict[int, float]] = {
    (1, "elu+1", "hebbian"): {
        20: 0.00089, 40: 0.00083, 60: 0.0245, 80: 0.108, 100: 0.164, 120: 0.232, 200: 0.342,
    },
    (1, "dpfp-1", "hebbian"): {
        20: 0.00078, 40: 0.00027, 60: 0.00043, 80: 0.00017, 100: 0.00021, 120: 0.0083, 200: 0.173,
    },
    (1, "dpfp-2", "hebbian"): {
        20: 0.00031, 40: 0.00063, 60: 0.00097, 80: 0.00060, 100: 0.00050, 120: 0.00029, 200: 0.00037,
    },
    (2, "dpfp-1", "hebbian"): {20: 0.097, 40: 0.104, 60: 0.103, 80: 0.113, 100: 0.111},
    (2, "dpfp-1", "delta"): {20: 0.00077, 40: 0.00097, 60: 0.0049, 80: 0.0063, 100: 0.00009},
    (2, "elu+1", "delta"): {20: 0.00080, 40: 0.00068, 60: 0.00051, 80: 0.094, 100: 0.150},
    (1, "favor+-64", "hebbian"): {20: 0.117},
    (1, "favor+-128", "hebbian"): {20: 0.074},
    (1, "favor+-512", "hebbian"): {20: 0.024},
}  # fmt: skip
# what is trained if nothing is chosen
CURVES: tuple[Curve, ...] = (
    (1, "elu+1", "hebbian"),
    (1, "identity", "hebbian"),
    (1, "dpfp-1", "hebbian"),
    (1, "dpfp-2", "hebbian"),
    (2, "dpfp-1", "hebbian"),
    (2, "dpfp-1", "delta"),
    (2, "elu+1", "delta"),
    (2, "identity", "delta"),
)


@dataclass(frozen=True)
class Settings:
    """What to run. One setting, feature map, rule and number of pairs is one network: `loss` and `steps`."""

    setting: Literal[1, 2] | None = None
    """1: every key once. 2: keys repeat. Left out: both."""
    feature_map: str | None = None
    """Of keys and queries, such as identity, elu+1, dpfp-1 or favor+-64. Left out: those of the published curves."""
    rule: WriteRule | None = None
    """How pairs are written. Left out: as in the published curves."""
    pairs: tuple[int, ...] = ()
    """S, the number of keys and of values. Left out: 20 40 60."""
    full: bool = False
    """All published numbers of pairs, up to 200: hours."""
    key_cells: int = 64
    """Dimensions of a key before the feature map."""
    steps: int = 20_000
    """Most training steps, of 32 sequences each."""
    patience: int = 30
    """Evaluations, one every 100 steps, without a better one, that end training. 10 were published, and leave more
    networks in local minima."""
    evaluated: int = 200
    """Sequences in an evaluation; 20 were published, whose mean varies by 6 % at S = 20 in setting 2."""


@dataclass(frozen=True)
class Cell:
    """One network to train."""

    setting: int
    feature_map: str
    rule: WriteRule
    pairs: int

    @property
    def name(self) -> str:
        return f"setting_{self.setting}.{self.feature_map}.{self.rule}.{self.pairs}"


@dataclass(frozen=True)
class Batch:
    """Numbers of keys and values (sequence, event); queries and targets (sequence, read); the random projection."""

    key: Tensor
    value: Tensor
    query: Tensor
    target: Tensor
    projection: Tensor | None


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Train all networks, one process per core; in `folder` each leaves a checkpoint, from which it resumes.

    Raises
    ------
    InputError
        for a feature map that is not known, or settings that no curve has.
    """
    place = nf.rate.choose_device(device).type
    cells = cells_of(settings)
    slowest_first = sorted(cells, key=lambda cell: (cell.rule == "delta", cell.pairs), reverse=True)
    outcomes = parallel_map(
        train_cell,
        {cell: (cell, settings, seed, place, folder) for cell in slowest_first},
        description="training networks",
        report=lambda cell, outcome: f"{cell.name}: loss {outcome.best['loss']:.5f}, {outcome.steps} steps",
    )
    return xr.DataTree.from_dict({"/cells": _table(settings, {cell: outcomes[cell] for cell in cells})})


def cells_of(settings: Settings) -> list[Cell]:
    """The networks that the settings ask for.

    Raises
    ------
    InputError
        see `run`.
    """
    asked = (settings.setting, settings.feature_map, settings.rule)
    if settings.feature_map is not None:
        nf.rate.feature_maps.get(settings.feature_map).dimension(settings.key_cells)
    curves = [curve for curve in CURVES if all(a is None or a == b for a, b in zip(asked, curve, strict=True))]
    if settings.setting and settings.feature_map and settings.rule:
        curves = [(settings.setting, settings.feature_map, settings.rule)]
    if not curves:
        raise InputError("no published curve has these settings: give setting, feature_map and rule, to train another")
    check_counts(settings, "evaluated")
    for count in settings.pairs:
        if count < 2:
            raise InputError(f"pairs must be 2 or more, but have {count}")
    cells = []
    for curve in curves:
        published = tuple(PUBLISHED.get(curve, PUBLISHED[(curve[0], "dpfp-1", "hebbian")]))
        for count in settings.pairs or (published if settings.full else SMALL):
            cells.append(Cell(*curve, count))
    return cells


def train_cell(
    cell: Cell, settings: Settings, seed: int, device: str, folder: Path | None, progress: bool = False
) -> Outcome:
    """Train one network as published, but for the patience and the number of sequences in an evaluation."""
    net = nf.slownet.RetrievalNet(
        cell.pairs, cell.feature_map, cell.rule, settings.key_cells, generator=torch.Generator().manual_seed(seed)
    ).to(device)
    length = cell.pairs if cell.setting == 1 else 2 * cell.pairs
    parts = range(0, settings.evaluated, 20)
    asked = [
        _batch(net, cell, cell.pairs, min(20, settings.evaluated - start), seed=(1, seed, start), every=True)
        for start in parts
    ]

    def evaluate(net: RetrievalNet) -> dict[str, float]:
        errors = sum(_errors(net, batch).sum().item() for batch in asked)
        return {"loss": errors / sum(int((batch.target >= 0).sum()) for batch in asked)}

    return nf.slownet.training.train(
        net,
        lambda step: _batch(net, cell, length, 32, seed=(0, seed, step)),
        lambda net, batch: _errors(net, batch).mean(),
        evaluate,
        settings=nf.slownet.training.Training(
            steps=settings.steps,
            learning_rate=1e-3,
            evaluate_every=100,
            patience=settings.patience,
            target=1e-3,
            clip=None,
        ),
        folder=None if folder is None else folder / cell.name,
        config={**asdict(cell), "key_cells": settings.key_cells, "evaluated": settings.evaluated, "seed": seed},
        progress=progress,
        description=cell.name,
    )


def _batch(
    net: RetrievalNet, cell: Cell, length: int, sequences: int, *, seed: tuple[int, ...], every: bool = False
) -> Batch:
    """Sequences with one query each, or with `every` key as a query; a random projection of their own."""
    task = nf.tasks.tokens.retrieval(cell.pairs, length, sequences, repeats=cell.setting == 2, seed=seed)
    device = net.embedding.device
    key, value, target = (torch.as_tensor(task[name].values, device=device) for name in ("key", "value", "target"))
    if every:
        query = torch.arange(cell.pairs, device=device).expand(sequences, -1)
    else:
        query = torch.as_tensor(task["query"].values, device=device)[:, None]
        target = target.gather(1, query)
    for_projection = torch.Generator().manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    return Batch(key, value, query, target, net.draw(for_projection))


def _errors(net: RetrievalNet, batch: Batch) -> Tensor:
    return nf.slownet.retrieval_errors(net(batch.key, batch.value, batch.query, batch.projection), batch.target)


def _table(settings: Settings, outcomes: dict[Cell, Outcome]) -> xr.Dataset:
    """All networks, with what was published and what closed forms say."""
    cells = list(outcomes)
    longest = max(len(outcome.history) for outcome in outcomes.values())
    course = np.full((len(cells), longest), np.nan)
    for row, outcome in zip(course, outcomes.values(), strict=True):
        row[: len(outcome.history)] = [each["loss"] for each in outcome.history]
    published = [PUBLISHED.get((cell.setting, cell.feature_map, cell.rule), {}).get(cell.pairs, nan) for cell in cells]
    unit = {"units": "1"}
    return xr.Dataset(
        {
            "loss": ("cell", [outcome.best["loss"] for outcome in outcomes.values()], unit),
            "steps": ("cell", [outcome.steps for outcome in outcomes.values()], unit),
            "published": ("cell", published, unit),
            "bound": ("cell", [_least_loss(cell, settings.key_cells) for cell in cells], unit),
            "evaluated_loss": (("cell", "evaluation"), course, unit),
        },
        coords={name: ("cell", [getattr(cell, name) for cell in cells]) for name in asdict(cells[0])},
        attrs={"target": 1e-3},
    )


def _least_loss(cell: Cell, key_cells: int) -> float:
    """The least loss that a network can have; NaN where there is no closed form."""
    if cell.setting == 1:
        twice = 2 if cell.feature_map.startswith("favor") else 1  # see RetrievalNet.draw
        return float(
            nf.theory.rank_bound(cell.pairs, twice * nf.rate.feature_maps.get(cell.feature_map).dimension(key_cells))
        )
    return nf.theory.reassignment_plateau(cell.pairs, cell.pairs) if cell.rule == "hebbian" else nan


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Loss and steps of every network, with the published loss and the least possible one; those of a single network.

    Not every feature map is trained in both settings, with both rules and with all numbers of pairs, so that networks
    are rows of one table.
    """
    cells = result["cells"].to_dataset()
    rows = zip(*(cells[name].values.tolist() for name in Cell.__dataclass_fields__), strict=True)
    networks = cells[["loss", "steps", "published", "bound"]].rename(cell="network")
    made = {"networks": networks.assign_coords(network=[Cell(*row).name for row in rows])}
    if cells.sizes["cell"] == 1:
        made["summary"] = cells[["loss", "steps"]].isel(cell=0, drop=True).reset_coords(drop=True)
    return made


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Loss against the number of pairs, ours and published, in both settings."""
    return {"associative_retrieval": nf.plots.retrieval(result["cells"].to_dataset())}


EXPERIMENT = Experiment(Settings, run, tables, plot)
