"""One-pass capacity: fast weights against theory, and a slot memory with third factors against a Hopfield network.

Pairs of random unit keys and values of +-1 are written once each, by the sum rule and by the delta rule, and all read
back: past capacity the delta rule has the smaller squared error and the larger sign error.

The key-value memory of Tyulmankov et al. 2021 stores whole patterns in slots, and reads them from queries of which
most entries are zeroed. A slot is written when a local third factor opens it: one slot after the other, or each slot
at random for itself. Its capacity is the most patterns of which 98 % of the bits come back, beside that of a Hopfield
network with as many cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, torch, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

RULES = ("hebbian", "delta")
ERRORS = ("squared_error", "sign_error")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    key_cells: int = 64
    """Dimensions of a key, for pairs."""
    value_cells: int = 64
    """Values read per key, for pairs."""
    pairs: tuple[int, ...] = (4, 8, 16, 32, 64, 96, 128, 192, 256)
    """How many pairs are written."""
    draws: int = 40
    """Independent sets of pairs."""
    slots: int = 40
    """Slots of the key-value memory, and cells of a pattern."""
    patterns: tuple[int, ...] = (*range(1, 13), 16, 20, 30, *range(40, 45), 50)
    """How many patterns are stored."""
    zeroed: float = 0.6
    """Share of a query's entries that is zeroed."""
    openings: tuple[float, ...] = (2, 3, 4, 5, 6, 7, 8, 10)
    """Slots that each pattern opens on average, with random gating."""
    accuracy: float = 0.98
    """Share of right bits that counts as stored."""
    groups: int = 10
    """Independent groups of episodes, for standard errors."""
    episodes: int = 20
    """Episodes in a group."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Measure both memories.

    Raises
    ------
    InputError
        if loads are not in rising order, a share is none, or there are too few draws for a standard error.
    """
    _check(settings)
    of_pairs, of_patterns = np.random.SeedSequence(seed).spawn(2)
    place = nf.rate.choose_device(device)
    return xr.DataTree.from_dict(
        {"/pairs": _pairs(settings, of_pairs, place), "/slots": _slots(settings, of_patterns, place)}
    )


def _check(settings: Settings) -> None:
    for name in ("pairs", "patterns"):
        loads = getattr(settings, name)
        if not loads or loads[0] < 1 or any(later <= former for former, later in pairwise(loads)):
            raise InputError(f"{name} must be at least 1 and rise, but are {loads}")
    for name in ("draws", "groups"):
        if getattr(settings, name) < 2:
            raise InputError(f"{name} must be 2 or more, but is {getattr(settings, name)}")
    if not 0 <= settings.zeroed < 1:
        raise InputError(f"zeroed must be at least 0 and below 1, but is {settings.zeroed}")
    for opened in settings.openings:
        if not 0 < opened <= settings.slots:
            raise InputError(f"openings must be above 0 and at most slots = {settings.slots}, but have {opened}")


def _pairs(settings: Settings, seed: np.random.SeedSequence, device: torch.device) -> xr.Dataset:
    """Errors of reading every pair back, per draw, and what theory expects."""
    shape = (len(RULES), len(settings.pairs))
    squared, sign = np.empty((2, *shape, settings.draws))
    expected = np.empty((2, *shape))
    closed_forms = (nf.theory.hebbian_capacity, nf.theory.delta_capacity)
    for j, (count, child) in enumerate(zip(settings.pairs, seed.spawn(len(settings.pairs)), strict=True)):
        rng = np.random.default_rng(child)
        keys = rng.standard_normal((settings.draws, count, 1, settings.key_cells))
        key = torch.as_tensor(keys / np.linalg.norm(keys, axis=-1, keepdims=True), device=device)
        value = _signs(rng, (settings.draws, count, 1, settings.value_cells), device)
        for i, (rule, closed_form) in enumerate(zip(RULES, closed_forms, strict=True)):
            _, weight = nf.rate.run(rule, query=key, key=key, value=value)
            read = key[:, :, 0] @ weight[:, 0].mT
            squared[i, j] = (read - value[:, :, 0]).square().mean((1, 2)).cpu().numpy()
            sign[i, j] = (read * value[:, :, 0] < 0).double().mean((1, 2)).cpu().numpy()
            expected[:, i, j] = [error.mean() for error in closed_form(count, settings.key_cells)]
    dims = ("rule", "pairs", "draw")
    unit = {"units": "1"}
    return xr.Dataset(
        {
            "squared_error": (dims, squared, unit),
            "sign_error": (dims, sign, unit),
            "squared_error_theory": (dims[:2], expected[0], unit),
            "sign_error_theory": (dims[:2], expected[1], unit),
        },
        coords={"rule": list(RULES), "pairs": list(settings.pairs)},
        attrs={"key_cells": settings.key_cells},
    )


def _slots(settings: Settings, seed: np.random.SeedSequence, device: torch.device) -> xr.Dataset:
    """Share of right bits per memory, load and group, and the capacities that follow."""
    memories = ["sequential", *(f"random, {opened:g} slots" for opened in settings.openings), "Hopfield"]
    accuracy = np.empty((len(memories), len(settings.patterns), settings.groups))
    for j, (count, child) in enumerate(zip(settings.patterns, seed.spawn(len(settings.patterns)), strict=True)):
        rng = np.random.default_rng(child)
        episodes = settings.groups * settings.episodes
        pattern = _signs(rng, (episodes, count, settings.slots), device).float()  # only signs of reads will count
        query = _zero_out(rng, pattern, settings.zeroed)
        gates = torch.as_tensor(_gates(settings, rng, episodes, count), device=device).float()
        recalled = torch.cat(
            [_slot_recall(pattern, query, gates), nf.rate.hopfield.dense_recall(pattern, query)[:, :, None]], dim=2
        )
        # (episode, memory); a read of 0 is a toss
        right = ((recalled * pattern[:, :, None]).sign() / 2 + 0.5).double().mean((1, 3))
        accuracy[:, j] = right.cpu().numpy().reshape(settings.groups, settings.episodes, -1).mean(1).T
    dims = ("memory", "patterns", "group")
    measured = xr.Dataset(
        {"accuracy": (dims, accuracy, {"units": "1"})},
        coords={"memory": memories, "patterns": list(settings.patterns)},
        attrs={"slots": settings.slots, "needed": settings.accuracy, "episodes": settings.episodes},
    )
    measured["opened"] = ("memory", [1.0, *settings.openings, np.nan], {"units": "slots per pattern"})
    expected = np.full(accuracy.shape[:2], np.nan)
    for i, number in enumerate(settings.openings, start=1):
        expected[i] = nf.theory.random_gating_accuracy(settings.patterns, settings.slots, number / settings.slots)
    measured["theory"] = (("memory", "patterns"), expected, {"units": "1"})
    return measured.merge(_capacities(measured, settings.accuracy))


def _signs(rng: np.random.Generator, shape: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.as_tensor(rng.choice([-1.0, 1.0], shape), device=device)


def _zero_out(rng: np.random.Generator, pattern: Tensor, zeroed: float) -> Tensor:
    """Patterns (..., cell) with that share of the cells, drawn for each, set to 0."""
    order = rng.random(pattern.shape).argsort(-1)
    return pattern * torch.as_tensor(order >= round(zeroed * pattern.shape[-1]), device=pattern.device)


def _gates(settings: Settings, rng: np.random.Generator, episodes: int, count: int) -> np.ndarray:
    """Third factors (episode, pattern, gating, slot): one slot after the other, then each opening probability."""
    one_by_one = np.eye(settings.slots)[np.arange(count) % settings.slots]
    chance = np.array(settings.openings)[:, np.newaxis] / settings.slots
    random = rng.random((episodes, count, len(settings.openings), settings.slots)) < chance
    sequential = np.broadcast_to(one_by_one[:, np.newaxis], (episodes, count, 1, settings.slots))
    return np.concatenate([sequential, random], axis=2)


def _slot_recall(pattern: Tensor, query: Tensor, gates: Tensor) -> Tensor:
    """Reads (episode, pattern, gating, cell) after all patterns are stored, for gates (episode, pattern, gating, slot).

    First every pattern is written under itself; then every query is read with all slots shut.
    """
    heads = gates.shape[2]
    written, read = (each[:, :, None].expand(-1, -1, heads, -1) for each in (pattern, query))
    stored = torch.cat([written, torch.zeros_like(written)], dim=1)
    asked = torch.cat([torch.zeros_like(read), read], dim=1)
    shut = torch.cat([gates, torch.zeros_like(gates)], dim=1)
    recalled, _ = nf.rate.run("three_factor", query=asked, key=stored, value=stored, slot_gate=shut)
    return recalled[:, pattern.shape[1] :]


def _capacities(measured: xr.Dataset, needed: float) -> xr.Dataset:
    """Patterns per slot at which mean accuracy falls below `needed`, its jackknife standard error over groups, and the
    same of theory; True in ``best`` for the random gating that holds most.
    """
    loads, slots = measured["patterns"].values, measured.attrs["slots"]

    def patterns(data: xr.Dataset) -> float:
        return _crossing(loads, data["accuracy"].mean("group").values, needed)

    by_memory = [measured.sel(memory=memory) for memory in measured["memory"].values]
    capacity, error = zip(*(nf.metrics.jackknife(each, "group", patterns) for each in by_memory), strict=True)
    expected = [_crossing(loads, each["theory"].values, needed) for each in by_memory]
    unit = {"units": "patterns per slot"}
    capacities = xr.Dataset(
        {
            "capacity": ("memory", np.array(capacity) / slots, unit),
            "capacity_sem": ("memory", np.array(error) / slots, unit),
            "capacity_theory": ("memory", np.array(expected) / slots, unit),
        },
        coords={"memory": measured["memory"]},
    )
    random = measured["theory"].notnull().any("patterns")
    capacities["capacity_theory"] = capacities["capacity_theory"].where(random)
    capacities["best"] = capacities["memory"] == capacities["capacity"].where(random).idxmax("memory")
    return capacities


def _crossing(loads: np.ndarray, curve: np.ndarray, needed: float) -> float:
    """Where accuracy (load,) first falls below `needed`, linear between the loads that were tried.

    0 where the smallest load already fails, the largest load where none does.
    """
    failing = np.flatnonzero(curve < needed)
    if failing.size == 0:
        return float(loads[-1])
    first = failing[0]
    if first == 0:
        return 0.0
    share = (curve[first - 1] - needed) / (curve[first - 1] - curve[first])
    return float(loads[first - 1] + share * (loads[first] - loads[first - 1]))


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Errors of pairs with theory (rule, pairs); capacity of random gating with theory (opened), and of each memory.

    Memories are sequential gating, random gating with the best number of slots opened, and the Hopfield network.
    """
    pairs, slots = (result[name].to_dataset() for name in ("pairs", "slots"))
    errors = pairs[[f"{name}_theory" for name in ERRORS]]
    for name in ERRORS:
        errors = errors.assign(nf.metrics.mean_and_sem(name, pairs[name], "draw"))
    capacity = slots[["capacity", "capacity_sem", "capacity_theory", "opened"]]
    random = capacity.sel(memory=[memory for memory in slots["memory"].values if memory.startswith("random")])
    best = str(slots["memory"].values[slots["best"].values].item())
    memories = capacity.sel(memory=["sequential", best, "Hopfield"]).drop_vars("capacity_theory")
    return {
        "pairs": errors,
        "random_gating": random.swap_dims(memory="opened").drop_vars("memory"),
        "memories": memories.assign_coords(memory=["sequential", "random", "hopfield"]),
    }


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """Errors against load with theory, and the accuracy and capacity of the slot memory."""
    return nf.plots.LazyFigures(
        {
            "one_pass_capacity": lambda: nf.plots.one_pass_capacity(result["pairs"].to_dataset()),
            "slot_capacity": lambda: nf.plots.slot_capacity(result["slots"].to_dataset()),
        }
    )


EXPERIMENT = Experiment(Settings, run, tables, plot, check=_check)
