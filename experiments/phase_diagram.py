"""Which rule, over receptor turnover and feedback inhibition: the map of a synapse's rules.

One synapse model in one circuit, with two of its parameters varied: the time constant of constitutive receptor
turnover, from a fraction of an episode to far beyond it, and the gain of feedback inhibition, from none, where the
dendrite knows nothing of the soma's answer, to more than the model has. At every point the same Programs run twice,
with other spikes, and every rule is fitted to half of the episodes and judged on the other half. A point's colour is
the rule that is left (the simplest where several are), its opacity how certain that is: the share of resamples of the
judged episodes of which the same rule is what remains.

A row of the map, all turnovers at one gain, is one simulation and its fits. Rows run one per core, and each is kept as
soon as it is finished: the same run in the same folder goes on from them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
import xarray as xr
from brian2 import ms, second
from matplotlib.figure import Figure
from tqdm import tqdm

from neurofwp import files, fitting, processes, provenance, scores
from neurofwp.errors import InputError
from neurofwp.plots.phase_diagram import phase_diagram
from neurofwp.program import most_varied, without_silent_cells
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.jobs import Job
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.tasks import digit_pairs

RUNS = 2  # of the same Programs: what repeats is the noise ceiling

log = logging.getLogger("neurofwp")


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
    rebind: float = 0.5
    """Share of the keys that are written again with new values."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average."""
    pixels: int = 6
    """How many pixels the values have: those that differ most between digits."""
    target: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
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
    network = SpikingNetwork(settings.regime)
    task = digit_pairs(settings.pairs, settings.episodes, rebind=settings.rebind, seed=seed)
    encoder = FixedEncoder(pre=100, active=10, seed=seed, overlap=settings.overlap)
    program = without_silent_cells(most_varied(encoder(task), settings.pixels))
    jobs = [_job(settings, program, gain * network.circuit["g_gaba"], seed) for gain in settings.gain]
    rows = _rows(settings, program, jobs, seed, device, folder)
    table = xr.concat(rows, dim=xr.DataArray(list(settings.gain), dims="gain", name="gain"), combine_attrs="override")
    lasts = (program["duration"] + float(network.circuit["pause"] / ms)).isel(episode=0).sum() / 1000
    table.attrs = {"regime": settings.regime, "duration": float(lasts)}
    table["turnover"].attrs |= {"units": "s", "long_name": "time constant of receptor turnover"}
    table["gain"].attrs |= {"units": "1", "long_name": "feedback inhibition / that of the model"}
    return xr.DataTree.from_dict({"/program": program, "/map": table})


def _job(settings: Settings, program: xr.Dataset, feedback: Any, seed: int) -> Job:
    """A row as one network, whose episodes are all turnovers, runs and episodes, the last fastest."""
    often = RUNS * len(settings.turnover)
    every = program.isel(episode=np.tile(np.arange(settings.episodes), often))
    varied = {"tau_turnover": np.repeat(settings.turnover, RUNS * settings.episodes) * second}
    network = {"synapse": settings.regime, "parameters": {"g_gaba": feedback}, "target": settings.target}
    return Job("row", every, network, seed=seed, varied=varied)


def _rows(
    settings: Settings, program: xr.Dataset, jobs: Sequence[Job], seed: int, device: str, folder: Path | None
) -> list[xr.Dataset]:
    """`_row` of every gain, those that were kept without running them again."""
    paths = [_kept_at(folder, settings, gain, job) for gain, job in zip(settings.gain, jobs, strict=True)]
    done = {index: kept for index, path in enumerate(paths) if (kept := files.kept(path)) is not None}
    log.info("%d rows of the map, of which %d were kept", len(jobs), len(done))
    if paths[0] is None:
        log.info("rows are not kept: there is no folder for them, or no commit names this code")
    waiting = [index for index in range(len(jobs)) if index not in done]
    workers = processes.at_a_time(len(waiting))
    with (
        # one thread each: threads of one would wait for those of the others
        processes.pool(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        tqdm(
            desc="rows of the map", total=len(jobs), initial=len(done), unit="row",
            mininterval=0.1 if sys.stderr.isatty() else 30,  # a log is no terminal: one line now and then
        ) as bar,
    ):  # fmt: skip
        bar.refresh()
        running = {
            pool.submit(_row, settings, program, jobs[index], seed, device, paths[index]): index for index in waiting
        }
        for future in as_completed(running):
            done[running[future]] = future.result()
            bar.update()
    return [done[index] for index in range(len(jobs))]


def _kept_at(folder: Path | None, settings: Settings, gain: float, job: Job) -> Path | None:
    """Where a row is kept: whatever could change a number changes the name; None where no commit names the code."""
    if folder is None or not provenance.reproducible():
        return None
    digest = hashlib.sha256(json.dumps([job.digest(), asdict(settings)]).encode()).hexdigest()
    return folder / f"gain-{gain:g}-{digest[:16]}.nc"


def _row(
    settings: Settings, program: xr.Dataset, job: Job, seed: int, device: str, path: Path | None
) -> xr.Dataset:  # fmt: skip
    """All points of one gain (turnover), simulated and fitted."""
    trace, size = job.run(), settings.episodes
    every = [trace.isel(episode=slice(first, first + size)) for first in range(0, trace.sizes["episode"], size)]
    points = [_point(program, every[first : first + RUNS], seed, device) for first in range(0, len(every), RUNS)]
    turnover = xr.DataArray(list(settings.turnover), dims="turnover", name="turnover")
    row = xr.concat(points, dim=turnover, combine_attrs="override")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_netcdf(row, path)
    return row


def _point(program: xr.Dataset, runs: Sequence[xr.Dataset], seed: int, device: str) -> xr.Dataset:
    """Fits at one point of the map, from both runs, and recall there: mean over runs, SEM over episodes."""
    one, other = runs
    fits = fitting.identify(program, one, repeat=other, restarts=4, seed=seed, device=device, progress=False)
    kept = fits[["r2", "explained_share", "low", "high", "bic", "best", "support", "noise_ceiling"]]
    reader = [scores.recall_r2(program, each) for each in runs]
    each = xr.concat([scores.recall_r2(program, run, by="episode") for run in runs], dim="run").mean("run")
    sem = each.std("episode", ddof=1) / np.sqrt(each.sizes["episode"])
    recall = {"recall": sum(reader) / len(reader), "recall_sem": sem}
    return kept.assign({name: number.assign_attrs(units="1") for name, number in recall.items()})


def winners(table: xr.Dataset) -> xr.DataArray:
    """The rule of every point (gain, turnover): of those that are left, the first in the order of the library."""
    order = table["best"].transpose("gain", "turnover", "rule").values
    return xr.DataArray(
        table["rule"].values[order.argmax(-1)], dims=("gain", "turnover"),
        coords={"gain": table["gain"], "turnover": table["turnover"]},
    )  # fmt: skip


def summary(result: xr.DataTree) -> dict[str, Any]:
    """What is left at every point, how certain and how good it is; and how many points each rule has.

    Keys: map.<gain>.<turnover>.{best, support, explained_share, noise_ceiling, recall, recall_sem}, best being a list,
    the others of its first rule; points.<rule>, and points.certain, those whose support is .95 or more.
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
            numbers[f"{key}.best"] = [str(each) for each in point["rule"].values[point["best"].values]]
            for name in ("support", "explained_share", "noise_ceiling", "recall", "recall_sem"):
                numbers[f"{key}.{name}"] = float(left[name])
    return numbers


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Every rule at every point."""
    return {"map": result["map"].to_dataset().to_dataframe().reset_index()}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """The map of rules, and that of recall."""
    table = result["map"].to_dataset()
    return {"phase_diagram": phase_diagram(table, winners(table))}
