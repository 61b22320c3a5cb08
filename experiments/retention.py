"""How long does a memory last? Recall and weights against time, background firing, reading, and receptor turnover.

Pairs of digits are written once and read back after longer and longer delays. In the delay, key cells are silent, fire
at a background rate, or are read again and again, with the write gate closed or left open for every read. All
conditions of a synapse run as one network, those that differ in the time constant of receptor turnover too.
Every condition has its own reader: one gain and offset, from its first reading, that is kept from then on.

Beside the measurements: a rule with decay, fitted to the events before the second delay and run to the end; and, for
two-threshold synapses whose calcium jumps at spikes of either cell, and which no gate protects, the closed form
of how fast independent Poisson firing erases them (Graupner & Brunel 2012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import Hz, ms, second
from matplotlib.figure import Figure

from neurofwp import identification, metrics
from neurofwp import program as programs
from neurofwp.errors import InputError
from neurofwp.plots.averages import mean_sem
from neurofwp.plots.retention import erasure, retention
from neurofwp.program import over_conditions
from neurofwp.rate import RateNetwork
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.conditions import from_quantities
from neurofwp.spiking.jobs import Job, start
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.synapses.model import load
from neurofwp.tasks import digit_pairs
from neurofwp.theory import graupner_brunel
from neurofwp.transforms.selection import keep_most_varied, without_silent_cells

GATES = {"closed": 0.0, "open": 1.0}  # while reading, and under background firing
RULES = ("fixed_decay", "scalar_decay")
SYNAPSES = 200  # of each model and rate, for erasure
BEFORE = 20  # time constants of calcium, for which cells fire before that
TURNED = "decay"  # the regime whose turnover is varied

Conditions = Mapping[str, tuple[str, float]]  # name: kind and level


@dataclass(frozen=True)
class Settings:
    """What to run."""

    regimes: tuple[str, ...] = ("decay", "error-correcting", "thresholds")
    """Synapse models."""
    holds: tuple[float, ...] = (0.0, 5.0, 10.0, 24.0)
    """Delays before the first reading, from there to the second, and so on, s; rounded to whole events."""
    background: tuple[float, ...] = (5.0, 10.0, 20.0)
    """Background rates in the delays, of all cells that are in some key, Hz."""
    turnover: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0)
    """Time constants of receptor turnover, s, for the regime "decay"."""
    pairs: int = 4
    """Pairs per episode."""
    episodes: int = 4
    """Episodes of every condition."""
    pixels: int = 4
    """How many pixels the values have: those that differ most between digits."""
    ungated: tuple[str, ...] = (
        "graupner-brunel-hippocampal-slice",
        "graupner-brunel-cortical-slice",
        "graupner-brunel-in-vivo",
    )
    """Synapse models with jumping calcium, which background firing of both cells erases."""
    rates: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0)
    """Rates of that firing, Hz."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate, fit the rules with decay, and measure.

    Raises
    ------
    InputError
        if there are fewer than two episodes or three holds, a hold is negative, or a rate is not above 0.
    """
    if settings.episodes < 2 or len(settings.holds) < 3 or min(settings.holds) < 0:
        raise InputError("retention needs 2 episodes and 3 holds or more, and holds of 0 s or more")
    if (lowest := min((*settings.background, *settings.rates), default=1.0)) <= 0:
        raise InputError(f"background rates must be above 0 Hz, not {lowest:g}")
    task = digit_pairs(settings.pairs, settings.episodes, seed=seed)
    pairs = keep_most_varied(FixedEncoder(pre=100, active=10, seed=seed)(task), settings.pixels)
    pairs = without_silent_cells(pairs)
    jobs, made = [], {}
    for gate, opened in GATES.items():
        for regime in settings.regimes:
            arguments: dict[str, Any] = {
                "synapse": regime,
                "key_cells": "poisson",
                "read_gate": opened,
                "backend": settings.backend,
            }
            network, each = SpikingNetwork(**arguments), _conditions(settings, regime, gate)
            program = _programs(settings, pairs, network, each)
            made[gate, regime] = program
            turned = _turnover(network, each) if regime == TURNED else None
            jobs.append(Job(f"{regime}, gate {gate}", program, arguments, seed=seed, conditions=turned))
    tree: dict[str, xr.Dataset] = {"/program": pairs}
    with start(jobs, folder=folder) as trace:
        for (gate, regime), program in made.items():
            seen = trace(f"{regime}, gate {gate}")[["weight", "recall", "conductance"]]
            tree[f"/curves/{gate}/{regime}"] = over_conditions(_curve, program, seen)
            if gate == "closed":
                for rule in RULES:
                    tree[f"/predicted/{rule}/{regime}"] = _predicted(rule, program, seen, seed)
    for name in settings.ungated:
        tree[f"/erasure/{name}"] = _erasure(settings, name, seed)
    return xr.DataTree.from_dict(tree)


def _conditions(settings: Settings, regime: str, gate: str) -> dict[str, tuple[str, float]]:
    """What is done in the delays, by name."""
    conditions = {f"background {rate:g} Hz": ("background", rate) for rate in settings.background}
    conditions["reads"] = ("reads", np.nan)
    if gate == "open":
        return conditions
    silence = {"silence": ("silence", 0.0)}
    turned = {f"turnover {tau:g} s": ("turnover", tau) for tau in settings.turnover} if regime == TURNED else {}
    return silence | conditions | turned


def _turnover(network: SpikingNetwork, conditions: Conditions) -> xr.Dataset:
    """Time constant of every condition: that of the model, unless the condition is about it."""
    own = float(network.synapse.values["tau_turnover"] / second)
    each = [level if kind == "turnover" else own for kind, level in conditions.values()]
    return from_quantities(list(conditions), tau_turnover=each * second)


def _programs(settings: Settings, pairs: xr.Dataset, network: SpikingNetwork, conditions: Conditions) -> xr.Dataset:
    """The Program of every condition, with its ``kind`` and ``level``."""
    each = [_program(settings, pairs, network, *condition) for condition in conditions.values()]
    kinds, levels = zip(*conditions.values(), strict=True)
    labels = {"condition": list(conditions), "kind": ("condition", list(kinds)), "level": ("condition", list(levels))}
    return xr.concat(each, dim="condition", data_vars="all", combine_attrs="override").assign_coords(labels)


def _program(
    settings: Settings, pairs: xr.Dataset, network: SpikingNetwork, kind: str, level: float
) -> xr.Dataset:  # fmt: skip
    """Writes, and then before every reading of all pairs a delay; ``block`` (event) numbers the readings, else -1.

    Background firing goes through the query, so that the dendrite is taught nothing. It pauses between events, and so
    is faster within them.
    """
    count = settings.pairs
    slot = float(pairs["duration"][0, 0]) + float(network.circuit["pause"] / ms)
    index, block = list(range(count)), [-1] * count
    for number, hold in enumerate(settings.holds):
        held = round(1000 * hold / slot)
        index += [count + event % count for event in range(held)] + list(range(count, 2 * count))
        block += [-1] * held + [number] * count
    program = pairs.isel(event=index)
    block_of = xr.DataArray(block, dims="event", attrs={"units": "1"})
    delay = (block_of < 0) & (np.arange(len(block)) >= count)
    query = program["query"]
    if kind == "background":
        peak, rest = (float(network.circuit[f"key_{name}_rate"] / Hz) for name in ("peak", "rest"))
        within = (level - rest) / (peak - rest) * slot / float(pairs["duration"][0, 0])
        if within > 1:
            raise InputError(f"a background rate of {level:g} Hz is more than the peak rate of key cells, {peak:g} Hz")
        query = query.where(~delay, max(within, 0.0))
    elif kind != "reads":
        query = query.where(~delay, 0.0)
    changed = program.assign(
        query=query.transpose("episode", "event", "pre"),
        target=program["target"].where(~delay).transpose("episode", "event", "post"),
        block=block_of,
    )
    changed.attrs["slot"] = slot / 1000
    return programs.check(changed)


def _curve(program: xr.Dataset, trace: xr.Dataset) -> xr.Dataset:
    """Recall (block, episode) with the reader of the first reading, mean weight at its beginning over that after the
    writes; times from the end of the write (mean over pairs) to the read, and from the last write, s; and ``passes``,
    how often every pair has then been read, the reading included, where it is read throughout the delays.
    """
    slot, duration = program.attrs["slot"], float(program["duration"][0, 0]) / 1000
    block = program["block"].values
    pairs = int((block == 0).sum())
    first = np.flatnonzero(block == 0)
    reader = metrics.decode(program.isel(event=first), trace.isel(event=first)).attrs
    answer = reader["gain"] * trace["recall"] + reader["offset"]
    weight = trace["conductance"].mean(("polarity", "post", "pre"))
    r2, kept, age, weight_age, passes = [], [], [], [], []
    for number in range(block.max() + 1):
        events = np.flatnonzero(block == number)
        target = program["target"].isel(event=events)
        rss = ((target - answer.isel(event=events)) ** 2).sum(("event", "post"))
        r2.append(1 - rss / ((target - target.mean()) ** 2).sum(("event", "post")))
        kept.append(weight.isel(event=events[0] - 1) / weight.isel(event=pairs - 1))
        age.append((events.mean() - (pairs - 1) / 2) * slot - duration)
        weight_age.append((events[0] - pairs) * slot)
        passes.append((events[-1] + 1 - pairs) / pairs)
    unit, seconds = {"units": "1"}, {"units": "s"}
    made = xr.Dataset({"r2": xr.concat(r2, "block"), "mean_weight": xr.concat(kept, "block")})
    for name in made:
        made[name].attrs = unit
    return made.assign_coords(
        age=("block", age, seconds), weight_age=("block", weight_age, seconds), passes=("block", passes, unit)
    )


def _predicted(rule: str, program: xr.Dataset, trace: xr.Dataset, seed: int) -> xr.Dataset:
    """The rule, fitted to silent conditions before the second delay ends, and its curves to the end; ``tau`` (s)."""
    chosen = np.flatnonzero(np.isin(program["kind"].values, ("silence", "turnover")))

    def predicted(whole: xr.Dataset, seen: xr.Dataset) -> xr.Dataset:
        short = {"event": slice(0, int(np.flatnonzero(whole["block"].values == 1)[0]))}
        every = range(whole.sizes["episode"])
        fitted = identification.fit(
            rule, whole.isel(short), seen.isel(short), train=every, restarts=2, seed=seed
        ).parameters  # fmt: skip
        offset = fitted.pop("value_offset", 0.0)
        network = RateNetwork(
            rule, parameters=fitted, on_off=True, bounds=(0, np.inf), value_offset=offset, units="nS"
        )  # fmt: skip
        survival = fitted["decay" if rule == "fixed_decay" else "decay_closed"]
        tau = np.inf if survival >= 1 else -whole.attrs["slot"] / np.log(survival)
        return _curve(whole, network.run(whole)).assign(tau=((), tau, {"units": "s"}))

    curves: xr.Dataset = over_conditions(predicted, program.isel(condition=chosen), trace.isel(condition=chosen))
    return curves


def _erasure(settings: Settings, name: str, seed: int) -> xr.Dataset:
    """How fast independent Poisson firing of both cells erases a synapse that no gate protects, for each rate.

    ``tau`` (s): after one time constant of the closed form, the distance between synapses that began up and down, and
    saw the same spikes, is exp(-time/tau) on average over synapses, each followed exactly through its bands of calcium.
    An average of exponentials is above that of the exponent, so that tau is a little above the closed form where few
    spikes erase.
    """
    values = load(name).values
    closed, measured, spread = [], [], []
    children = np.random.SeedSequence(seed).spawn(len(settings.rates))
    for rate, child in zip(settings.rates, children, strict=True):
        shares = graupner_brunel.poisson_shares(values, rate, rate)
        tau = graupner_brunel.relaxation(values, *shares).tau
        rng = np.random.default_rng(child)
        left = []
        begin = BEFORE * float(values["tau_calcium"] / ms)
        end = begin + 1000 * tau
        for _ in range(SYNAPSES):
            pre, post = (rng.uniform(0, end, rng.poisson(rate * end / 1000)) for _ in range(2))
            early, late = (graupner_brunel.moments(values, pre, post, end=each) for each in (begin, end))
            left.append((late[1] - late[0]) / (early[1] - early[0]))
        mean, sem = np.mean(left), np.std(left, ddof=1) / np.sqrt(SYNAPSES)
        closed.append(tau)
        measured.append(-tau / np.log(mean))
        spread.append(tau * sem / mean / np.log(mean) ** 2)
    seconds = {"units": "s"}
    return xr.Dataset(
        {name: ("rate", numbers, seconds) for name, numbers in
         (("tau", measured), ("tau_sem", spread), ("tau_closed", closed))},
        coords={"rate": ("rate", list(settings.rates), {"units": "Hz"})},
    )  # fmt: skip


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Recall at the first and the last reading, and the share of the mean weight that is left at the last.

    Keys: <regime>.gate_<closed|open>.<condition>.{first.r2, first.sem, last.r2, last.sem, weight_left, weight_left_sem,
    age, passes}, age in s, passes (how often every pair has then been read) of "reads" only;
    <regime>.<condition>.{fixed_decay, scalar_decay}.{tau, r2, weight_left}, what the fitted rule predicts there, tau in
    s; and erasure.<model>.<rate>.{tau, tau_sem, tau_closed}, in s.
    """
    numbers: dict[str, Any] = {}
    for gate, regimes in result["curves"].children.items():
        for regime, group in regimes.children.items():
            curves = group.to_dataset()
            for condition in curves["condition"].values:
                here, key = curves.sel(condition=condition), f"{regime}.gate_{gate}.{condition}"
                for name, number in (("first", 0), ("last", -1)):
                    numbers[f"{key}.{name}.r2"], numbers[f"{key}.{name}.sem"] = _mean_sem(here["r2"].isel(block=number))
                left = _mean_sem(here["mean_weight"].isel(block=-1))
                numbers[f"{key}.weight_left"], numbers[f"{key}.weight_left_sem"] = left
                numbers[f"{key}.age"] = float(here["age"].isel(block=-1))
                if here["kind"] == "reads":
                    numbers[f"{key}.passes"] = float(here["passes"].isel(block=-1))
    for rule, regimes in result["predicted"].children.items():
        for regime, group in regimes.children.items():
            curves = group.to_dataset()
            for condition in curves["condition"].values:
                here, key = curves.sel(condition=condition), f"{regime}.{condition}.{rule}"
                numbers[f"{key}.tau"] = float(here["tau"])
                numbers[f"{key}.r2"] = float(here["r2"].isel(block=-1).mean())
                numbers[f"{key}.weight_left"] = float(here["mean_weight"].isel(block=-1).mean())
    if "erasure" in result.children:
        for model, group in result["erasure"].children.items():
            table = group.to_dataset()
            for rate in table["rate"].values.tolist():
                for name in ("tau", "tau_sem", "tau_closed"):
                    numbers[f"erasure.{model}.{rate:g}.{name}"] = float(table[name].sel(rate=rate))
    return numbers


def _mean_sem(each: xr.DataArray) -> tuple[float, float]:
    mean, sem, _ = mean_sem(each, "episode")
    return float(mean), float(sem)


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Every condition, reading and episode."""
    rows = []
    for gate, regimes in result["curves"].children.items():
        for regime, group in regimes.children.items():
            table = group.to_dataset().to_dataframe().reset_index()
            rows.append(table.assign(gate=gate, regime=regime))
    return {"retention": pd.concat(rows, ignore_index=True)}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Recall and weights, a column per question; and the time constants of erasure beside the closed form."""
    curves = {
        gate: {regime: group.to_dataset() for regime, group in regimes.children.items()}
        for gate, regimes in result["curves"].children.items()
    }
    predicted = {regime: group.to_dataset() for regime, group in result["predicted/scalar_decay"].children.items()}
    figures = {"retention": retention(curves, predicted)}
    if "erasure" in result.children:
        figures["erasure"] = erasure({name: group.to_dataset() for name, group in result["erasure"].children.items()})
    return figures
