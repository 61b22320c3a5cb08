"""Hetero-associative, auto-associative and sequence recall on one circuit, from keys that lose their cells.

The same images are keys of three memories: of other images (hetero), of themselves (auto), and each of the next one
(sequence, a ring). They are written once into one spiking network, as conditions of it, and read from whole keys, and
from keys of which a share of the active cells is silenced or swapped for others. Reading does not erase, so that all
reads are of the same weights. Beside the spikes: the rate network of the matching rule on the same Programs; what a
linear read of either network's weights gives, in closed form; and Hopfield networks with as many cells as there are
key cells, which complete the same degraded keys (sparse), or random patterns of +-1 (dense).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neurofwp.errors import InputError
from neurofwp.metrics import completion, sequences
from neurofwp.plots import associations as figures_of
from neurofwp.plots.averages import mean_sem
from neurofwp.program import of_condition
from neurofwp.rate import RateNetwork, hopfield
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.jobs import Job, running
from neurofwp.tasks.associations import ASSOCIATIONS, associations
from neurofwp.transforms import degradation

RULES = {"additive": "hebbian", "error-correcting": "delta"}  # of the rate network beside a synapse model
KEPT = ["weight", "recall"]  # of a Trace
RING = list(ASSOCIATIONS).index("sequence")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    items: int = 6
    """Images that are keys, per episode."""
    shares: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    """Shares of a key's active cells that are silenced, or swapped for others."""
    episodes: int = 3
    """Episodes of each of the three memories."""
    key_cells: int = 200
    """Presynaptic cells, and cells of a Hopfield network."""
    active: int = 20
    """Active cells of a key."""
    cells_per_pool: int = 2
    """Value cells of each ON and each OFF pool."""
    duration: float = 500.0
    """How long a write, and a read, lasts, ms."""
    target: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""

    def encoder(self, seed: int) -> FixedEncoder:
        return FixedEncoder(pre=self.key_cells, active=self.active, seed=seed, duration=self.duration)


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate all three memories as conditions of one network for each synapse model.

    Raises
    ------
    InputError
        for fewer than 2 episodes, 4 items, or shares outside (0, 1).
    """
    if settings.episodes < 2:
        raise InputError(f"episodes must be at least 2, for a standard error, not {settings.episodes}")
    if settings.items < 4:
        raise InputError(f"items must be at least 4, of which each damage hits half, not {settings.items}")
    if not settings.shares or not all(0 < share < 1 for share in settings.shares):
        raise InputError(f"shares must be above 0 and below 1, but are {settings.shares}")
    program = memory(settings, seed)
    network = {"cells_per_pool": settings.cells_per_pool, "target": settings.target}
    jobs = [Job(regime, program, {"synapse": regime, **network}, seed=seed) for regime in RULES]
    recall, expected, loops = [], [], []
    with running(jobs, folder=folder) as trace:
        tree = {"/hopfield": _hopfield(settings, program, seed)}
        for regime, rule in RULES.items():
            rate = RateNetwork(
                rule, parameters={"rate": 1 / settings.active}, unit_keys=False, on_off=True, nonnegative=True,
                device=device, dtype=torch.float32,
            )  # fmt: skip
            traces = [trace(regime), rate.run(program, seed=seed)]
            recall.append(_each(traces, program, settings, completion.measured))
            expected.append(_each(traces, program, settings, completion.expected))
            ring = of_condition(program, RING)
            loops.append(_networks([sequences.recalled(ring, of_condition(t[KEPT], RING), settings.encoder(seed))
                                    for t in traces]))  # fmt: skip
    regimes = xr.DataArray(list(RULES), dims="regime", name="regime")
    for name, parts in (("recall", recall), ("expected", expected), ("loop", loops)):
        tree[f"/{name}"] = xr.concat(parts, dim=regimes)
    return xr.DataTree.from_dict(tree)


def memory(settings: Settings, seed: int) -> xr.Dataset:
    """Program of all memories, along `condition`; they differ in their values only.

    First every item is written; ``pair`` (episode, event) is its number. Then come reads of every item from its whole
    key, and of half of the items from each other cue, in an order drawn for each episode; ``cue`` (episode, event)
    numbers these in `completion.cues`, -1 for writes and for whole keys that fill up a pass.
    """
    cues = completion.cues(settings.shares)
    damaged = cues.sizes["cue"] - 1
    half = settings.items // 2
    passes = 1 + -(-damaged * half // settings.items)
    cue = np.full((settings.episodes, settings.items * (1 + passes)), -1)
    cue[:, settings.items : 2 * settings.items] = 0
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence([seed, 1]).spawn(settings.episodes)]
    for row, rng in zip(cue, rngs, strict=True):
        row[2 * settings.items :][: damaged * half] = np.repeat(1 + rng.permutation(damaged), half)
    parts = []
    query: NDArray[np.float64] | None = None
    for association in ASSOCIATIONS:
        task = associations(association, settings.items, settings.episodes, reads=passes, seed=seed)
        program = settings.encoder(seed)(task).assign(cue=(("episode", "event"), cue, completion.UNIT))
        if query is None:
            query = program["query"].values.copy()
            for episode, event in np.argwhere(cue > 0):
                here = cues.isel(cue=cue[episode, event])
                query[episode, event] = degradation.degrade(
                    query[episode, event], here["damage"].item(), here["share"].item(), rngs[episode]
                )
        parts.append(program.assign(query=(program["query"].dims, query, completion.UNIT)))
    memories = xr.DataArray(list(ASSOCIATIONS), dims="condition", name="condition")
    return xr.concat(parts, dim=memories, data_vars="all", combine_attrs="override")


def _each(traces: list[xr.Dataset], program: xr.Dataset, settings: Settings, measure: Any) -> xr.Dataset:
    """A measure of every memory in every network."""
    cues = completion.cues(settings.shares)
    return _networks([measure(program, t[KEPT], cues).rename(condition="association") for t in traces])


def _networks(parts: list[xr.Dataset]) -> xr.Dataset:
    return xr.concat(parts, dim=xr.DataArray(["spiking", "rate"], dims="network", name="network"))


def _hopfield(settings: Settings, program: xr.Dataset, seed: int) -> xr.Dataset:
    """Share identified, and overlap with the pattern asked for (memory, cue, episode).

    "sparse" completes the degraded keys of the Program, "dense" random patterns of +-1, of which a share is zeroed
    (silenced) or flipped (swapped); "nearest key" is the stored key with the largest overlap with the query itself.
    Where several stored patterns are equally near, one of them is guessed.
    """
    cues = completion.cues(settings.shares)
    program = of_condition(program, 0)  # all memories have the same keys and queries
    key = torch.as_tensor(program["key"].values[:, : settings.items])
    rng = np.random.default_rng([seed, 2])
    pattern = torch.as_tensor(rng.choice([-1.0, 1.0], key.shape))
    rows: list[xr.Dataset] = []
    for number, (damage, share) in enumerate(completion.damages(cues)):
        event = np.array([np.flatnonzero(row == number) for row in program["cue"].values])
        asked = torch.as_tensor(np.take_along_axis(program["pair"].values, event, axis=1))
        query = torch.as_tensor(np.take_along_axis(program["query"].values, event[..., np.newaxis], axis=1))
        hit = torch.as_tensor(rng.random(pattern.shape).argsort(-1) < round(share * pattern.shape[-1]))
        dense = hopfield.dense_recall(pattern, torch.where(hit, 0.0 if damage == "silenced" else -pattern, pattern))
        every = torch.arange(settings.items).expand(settings.episodes, -1)
        states = {
            "sparse": (key, hopfield.sparse_recall(key, query, settings.active), asked, settings.active),
            "dense": (pattern, dense, every, settings.key_cells),
            "nearest key": (key, query, asked, settings.active),
        }
        found = {name: _nearest(*state) for name, state in states.items()}
        dims = ("memory", "episode")
        rows.append(
            xr.Dataset(
                {what: (dims, np.array([each[i] for each in found.values()])) for i, what in
                 enumerate(("identified", "overlap"))},
                coords={"memory": list(found)},
            )
        )  # fmt: skip
    return completion.joined(rows, cues)


def _nearest(stored: torch.Tensor, state: torch.Tensor, asked: torch.Tensor, norm: int) -> tuple[Any, Any]:
    """Share of states (episode, read, cell) nearest to the pattern asked for, and mean overlap with it (episode)."""
    overlap = state @ stored.mT
    own = overlap.gather(-1, asked[..., None])
    best = overlap == overlap.amax(-1, keepdim=True)
    right = best.gather(-1, asked[..., None]) / best.sum(-1, keepdim=True)
    return right.mean((1, 2)).numpy(), (own / norm).mean((1, 2)).numpy()


def _rows(result: xr.DataTree) -> list[tuple[str, xr.Dataset]]:
    """Measures (cue, episode) by key."""
    rows = []
    for name, what in (("recall", ""), ("expected", "expected.")):
        table = result[name].to_dataset()
        for regime, rule in RULES.items():
            for network in ("spiking", "rate"):
                memory = regime if network == "spiking" else rule
                rows += [
                    (
                        f"{what}{network}.{memory}.{a}",
                        table.sel(regime=regime, network=network, association=a, drop=True),
                    )
                    for a in ASSOCIATIONS
                ]
    table = result["hopfield"].to_dataset()
    return rows + [
        (f"hopfield.{str(m).replace(' ', '_')}", table.sel(memory=m, drop=True)) for m in table["memory"].values
    ]


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Means over episodes, with .sem.

    Keys: {spiking.<regime>, rate.<rule>}.<association>.<damage>.<share>.{r2, identified, gain}, the same without
    identified under expected., hopfield.<memory>.<damage>.<share>.{identified, overlap}; chance.<association>.r2 of
    whole keys; loop.<regime>.<network>.{stepwise, cleaned, direct}.<step> of right positions and
    loop.<regime>.<network>.key_overlap.{one, direct}.<step>.
    """
    numbers: dict[str, Any] = {}

    def add(key: str, values: xr.DataArray) -> None:
        """Numbers of a curve; `key` has a gap for the label of each point."""
        mean, sem, _ = mean_sem(values, "episode")
        (dim,) = mean.dims
        for point in range(mean.size):
            label = str(values[dim].values[point])
            if dim == "cue":
                label = f"{values['damage'].values[point]}.{values['share'].values[point]:g}"
            numbers[key.format(label)], numbers[f"{key}.sem".format(label)] = float(mean[point]), float(sem[point])

    for key, table in _rows(result):
        for name in [name for name in table.data_vars if name != "chance"]:
            add(f"{key}.{{}}.{name}", table[name])
    add("chance.{}.r2", result["recall"].to_dataset()["chance"].isel(regime=0, network=0, cue=0))
    loop = result["loop"].to_dataset()
    for regime in RULES:
        for network in ("spiking", "rate"):
            here, key = loop.sel(regime=regime, network=network), f"loop.{regime}.{network}"
            for mode in here["mode"].values.tolist():
                add(f"{key}.{mode}.{{}}", here["right"].sel(mode=mode))
            for name in ("one", "direct"):
                add(f"{key}.key_overlap.{name}.{{}}", here[f"{name}_overlap"])
    return numbers


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Recall of every network and memory from every cue, means over episodes; closed form of linear reads."""
    parts: dict[str, list[pd.DataFrame]] = {"recall": [], "closed_form": []}
    for key, table in _rows(result):
        columns: dict[str, Any] = {"damage": table["damage"].values, "share": table["share"].values}
        for name in ("identified", "r2", "gain", "overlap"):
            if name in table:
                columns[name], columns[f"{name}_sem"], _ = mean_sem(
                    table[name].drop_vars(["damage", "share"]), "episode"
                )
        of = "closed_form" if key.startswith("expected.") else "recall"
        parts[of].append(pd.DataFrame(columns))
        parts[of][-1].insert(0, "memory", key.removeprefix("expected."))
    return {name: pd.concat(each).sort_values(["damage", "share"], kind="stable") for name, each in parts.items()}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """For each synapse model: recall from degraded keys, and recall of sequences."""
    recall, expected, others, loop = (
        result[name].to_dataset() for name in ("recall", "expected", "hopfield", "loop")
    )  # fmt: skip
    settings = json.loads(result.attrs["settings"]) if "settings" in result.attrs else {}
    title = f"{settings['items']} items, {settings['active']} of {settings['key_cells']} key cells" if settings else ""
    figures = {}
    for regime, rule in RULES.items():
        here = recall.sel(regime=regime).assign_attrs(title=title, rule=rule)
        figures[f"completion_{regime}"] = figures_of.completion(here, expected.sel(regime=regime), others)
        figures[f"sequence_{regime}"] = figures_of.sequence_recall(loop.sel(regime=regime).assign_attrs(rule=rule))
    return figures
