"""Which rule, over receptor turnover and feedback inhibition: the map of a synapse's rules.

One synapse model in one circuit, with two of its parameters varied: the time constant of constitutive receptor
turnover, from a fraction of an episode to far beyond it, and the gain of feedback inhibition, from none, where the
dendrite knows nothing of the soma's answer, to more than the model has. At every point the same Programs run twice,
with other spikes, and every rule is fitted to half of the episodes and judged on the other half. Resamples of the
judged episodes vote, each for the simplest of the rules that predict its weights alike: a point's colour is the rule
with most votes, its opacity their share.

A row of the map, all turnovers at one gain, is one simulation and its fits, and is kept as soon as it is finished: the
same run in the same folder goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import ms, second
from matplotlib.figure import Figure

from neurofwp import identification, metrics
from neurofwp import trace as traces
from neurofwp.errors import InputError
from neurofwp.plots.phase_diagram import phase_diagram
from neurofwp.runtime import provenance
from neurofwp.runtime.parallel import parallel_map
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking import conditions
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.tasks import digit_pairs
from neurofwp.transforms.selection import keep_most_varied, without_silent_cells

RUNS = 2  # of the same Programs: what repeats is the noise ceiling


@dataclass(frozen=True)
class Settings:
    """What to run."""

    regime: str = "error-correcting"
    """Synapse model."""
    turnover: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
    """Time constants of receptor turnover, s."""
    gain: tuple[float, ...] = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
    """Feedback inhibition, as a share of the circuit's own."""
    episodes: int = 8
    """Episodes of every point; rules are fitted to the first half and judged on the others."""
    pairs: int = 6
    """Pairs per episode."""
    reassign: float = 0.5
    """Share of the keys that are written again with new values."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average."""
    pixels: int = 4
    """How many pixels the values have: those that differ most between digits."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate and fit the map, row by row.

    Raises
    ------
    InputError
        for fewer than four episodes, or time constants or gains that are out of range or do not rise.
    """
    if settings.episodes < 4:
        raise InputError("episodes must be 4 or more: rules are fitted to one half and judged on the other")
    for name in ("turnover", "gain"):
        values = getattr(settings, name)
        if not values or min(np.diff(values), default=1) <= 0 or values[0] < 0:
            raise InputError(f"{name} must have one number or more, from 0 on and rising, but is {values}")
    task = digit_pairs(settings.pairs, settings.episodes, reassign=settings.reassign, seed=seed)
    encoder = FixedEncoder(pre=100, active=10, seed=seed, overlap=settings.overlap)
    program = without_silent_cells(keep_most_varied(encoder(task), settings.pixels))
    network = SpikingNetwork(settings.regime, backend=settings.backend)
    config = network.config()  # of a model in a file of its own, the name does not say what is in it
    seeds = np.random.SeedSequence(seed).generate_state(len(settings.gain)).tolist()
    cases = {
        f"gain-{gain:g}": (program, settings.turnover, gain, settings.regime, settings.backend, own, device, config)
        for gain, own in zip(settings.gain, seeds, strict=True)
    }
    rows = parallel_map(_row, cases, folder=folder, description="rows of the map")
    gains = xr.DataArray(list(settings.gain), dims="gain", name="gain")
    table = xr.concat(list(rows.values()), dim=gains, combine_attrs="drop")
    lasts = (program["duration"].isel(episode=0) + float(network.circuit["pause"] / ms)).sum() / 1000
    table.attrs = {"regime": settings.regime, "duration": float(lasts)}
    table["turnover"].attrs = {"units": "s", "long_name": "time constant of receptor turnover"}
    table["gain"].attrs = {"units": "1", "long_name": "feedback inhibition / that of the model"}
    return xr.DataTree.from_dict({"/program": program, "/map": table})


def _row(
    program: xr.Dataset,
    turnover: Sequence[float],
    gain: float,
    regime: str,
    backend: str,
    seed: int,
    device: str,
    config: dict[str, Any],
) -> xr.Dataset:
    """All points of one gain (turnover): one network, whose conditions are turnovers and runs, then fits."""
    every = conditions.from_quantities(
        tau_turnover=np.repeat(turnover, RUNS) * second, seed=conditions.seeds_of_runs(seed, RUNS) * len(turnover)
    )
    feedback = {"g_gaba": gain * SpikingNetwork(regime).circuit["g_gaba"]}
    trace = SpikingNetwork(regime, parameters=feedback, backend=backend).run(program, seed=seed, conditions=every)
    runs = [traces.of_condition(trace, number) for number in range(trace.sizes["condition"])]
    points = [_point(program, runs[first : first + RUNS], seed, device) for first in range(0, len(runs), RUNS)]
    made = xr.concat(points, dim=xr.DataArray(list(turnover), dims="turnover", name="turnover"), combine_attrs="drop")
    return provenance.stamp(made, config=config | {"gain": gain}, seed=seed)


def _point(program: xr.Dataset, runs: Sequence[xr.Dataset], seed: int, device: str) -> xr.Dataset:
    """Fits at one point of the map, from both runs, and recall there: mean over runs, SEM over episodes."""
    one, other = runs
    fits = identification.identify(program, one, repeat=other, restarts=4, seed=seed, device=device, progress=False)
    kept = fits[["r2", "feve", "low", "high", "bic", "best", "support", "noise_ceiling"]]
    reader = [metrics.recall_r2(program, each) for each in runs]
    each = xr.concat([metrics.recall_r2(program, run, by="episode") for run in runs], dim="run").mean("run")
    sem = each.std("episode", ddof=1) / np.sqrt(each.sizes["episode"])
    recall = {"recall": sum(reader) / len(reader), "recall_sem": sem}
    return kept.assign({name: number.assign_attrs(units="1") for name, number in recall.items()})


def winners(table: xr.Dataset) -> xr.DataArray:
    """The rule of every point (gain, turnover): the one with most votes."""
    return table["support"].idxmax("rule").transpose("gain", "turnover")


def summary(result: xr.DataTree) -> dict[str, Any]:
    """The rule of every point, how certain and how good it is; and how many points each rule has.

    Keys: map.<gain>.<turnover>.{rule, support, feve, noise_ceiling, recall, recall_sem}; best there, a list,
    is what `neurofwp.identification.identify` leaves, which lets BIC settle ties; points.<rule>, and points.certain,
    those whose support is .95 or more.
    """
    table = result["map"].to_dataset()
    names = winners(table)
    numbers: dict[str, Any] = {f"points.{rule}": int((names == rule).sum()) for rule in table["rule"].values.tolist()}
    numbers["points.certain"] = int((table["support"].sel(rule=names) >= 0.95).sum())
    for gain in table["gain"].values.tolist():
        for turnover in table["turnover"].values.tolist():
            point = table.sel(gain=gain, turnover=turnover)
            left = point.sel(rule=str(names.sel(gain=gain, turnover=turnover).item()))
            key = f"map.{gain:g}.{turnover:g}"
            numbers[f"{key}.rule"] = [str(left["rule"].item())]
            numbers[f"{key}.best"] = [str(each) for each in point["rule"].values[point["best"].values]]
            for name in ("support", "feve", "noise_ceiling", "recall", "recall_sem"):
                numbers[f"{key}.{name}"] = float(left[name])
    return numbers


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Every rule at every point."""
    return {"map": result["map"].to_dataset().to_dataframe().reset_index()}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """The map of rules, and that of recall."""
    table = result["map"].to_dataset()
    return {"phase_diagram": phase_diagram(table, winners(table))}
