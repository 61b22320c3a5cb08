"""Does reading erase? Every pair read many times, with the write gate closed and, as an ablation, left open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import plots, scores
from neurofwp.program import most_varied
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.jobs import Job, running
from neurofwp.tasks import digit_pairs

GATES = {"closed": 0.0, "open": 1.0}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    regime: str = "error-correcting"
    """Synapse model."""
    pairs: int = 8
    """Pairs per episode."""
    reads: int = 20
    """How often every pair is read."""
    episodes: int = 4
    """Episodes."""
    pixels: int = 16
    """How many pixels the values have: those that differ most between digits."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate with the gate closed and open while reading."""
    program = FixedEncoder(seed=seed)(digit_pairs(settings.pairs, settings.episodes, reads=settings.reads, seed=seed))
    program = most_varied(program, settings.pixels)
    jobs = [
        Job(name, program, {"synapse": settings.regime, "read_gate": gate}, seed=seed) for name, gate in GATES.items()
    ]
    with running(jobs, folder=folder) as trace:
        curves = [_curve(program, trace(name), settings) for name in GATES]
    curve = xr.concat(curves, dim=xr.DataArray(list(GATES), dims="gate", name="gate"))
    return xr.DataTree.from_dict({"/program": program, "/reads": curve})


def _curve(program: xr.Dataset, trace: xr.Dataset, settings: Settings) -> xr.Dataset:
    """Recall in each pass over all pairs, and mean weight after it; mean and SEM over episodes."""
    mean_weight = trace["conductance"].mean(("polarity", "post", "pre"))
    passes, weights = [], []
    event = xr.DataArray(np.arange(program.sizes["event"]), dims="event")
    for number in range(settings.reads):
        first = settings.pairs * (1 + number)
        chosen = (event >= first) & (event < first + settings.pairs)
        passes.append(scores.recall_r2(program, trace, by="episode", where=chosen))
        weights.append(mean_weight.isel(event=first + settings.pairs - 1))
    read = xr.DataArray(np.arange(1, settings.reads + 1), dims="read", name="read")
    curve = xr.Dataset()
    for name, unit, values in (("r2", "1", passes), ("mean_weight", "nS", weights)):
        each = xr.concat(values, dim=read)
        curve[name] = each.mean("episode").assign_attrs(units=unit)
        curve[f"{name}_sem"] = (each.std("episode", ddof=1) / np.sqrt(each.sizes["episode"])).assign_attrs(units=unit)
    curve["written_weight"] = mean_weight.isel(event=settings.pairs - 1).mean().assign_attrs(units="nS")
    return curve


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Recall in the first and the last pass, mean weight before all reads and after them, and the relative changes."""
    numbers: dict[str, Any] = {}
    for gate in GATES:
        curve = result["reads"].to_dataset().sel(gate=gate)
        r2, weight = np.asarray(curve["r2"]), np.asarray(curve["mean_weight"])
        for name, first, last in (
            ("r2", float(r2[0]), float(r2[-1])),
            ("mean_weight", float(curve["written_weight"]), float(weight[-1])),
        ):
            numbers |= {f"{gate}.{name}.first": first, f"{gate}.{name}.last": last}
            numbers[f"{gate}.{name}.change"] = last / first - 1
    return numbers


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Recall and mean weight against the number of reads."""
    return {"reads": plots.reads(result["reads"].to_dataset())}
