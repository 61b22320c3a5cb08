"""Error correction against overwriting: rebinding, and where the two part as keys come to share synapses.

Every key is written several times under one value, and half of the keys then once more under a new one. What is read
from a rebound key is projected on its new and its old value. Rebinding alone is no evidence for error correction: a
synapse that overwrites itself rebinds as well. Overlap tells them apart, since overwriting a shared synapse destroys
the other memory, and what is written again need not be written twice where the error is known.

Synapse models and rate rules do the same. Those in the contest are given several write speeds (rules: a grid), and the
recall of each episode is that of the speed that is best on all the others, so that nothing loses by its settings. They
part at the crossing: the least overlap at which error correction recalls better than the best per-synapse overwrite by
a margin in R^2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
import xarray as xr
from brian2 import Quantity, nS
from matplotlib.figure import Figure

from neurofwp import scores
from neurofwp.errors import InputError
from neurofwp.plots.overwrite import overwrite
from neurofwp.plots.select import mean_sem
from neurofwp.program import most_varied, without_silent_cells
from neurofwp.rate import RateNetwork
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.jobs import Job, running
from neurofwp.synapses.model import load
from neurofwp.tasks import digit_pairs

# synapse models in the contest, and what is divided or multiplied to make them write more slowly
CORRECTING = {"spiking": "error-correcting", "rate": "delta"}
ALONE = {"spiking": ("thresholds", "soft-bound", "omega", "btsp-network"), "rate": ("outstar", "soft_bound")}
RATES = {
    "error-correcting": ("P", "D"),
    "thresholds": ("P", "D"),
    "soft-bound": ("P", "D"),
    "btsp-network": ("k_plus", "k_minus"),
}
TIMES = {"omega": ("P1", "P4")}
WITHOUT = "error-correcting, no feedback"
OTHERS = (WITHOUT, "additive", "decay", "finite-pool")  # as they are
SCORED = ("r2", "new", "old", "once")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    pairs: int = 8
    """Pairs per episode."""
    episodes: int = 4
    """Episodes of the spiking networks."""
    rate_episodes: int = 16
    """Episodes of the rate networks: the same ones, and more."""
    repeats: int = 2
    """How often every pair is written."""
    rebind: float = 0.5
    """Share of the keys that are then written again with new values."""
    overlap: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)
    """Share of active cells that two keys have in common on average; rebinding is shown at the first."""
    margin: float = 0.075
    """By how much R^2 must be higher for error correction and overwriting to have parted."""
    speeds: tuple[float, ...] = (1.0, 0.4, 0.15)
    """Write speeds of the synapses in the contest, relative to their model files."""
    pixels: int = 8
    """How many pixels the values have: those that differ most between digits."""
    target: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate every synapse model at all overlaps and speeds as one network, and run the rate rules.

    Raises
    ------
    InputError
        for overlaps that do not rise, too few episodes to choose a speed on others, no keys that are bound anew, or no
        speed above 0.
    """
    _check(settings)
    programs = [_program(settings, settings.rate_episodes, overlap, seed) for overlap in settings.overlap]
    shown = [program.isel(episode=slice(settings.episodes)) for program in programs]
    jobs = [_job(name, shown, settings, seed) for name in (CORRECTING["spiking"], *ALONE["spiking"], *OTHERS)]
    with running(jobs, folder=folder) as trace:
        rate = {rule: _rate(rule, programs, device) for rule in candidates()}
        spiking = {job.name: _spiking(trace(job.name), shown) for job in jobs}
    overlap = xr.DataArray(list(settings.overlap), dims="overlap", name="overlap", attrs={"units": "1"})
    tree = {}
    for network, made, at in (("spiking", spiking, shown), ("rate", rate, programs)):
        memories = xr.DataArray(list(made), dims="memory", name="memory")
        table = xr.concat(list(made.values()), dim=memories, join="outer").assign_coords(overlap=overlap)
        chance = xr.concat([scores.chance_r2(program, by="episode") for program in at], dim=overlap)
        table["chance"] = chance.assign_attrs(units="1")
        tree[f"/{network}"] = table.assign_attrs(margin=settings.margin)
    return xr.DataTree.from_dict(tree)


def _check(settings: Settings) -> None:
    if not settings.overlap or any(later <= former for former, later in pairwise(settings.overlap)):
        raise InputError(f"overlap must have one number or more, and rise, but is {settings.overlap}")
    if min(settings.episodes, settings.rate_episodes) < 2:
        raise InputError("episodes and rate_episodes must be 2 or more: a speed is chosen on the other episodes")
    if settings.rate_episodes < settings.episodes:
        raise InputError(f"rate_episodes must be episodes ({settings.episodes}) or more, not {settings.rate_episodes}")
    if round(settings.rebind * settings.pairs) < 1:
        raise InputError(f"rebind must leave one of the {settings.pairs} keys or more to be bound anew")
    if not settings.speeds or min(settings.speeds) <= 0:
        raise InputError(f"speeds must have one number above 0 or more, but are {settings.speeds}")


def _program(settings: Settings, episodes: int, overlap: float, seed: int) -> xr.Dataset:
    task = digit_pairs(settings.pairs, episodes, rebind=settings.rebind, repeats=settings.repeats, seed=seed)
    return most_varied(FixedEncoder(seed=seed, overlap=overlap)(task), settings.pixels)


def _job(name: str, programs: Sequence[xr.Dataset], settings: Settings, seed: int) -> Job:
    """One network whose episodes are all overlaps, speeds and episodes, the last fastest."""
    in_contest = name in (CORRECTING["spiking"], *ALONE["spiking"])
    speeds = np.array(settings.speeds if in_contest else (1.0,))
    each = np.tile(np.repeat(speeds, settings.episodes), len(programs))
    every = xr.concat(
        [program for program in programs for _ in speeds], dim="episode", data_vars="minimal", combine_attrs="override"
    )
    network: dict[str, Any] = {"synapse": CORRECTING["spiking"] if name == WITHOUT else name, "target": settings.target}
    if name == WITHOUT:
        network["parameters"] = {"g_gaba": 0 * nS}
    varied = slowed(name, each) if in_contest and len(speeds) > 1 else {}
    return Job(name.replace(",", "").replace(" ", "-"), without_silent_cells(every), network, seed=seed, varied=varied)


def slowed(regime: str, speed: np.ndarray) -> dict[str, Quantity]:
    """The parameters of a synapse model that make it write at these speeds (episode,), relative to its file."""
    values = load(regime).values
    faster = {name: values[name] * speed for name in RATES.get(regime, ())}
    return faster | {name: values[name] / speed for name in TIMES.get(regime, ())}


def _spiking(trace: xr.Dataset, programs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Scores (overlap, setting, episode) of one network."""
    episodes = programs[0].sizes["episode"]
    parts = [
        trace[["weight", "recall"]].isel(episode=slice(first, first + episodes))
        for first in range(0, trace.sizes["episode"], episodes)
    ]
    speeds = len(parts) // len(programs)
    rows = [
        [_scored(program, parts[number * speeds + speed]) for speed in range(speeds)]
        for number, program in enumerate(programs)
    ]
    return _table(rows)


def candidates() -> dict[str, list[dict[str, float]]]:
    """Parameters of every rate rule to choose from; keys have norm one and weights cannot be negative."""
    rates = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
    grid = product((0.3, 1.0, 3.0), (0.5, 1.0, 2.0, 4.0, 8.0, 16.0))
    return {
        "delta": [{"rate": rate} for rate in rates],
        "outstar": [{"rate": 4 * rate} for rate in rates],  # an active cell of 20 is about 1/4.5: up to a full write
        "soft_bound": [{"g_plus": up, "g_minus": down} for up, down in grid],
        "hebbian": [{}],
        "fixed_decay": [{"decay": decay} for decay in (0.7, 0.8, 0.9, 0.95, 0.98)],
    }


def _rate(rule: str, programs: Sequence[xr.Dataset], device: str) -> xr.Dataset:
    """Scores (overlap, setting, episode) of one rule."""
    rows = []
    for program in programs:
        traces = (
            RateNetwork(
                rule, parameters=each, on_off=True, nonnegative=True, device=device, dtype=torch.float32
            ).run(program)
            for each in candidates()[rule]
        )  # fmt: skip
        rows.append([_scored(program, trace) for trace in traces])
    return _table(rows)


def _table(rows: Sequence[Sequence[xr.Dataset]]) -> xr.Dataset:
    """Scores (overlap, setting, episode) from rows of overlaps."""
    setting = xr.DataArray(np.arange(len(rows[0])), dims="setting", name="setting")
    return xr.concat([xr.concat(row, dim=setting) for row in rows], dim="overlap")


def _scored(program: xr.Dataset, trace: xr.Dataset) -> xr.Dataset:
    """Recall of the last values, r2 (episode), and `projections`."""
    recall = scores.recall_r2(program, trace, by="episode")
    scored = projections(program, scores.decode(program, trace)).assign(r2=recall)
    for name in scored.data_vars:
        scored[name].attrs["units"] = "1"
    return scored


def projections(program: xr.Dataset, decoded: xr.DataArray) -> xr.Dataset:
    """How much of its new and of its old value a read of a rebound key contains, and how much of its value another's.

    Least squares of decoded recall on the values, each minus the episode's mean value, beside a constant and that mean
    value: ``new`` and ``old`` (episode) of keys bound anew, on both values together; ``once`` (episode), NaN where all
    keys were, of the others.
    """
    value, target = program["value"].values, program["target"].values
    pair, rebound = program["pair"].values, program["rebound"].values
    write = (program["write_gate"].values > 0) & program["key"].values.any(-1)
    read = np.isfinite(target).all(-1)
    found = {name: np.full(len(value), np.nan) for name in ("new", "old", "once")}
    for episode in range(len(value)):
        mean = value[episode, write[episode]].mean(0)
        both, single = read[episode] & rebound[episode], read[episode] & ~rebound[episode]
        first = [int(np.flatnonzero(write[episode] & (pair[episode] == each))[0]) for each in pair[episode, both]]
        columns = [target[episode, both] - mean, value[episode, first] - mean]
        found["new"][episode], found["old"][episode] = _regression(decoded.values[episode, both], columns, mean)
        if single.any():
            columns = [target[episode, single] - mean]
            (found["once"][episode],) = _regression(decoded.values[episode, single], columns, mean)
    return xr.Dataset({name: ("episode", numbers) for name, numbers in found.items()})


def _regression(read: np.ndarray, columns: Sequence[np.ndarray], mean: np.ndarray) -> list[float]:
    """Least-squares coefficients of columns (read, post), beside a constant and the mean value (post,)."""
    every = [*columns, np.ones_like(read), np.broadcast_to(mean, read.shape)]
    coefficients = np.linalg.lstsq(np.stack([each.ravel() for each in every], axis=1), read.ravel(), rcond=None)[0]
    return [float(each) for each in coefficients[: len(columns)]]


def reported(table: xr.Dataset) -> xr.Dataset:
    """Scores (memory, overlap, episode), each of the setting with the highest mean R^2 on all other episodes."""
    r2 = table["r2"].transpose("memory", "overlap", "setting", "episode")
    others = r2.fillna(-np.inf).sum("episode") - r2.fillna(-np.inf).where(r2.notnull(), 0)
    best = others.where(r2.notnull(), -np.inf).argmax("setting")
    return table[list(SCORED)].isel(setting=best)


def parted(chosen: xr.Dataset, network: str) -> xr.Dataset:
    """By how much error correction recalls better than the best overwrite: gain (overlap, episode), best (overlap)."""
    alone = chosen["r2"].sel(memory=list(ALONE[network]))
    best = alone.mean("episode").idxmax("memory")
    gain = chosen["r2"].sel(memory=CORRECTING[network]) - alone.sel(memory=best)
    return xr.Dataset(
        {"gain": gain.drop_vars(["memory", "setting"], errors="ignore").assign_attrs(units="1"), "best": best}
    )


def crossing(chosen: xr.Dataset, network: str, margin: float) -> tuple[float, float]:
    """The overlap at which the mean gain first reaches the margin, between those tried, and its jackknife error.

    The first overlap where it is there already; NaN where it never is. The error is NaN if it is not everywhere there
    when any one episode is left out.
    """

    def place(some: xr.Dataset) -> float:
        gain = parted(some, network)["gain"].mean("episode")
        return _reaches(gain["overlap"].values, gain.values, margin)

    count = chosen.sizes["episode"]
    without = np.array([place(chosen.drop_isel(episode=left_out)) for left_out in range(count)])
    return place(chosen), float(np.sqrt((count - 1) * without.var()))


def _reaches(overlap: np.ndarray, gain: np.ndarray, margin: float) -> float:
    above = np.flatnonzero(gain >= margin)
    if not above.size:
        return np.nan
    if above[0] == 0:
        return float(overlap[0])
    low, high = above[0] - 1, above[0]
    share = (margin - gain[low]) / (gain[high] - gain[low])
    return float(overlap[low] + share * (overlap[high] - overlap[low]))


def _networks(result: xr.DataTree) -> Iterator[tuple[str, xr.Dataset, xr.Dataset]]:
    for network in CORRECTING:
        table = result[network].to_dataset()
        yield network, table, reported(table)


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Recall, projections, and where error correction and overwriting part; means over episodes with .sem.

    Keys: recall.<network>.<memory>.<overlap>.r2 and chance.<overlap>.r2; rebinding.<network>.<memory>.{new, old, once}
    at the first overlap; gain.<network>.<overlap>, of error correction over the best overwrite, best_overwrite.* its
    name (a list); crossing.<network>, crossing.margin, crossing.difference (spiking minus rate) and
    crossing.steps_apart, the same counted in steps of the grid of overlaps; crossing.within_one_step is 1 if that is
    at most 1, else 0. A crossing that there is not is NaN, and so is what is made of it.
    """
    numbers: dict[str, Any] = {}
    margin = float(result["spiking"].attrs["margin"])
    for network, table, chosen in _networks(result):
        apart = parted(chosen, network)
        for overlap in table["overlap"].values.tolist():
            for memory in table["memory"].values.tolist():
                here = chosen["r2"].sel(memory=memory, overlap=overlap)
                numbers |= _with_sem(f"recall.{network}.{memory}.{overlap:g}.r2", here)
            numbers |= _with_sem(f"gain.{network}.{overlap:g}", apart["gain"].sel(overlap=overlap))
            numbers[f"best_overwrite.{network}.{overlap:g}"] = [str(apart["best"].sel(overlap=overlap).item())]
            if network == "spiking":
                numbers[f"chance.{overlap:g}.r2"] = float(table["chance"].sel(overlap=overlap).mean())
        for memory in table["memory"].values.tolist():
            for name in ("new", "old", "once"):
                here = chosen[name].isel(overlap=0).sel(memory=memory)
                numbers |= _with_sem(f"rebinding.{network}.{memory}.{name}", here)
        numbers[f"crossing.{network}"], numbers[f"crossing.{network}.sem"] = crossing(chosen, network, margin)
    both = [numbers["crossing.spiking"], numbers["crossing.rate"]]
    steps = abs(np.diff(_in_steps(np.asarray(result["spiking"].to_dataset()["overlap"]), both)).item())
    return numbers | {
        "crossing.margin": margin,
        "crossing.difference": both[0] - both[1],
        "crossing.steps_apart": steps,
        "crossing.within_one_step": float(steps <= 1),
    }


def _in_steps(overlap: np.ndarray, places: Sequence[float]) -> np.ndarray:
    """Places as steps of the grid from its first overlap, between its points in proportion."""
    return np.interp(places, overlap, np.arange(len(overlap)))


def _with_sem(key: str, values: xr.DataArray) -> dict[str, float]:
    mean, sem, _ = mean_sem(values, "episode")
    return {key: float(mean), f"{key}.sem": float(sem)}


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Every episode of every memory, with the speed chosen for it."""
    rows = []
    for network, _, chosen in _networks(result):
        rows.append(chosen.to_dataframe().reset_index())
        rows[-1].insert(0, "network", network)
    return {"overwrite": pd.concat(rows)}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Projections on new and old values; recall and gain against overlap, spiking and rate in one figure."""
    margin = float(result["spiking"].attrs["margin"])
    chosen: Mapping[str, xr.Dataset] = {network: table for network, _, table in _networks(result)}
    gains = {network: parted(table, network)["gain"] for network, table in chosen.items()}
    places = {network: crossing(table, network, margin) for network, table in chosen.items()}
    return {"overwrite": overwrite(chosen, gains, places, margin)}
