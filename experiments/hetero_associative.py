"""Pairs of handwritten digits in AMPA conductances: recalled from spikes, and the rule that wrote them identified.

One digit is the key, another the value. Pairs are written one-shot into a spiking network through NMDA-gated calcium,
a share of the keys is then written again with new values, and every value is recalled from its key alone while the
gate is closed. The same program runs twice, with other spikes: what repeats is the noise ceiling. Every update rule is
fitted to the conductances of half of the episodes and judged on the other half. The rule that is left, with its fitted
parameters, runs the same programs on the rate network (without fits: the delta rule with its defaults).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from brian2 import Quantity, nS
from brian2.units.fundamentalunits import get_dimensions
from matplotlib.figure import Figure

from neurofwp import identification, metrics, plots
from neurofwp.errors import InputError
from neurofwp.rate import RateNetwork
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.conditions import from_quantities
from neurofwp.spiking.jobs import Job, running
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.spiking.parameters import quantities
from neurofwp.tasks import digit_pairs
from neurofwp.trace import of_condition

DRIVES = ("nominal", "measured")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    regime: str = "error-correcting"
    """Synapse model: additive, decay, thresholds, error-correcting, another of `neurofwp list`, or a TOML file."""
    pairs: int = 8
    """Pairs per episode."""
    episodes: int = 6
    """Episodes, run side by side; rules are fitted to the first half and judged on the others."""
    rebind: float = 0.5
    """Share of the keys that are written again with new values."""
    repeats: int = 1
    """How often the list of pairs is written."""
    overlap: float | None = None
    """Share of active cells that two keys have in common on average; by default what sparse random keys have, 0.05."""
    load: tuple[int, ...] = (2, 4, 8, 16, 32)
    """Numbers of pairs after which recall is tested, for the capacity curve; empty for none."""
    load_episodes: int = 2
    """Episodes of the capacity curve."""
    key_cells: Literal["lif", "poisson"] = "lif"
    """How key cells fire."""
    cells_per_pool: int = 4
    """Value cells of each ON and each OFF pool."""
    gate: Literal["dendrite", "conductance"] = "dendrite"
    """What the write gate opens: the magnesium block through the dendrite, or the NMDA conductance itself."""
    ablation: Literal["none", "no-feedback", "gate-open"] = "none"
    """What to take away: the interneurons' inhibition, or the closing of the gate while reading."""
    target: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""
    fit: bool = True
    """Fit the rules; without it only recall is measured."""
    parameters: tuple[str, ...] = ()
    """Parameters of synapse and circuit to replace, as NAME=NUMBER in the unit of each, like g_gaba=1.5."""

    def network(self) -> dict[str, Any]:
        """The arguments of SpikingNetwork."""
        return {
            "synapse": self.regime,
            "cells_per_pool": self.cells_per_pool,
            "key_cells": self.key_cells,
            "gate": self.gate,
            "target": self.target,
            "parameters": ({"g_gaba": 0 * nS} if self.ablation == "no-feedback" else {}) | quantities(self.parameters),
            "read_gate": 1.0 if self.ablation == "gate-open" else 0.0,
        }


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate, fit and compare."""
    return run_together([settings], seed=seed, device=device, folder=folder)[0]


def run_together(
    points: Sequence[Settings], *, seed: int, device: str, folder: Path | None = None
) -> list[xr.DataTree]:
    """The same for settings that differ in `parameters` alone: they are conditions of one network."""
    settings = points[0]
    if settings.fit and settings.episodes < 2:
        raise InputError("episodes must be 2 or more: rules are fitted to one half and judged on the other")
    networks = [SpikingNetwork(**point.network()) for point in points]  # refuses bad settings before any work
    encoder = FixedEncoder(seed=seed, overlap=settings.overlap)
    program = encoder(
        digit_pairs(settings.pairs, settings.episodes, rebind=settings.rebind, repeats=settings.repeats, seed=seed)
    )
    jobs = [_job("spiking", program, settings, networks, seed=2 * seed, probes=_probes(program))]
    if settings.fit:
        jobs.append(_job("repeat", program, settings, networks, seed=2 * seed + 1))
    if settings.load:
        curve = encoder(digit_pairs(settings.load[-1], settings.load_episodes, seed=seed, read_after=settings.load))
        jobs.append(_job("capacity", curve, settings, networks, seed=2 * seed))
    trees = []
    with running(jobs, folder=folder) as trace, _one_thread():
        for number in range(len(points)):

            def own(name: str, number: int = number) -> xr.Dataset:
                return of_condition(trace(name), number) if len(points) > 1 else trace(name)

            tree = {"/program": program, "/spiking": own("spiking")}
            rate = RateNetwork("delta", on_off=True, nonnegative=True, device=device, dtype=torch.float32)
            if settings.fit:
                tree["/repeat"] = own("repeat")
                for drive in DRIVES:
                    tree[f"/fits/{drive}"] = identification.identify(
                        program, tree["/spiking"], repeat=tree["/repeat"], drive=drive, seed=seed, device=device
                    )
                rate = _winner(tree["/fits/nominal"], device)
            tree["/rate"] = rate.run(program, seed=seed)
            if settings.load:
                both = {"spiking": own("capacity"), "rate": rate.run(curve, seed=seed)}
                tree["/capacity"] = _capacity(curve, both, settings.load)
            trees.append(xr.DataTree.from_dict(tree))
    return trees


def _job(name: str, program: xr.Dataset, settings: Settings, networks: Sequence[SpikingNetwork], **more: Any) -> Job:
    """Every network as a condition, each with its own parameters where they differ."""
    if len(networks) == 1:
        return Job(name, program, settings.network(), **more)
    every = [{**network.circuit, **network.synapse.values} for network in networks]
    differ = [each for each in every[0] if any(own[each] != every[0][each] for own in every)]
    parameters = {
        each: Quantity([float(own[each]) for own in every], dim=get_dimensions(every[0][each])) for each in differ
    }
    same = None if parameters else list(range(len(networks)))
    return Job(name, program, settings.network(), conditions=from_quantities(same, **parameters), **more)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Simulations run on the other cores, and threads that wait for each other are slow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _winner(fits: xr.Dataset, device: str) -> RateNetwork:
    """The rate network of the rule that is left, or, where several are, of the one that predicts best."""
    best = fits.where(fits["best"], drop=True)
    fitted = best.isel(rule=int(best["r2"].values.argmax()))
    values = fitted["parameter_value"].dropna("parameter")
    parameters = {str(name): float(values.sel(parameter=name)) for name in values["parameter"].values}
    offset = parameters.pop("value_offset", 0.0)
    return RateNetwork(
        str(fitted["rule"].item()), parameters=parameters, value_offset=offset, on_off=True, nonnegative=True,
        device=device, dtype=torch.float32, units="nS",
    )  # fmt: skip


def _probes(program: xr.Dataset) -> list[tuple[int, str, int, int]]:
    """Two synapses of the key that is read first: onto the ON cells of its brightest and its darkest dimension."""
    first = int(program["query"].values[0].any(axis=-1).argmax())
    pre, target = int(program["query"].values[0, first].argmax()), program["target"].values[0, first]
    return [(0, "on", int(target.argmax()), pre), (0, "on", int(target.argmin()), pre)]


def _capacity(curve: xr.Dataset, traces: dict[str, xr.Dataset], loads: tuple[int, ...]) -> xr.Dataset:
    """Recall against the number of pairs stored."""

    def measured(score: Any, *arguments: Any) -> xr.DataArray:
        each = [score(curve, *arguments, by="episode", where=curve["load"] == load) for load in loads]
        return xr.concat(each, dim=xr.DataArray(list(loads), dims="pairs", name="pairs"))

    networks = xr.DataArray(list(traces), dims="network", name="network")
    result = xr.Dataset(
        {
            "r2": xr.concat([measured(metrics.recall_r2, trace) for trace in traces.values()], dim=networks),
            "identified": xr.concat([measured(metrics.identified, trace) for trace in traces.values()], dim=networks),
            "chance": measured(metrics.chance_r2),
        }
    )
    for name in result.variables:
        result[name].attrs["units"] = "1"
    return result


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Recall of both networks in all episodes, and the table of rules, judged on held-out ones.

    Keys: recall.{spiking, rate, chance}.*; rules.<id>.*, noise_ceiling.* and best for nominal keys;
    rules_measured.<id>.* and best_measured for measured ones; held_out_episodes; rate.rule;
    capacity.<network>.<pairs>.*
    """
    program = result["program"].to_dataset()
    numbers: dict[str, Any] = {}
    for network in ("spiking", "rate"):
        trace = result[network].to_dataset()
        numbers[f"recall.{network}.r2"] = float(metrics.recall_r2(program, trace))
        numbers[f"recall.{network}.identified"] = float(metrics.identified(program, trace))
        for name, where in (("rebound", program["rebound"]), ("once", ~program["rebound"])):
            if bool((where & program["target"].notnull().all("post")).any()):
                numbers[f"recall.{network}.{name}_r2"] = float(metrics.recall_r2(program, trace, where=where))
    numbers["recall.chance.r2"] = float(metrics.chance_r2(program))
    numbers["recall.chance.identified"] = float(metrics.chance_identified(program))
    if "fits" in result.children:
        for drive, prefix in zip(DRIVES, ("rules", "rules_measured"), strict=True):
            numbers |= _fitted(result["fits"][drive].to_dataset(), prefix)
        numbers["held_out_episodes"] = result["fits"][DRIVES[0]].sizes["episode"]
    numbers["rate.rule"] = str(json.loads(result["rate"].attrs["config"])["rule"])
    if "capacity" in result.children:
        curve = result["capacity"].to_dataset().mean("episode")
        for network in curve["network"].values:
            for pairs in curve["pairs"].values:
                point = curve.sel(network=network, pairs=pairs)
                numbers[f"capacity.{network}.{pairs}.r2"] = float(point["r2"])
                numbers[f"capacity.{network}.{pairs}.identified"] = float(point["identified"])
    return numbers


def _fitted(fits: xr.Dataset, prefix: str) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for rule in fits["rule"].values:
        for name in ("r2", "explained_share", "low", "high", "bic"):
            numbers[f"{prefix}.{rule}.{name}"] = float(fits[name].sel(rule=rule))
    best = [str(rule) for rule in fits["rule"].values[fits["best"].values]]
    ceiling = {
        "noise_ceiling.value": float(fits["noise_ceiling"]),
        "noise_ceiling.sem": float(fits["noise_ceiling_sem"]),
    }
    return numbers | (ceiling | {"best": best} if prefix == "rules" else {"best_measured": best})


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """All figures, from the saved tree."""
    program, spiking, rate = (result[name].to_dataset() for name in ("program", "spiking", "rate"))
    judged = 0  # an episode that the fits did not see, where there are fits
    if "fits" in result.children:
        judged = int(np.asarray(result["fits"][DRIVES[0]].to_dataset()["episode"])[0])
    figures = {
        "recall": plots.recall_images(program, spiking, rate, episode=judged),
        "recall_scatter": plots.recall_scatter(program, spiking, rate),
        "weights": plots.weights(spiking, rate, episode=judged),
        "synapse": plots.synapse(spiking, program),
        "raster": plots.raster(spiking),
    }
    if "capacity" in result.children:
        figures["capacity"] = plots.capacity(result["capacity"].to_dataset())
    if "fits" in result.children:
        both = [result["fits"][drive].to_dataset() for drive in DRIVES]
        drive = xr.DataArray(list(DRIVES), dims="drive", name="drive")
        figures["rules"] = plots.rule_bars(xr.concat(both, dim=drive, data_vars="all", combine_attrs="drop_conflicts"))
    return figures
