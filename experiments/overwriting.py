"""Error correction against overwriting: keys bound to new values, and overlapping keys that are written three times.

Rebinding alone is no evidence for error correction: a synapse that overwrites itself rebinds as well. Overlap tells
them apart, since overwriting a shared synapse destroys the other memory. Taking the interneurons' inhibition away is
the causal test. The soft-bounded synapse is given several write speeds, and its best counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from brian2 import nS
from matplotlib.figure import Figure

from neurofwp import plots, scores
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.jobs import Job, running
from neurofwp.synapses.model import load
from neurofwp.tasks import digit_pairs


@dataclass(frozen=True)
class Settings:
    """What to run."""

    pairs: int = 8
    """Pairs per episode."""
    episodes: int = 4
    """Episodes."""
    rebind: float = 0.5
    """Share of the keys that are written again with new values."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average, in the second task."""
    repeats: int = 3
    """How often overlapping pairs are written."""
    speeds: tuple[float, ...] = (1.0, 0.5, 0.25, 0.125)
    """Write speeds of the soft-bounded synapse, relative to its model file."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate both tasks on all networks."""
    tasks = {
        "rebinding": FixedEncoder(seed=seed)(
            digit_pairs(settings.pairs, settings.episodes, rebind=settings.rebind, seed=seed)
        ),
        "overlap": FixedEncoder(seed=seed, overlap=settings.overlap)(
            digit_pairs(settings.pairs, settings.episodes, repeats=settings.repeats, seed=seed)
        ),
    }
    networks = _networks(settings)
    jobs = [
        Job(f"{task}, {network}", program, arguments, seed=seed)
        for task, program in tasks.items()
        for network, arguments in networks.items()
    ]
    with running(jobs, folder=folder) as trace:
        by_task = [
            xr.concat(
                [_recall(task, program, trace(f"{task}, {network}")) for network in networks],
                dim=xr.DataArray(list(networks), dims="network", name="network"),
            )
            for task, program in tasks.items()
        ]
    recall = xr.concat(by_task, dim=xr.DataArray(list(tasks), dims="task", name="task"))
    recall["chance"] = xr.concat([_chance(*each) for each in tasks.items()], dim=recall["task"])
    return xr.DataTree.from_dict({"/recall": recall})


def _networks(settings: Settings) -> dict[str, dict[str, Any]]:
    """The networks by name, as arguments of SpikingNetwork."""
    soft = load("soft-bound").values
    fixed: dict[str, dict[str, Any]] = {
        "error-correcting": {"synapse": "error-correcting"},
        "error-correcting, no feedback": {"synapse": "error-correcting", "parameters": {"g_gaba": 0 * nS}},
        "additive": {"synapse": "additive"},
    }
    return fixed | {
        f"soft bound, speed {speed:g}": {
            "synapse": "soft-bound",
            "parameters": {name: speed * soft[name] for name in ("P", "D")},
        }
        for speed in settings.speeds
    }


def _where(task: str, program: xr.Dataset) -> xr.DataArray | None:
    return program["rebound"] if task == "rebinding" else None


def _recall(task: str, program: xr.Dataset, trace: xr.Dataset) -> xr.Dataset:
    """Recall of the last value: of rebound keys, or of all overlapping ones."""
    r2 = scores.recall_r2(program, trace, by="episode", where=_where(task, program))
    share = scores.identified(program, trace, by="episode", where=_where(task, program))
    return xr.Dataset({"r2": r2.assign_attrs(units="1"), "identified": share.assign_attrs(units="1")})


def _chance(task: str, program: xr.Dataset) -> xr.DataArray:
    return scores.chance_r2(program, by="episode", where=_where(task, program))


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Mean and SEM over episodes for each task and network."""
    recall = result["recall"].to_dataset()
    numbers: dict[str, Any] = {}
    for task in recall["task"].values:
        for network in recall["network"].values:
            r2 = recall["r2"].sel(task=task, network=network)
            numbers[f"{task}.{network}.r2"] = float(r2.mean())
            numbers[f"{task}.{network}.sem"] = float(r2.std(ddof=1) / np.sqrt(r2.size))
        soft = {key: value for key, value in numbers.items() if key.startswith(f"{task}.soft bound, speed")}
        numbers[f"{task}.soft bound, best.r2"] = max(value for key, value in soft.items() if key.endswith(".r2"))
        numbers[f"{task}.chance.r2"] = float(recall["chance"].sel(task=task).mean())
    return numbers


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Recall of every network in both tasks."""
    return {"overwriting": plots.overwriting(result["recall"].to_dataset())}
