"""Which rule, over receptor turnover and feedback inhibition: the map of a synapse's rules.

One synapse model in one circuit, with two of its parameters varied: the time constant of constitutive receptor
turnover, from a fraction of an episode to far beyond it, and the gain of feedback inhibition, from none, where the
dendrite knows nothing of the soma's answer, to more than the model has. Every point runs the same Programs twice, and
every rule is fitted to half of its episodes and judged on the other half. A point's colour is the rule that is left
(the simplest where several are), its opacity the share of resamples of the episodes in which no other rule, but for
those that contain it, predicts better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import second
from matplotlib.figure import Figure
from tqdm import tqdm

from neurofwp import fitting, scores
from neurofwp.errors import InputError
from neurofwp.plots.phase_diagram import phase_diagram
from neurofwp.program import most_varied
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.jobs import Job, running
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.tasks import digit_pairs

KEPT = ["weight", "recall", "conductance", "pre_rate"]  # of a Trace: all that fits and scores look at


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
    pairs: int = 8
    """Pairs per episode."""
    rebind: float = 0.5
    """Share of the keys that are written again with new values."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average."""
    pixels: int = 8
    """How many pixels the values have: those that differ most between digits."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate every row of the map as one network, and fit every point.

    Raises
    ------
    InputError
        for fewer than four episodes, or a time constant or gain out of its range.
    """
    if settings.episodes < 4:
        raise InputError("episodes must be 4 or more: rules are fitted to one half and judged on the other")
    if not settings.turnover or not settings.gain or min(settings.gain) < 0:
        raise InputError("a map needs one turnover and one gain or more, and gains of 0 or more")
    task = digit_pairs(settings.pairs, settings.episodes, rebind=settings.rebind, seed=seed)
    encoder = FixedEncoder(pre=100, active=10, seed=seed, overlap=settings.overlap)
    program = most_varied(encoder(task), settings.pixels)
    every = program.isel(episode=np.tile(np.arange(settings.episodes), len(settings.turnover)))
    varied = {"tau_turnover": np.repeat(settings.turnover, settings.episodes) * second}
    own = SpikingNetwork(settings.regime).circuit["g_gaba"]
    jobs = [
        Job(
            f"gain-{gain:g}-{run}", every, {"synapse": settings.regime, "parameters": {"g_gaba": gain * own}},
            seed=2 * seed + run, varied=varied,
        )
        for gain in settings.gain
        for run in (0, 1)
    ]  # fmt: skip
    rows = []
    with running(jobs, folder=folder) as trace:
        for gain in tqdm(settings.gain, desc="rows of the map"):
            both = [trace(f"gain-{gain:g}-{run}")[KEPT] for run in (0, 1)]
            points = [
                _point(
                    program, [each.isel(episode=slice(first, first + settings.episodes)) for each in both], seed, device
                )
                for first in range(0, every.sizes["episode"], settings.episodes)
            ]
            turnover = xr.DataArray(list(settings.turnover), dims="turnover", name="turnover")
            rows.append(xr.concat(points, dim=turnover, combine_attrs="drop_conflicts"))
    gains = xr.DataArray(list(settings.gain), dims="gain", name="gain")
    table = xr.concat(rows, dim=gains, combine_attrs="drop_conflicts").assign_attrs(
        regime=settings.regime, duration=float(program["duration"].sum("event").mean()) / 1000
    )
    table["turnover"].attrs |= {"units": "s", "long_name": "time constant of receptor turnover"}
    table["gain"].attrs |= {"units": "1", "long_name": "feedback inhibition / that of the model"}
    return xr.DataTree.from_dict({"/program": program, "/map": table})


def _point(program: xr.Dataset, both: Sequence[xr.Dataset], seed: int, device: str) -> xr.Dataset:
    """Fits at one point of the map, from both runs, and recall there."""
    one, other = both
    fits = fitting.identify(program, one, repeat=other, restarts=4, seed=seed, device=device, progress=False)
    kept = fits[["r2", "explained_share", "low", "high", "bic", "best", "support", "noise_ceiling"]]
    return kept.assign(recall=scores.recall_r2(program, one).assign_attrs(units="1"))


def winners(table: xr.Dataset) -> xr.DataArray:
    """The rule of every point (gain, turnover): of those that are left, the first in the order of the library."""
    order = table["best"].transpose("gain", "turnover", "rule").values
    return xr.DataArray(
        table["rule"].values[order.argmax(-1)], dims=("gain", "turnover"),
        coords={"gain": table["gain"], "turnover": table["turnover"]},
    )  # fmt: skip


def summary(result: xr.DataTree) -> dict[str, Any]:
    """At every point, under map.<gain>.<turnover>: the rules that are left, support, explained share, recall."""
    table = result["map"].to_dataset()
    names = winners(table)
    numbers: dict[str, Any] = {}
    for gain in table["gain"].values.tolist():
        for turnover in table["turnover"].values.tolist():
            point = table.sel(gain=gain, turnover=turnover)
            rule = str(names.sel(gain=gain, turnover=turnover).item())
            key = f"map.{gain:g}.{turnover:g}"
            numbers |= {
                f"{key}.best": [str(each) for each in point["rule"].values[point["best"].values]],
                f"{key}.support": float(point["support"].sel(rule=rule)),
                f"{key}.explained_share": float(point["explained_share"].sel(rule=rule)),
                f"{key}.recall": float(point["recall"]),
            }
    return numbers


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Every rule at every point."""
    return {"map": result["map"].to_dataset().drop_vars("noise_ceiling").to_dataframe().reset_index()}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """The map of rules, and that of recall."""
    table = result["map"].to_dataset()
    return {"phase_diagram": phase_diagram(table, winners(table))}
