"""Error correction against overwriting: rebinding, and where the two part as keys come to share synapses.

Every key is written several times under one value, and half of the keys then once more under a new one. What is read
from a reassigned key is projected on its new and its old value. Rebinding alone is no evidence for error correction: a
synapse that overwrites itself reassigns as well. Overlap tells them apart, since overwriting a shared synapse destroys
the other memory, and what is written again need not be written twice where the error is known.

Synapse models and rate rules do the same. Those in the contest are given several write speeds (rules: a grid), and the
recall of each episode is that of the speed that is best on all others, so that nothing loses by its settings. Beside
them, at one speed, error correction without its feedback (the interneurons' inhibition) is the causal test.

Error correction and overwriting part at the crossing: the least overlap at which the mean recall R^2 of error
correction is above that of the best per-synapse overwrite by a margin. In rate networks this gain is .01 for nearly
separate keys and .12 to .14 where keys share two fifths of their cells; the margin, .075, lies halfway, where the gain
rises fastest and its place is best determined. As any margin is a choice, crossings at others are reported.
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
from brian2 import nS
from matplotlib.figure import Figure

from neurofwp import metrics
from neurofwp.errors import InputError
from neurofwp.metrics import crossing, jackknife
from neurofwp.metrics.reassignment import projections
from neurofwp.plots.averages import mean_sem
from neurofwp.plots.overwrite import overwrite
from neurofwp.rate import RateNetwork
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking import conditions
from neurofwp.spiking.jobs import Job, start
from neurofwp.synapses.write_speed import at_speed
from neurofwp.tasks import digit_pairs
from neurofwp.trace import of_condition
from neurofwp.transforms.selection import keep_most_varied, without_silent_cells

# in the contest
CORRECTING = {"spiking": "error-correcting", "rate": "delta"}
ALONE = {"spiking": ("thresholds", "soft-bound", "omega", "btsp-network"), "rate": ("outstar", "soft_bound")}
WITHOUT = "error-correcting, no feedback"
OTHERS = (WITHOUT, "additive", "decay")  # as they are
OTHER_MARGINS = (0.05, 0.1, 0.15)
SCORED = ("r2", "reassigned_r2", "new", "old", "once")


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
    reassign: float = 0.5
    """Share of the keys that are then written again with new values."""
    overlap: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    """Share of active cells that two keys have in common on average; rebinding is shown at the first."""
    margin: float = 0.075
    """By how much R^2 must be higher for error correction and overwriting to have parted."""
    speeds: tuple[float, ...] = (1.0, 0.25)
    """Write speeds of the synapses in the contest, relative to their model files."""
    pixels: int = 4
    """How many pixels the values have: those that differ most between digits."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
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
    with start(jobs, folder=folder) as trace:
        rate = {rule: _rate(rule, programs, device) for rule in candidates()}
        spiking = {job.name: _spiking(trace(job.name), shown) for job in jobs}
    overlap = xr.DataArray(list(settings.overlap), dims="overlap", name="overlap", attrs={"units": "1"})
    tree = {}
    for network, made, at in (("spiking", spiking, shown), ("rate", rate, programs)):
        memories = xr.DataArray(list(made), dims="memory", name="memory")
        table = xr.concat(list(made.values()), dim=memories, join="outer").assign_coords(overlap=overlap)
        for name, of in (("chance", None), ("reassigned_chance", "reassigned")):
            each = [metrics.chance_r2(program, by="episode", where=program[of] if of else None) for program in at]
            table[name] = xr.concat(each, dim=overlap).assign_attrs(units="1")
        tree[f"/{network}"] = table.assign_attrs(margin=settings.margin)
    return xr.DataTree.from_dict(tree)


def _check(settings: Settings) -> None:
    if not settings.overlap or any(later <= former for former, later in pairwise(settings.overlap)):
        raise InputError(f"overlap must have one number or more, and rise, but is {settings.overlap}")
    if min(settings.episodes, settings.rate_episodes) < 2:
        raise InputError("episodes and rate_episodes must be 2 or more: a speed is chosen on the other episodes")
    if settings.rate_episodes < settings.episodes:
        raise InputError(f"rate_episodes must be episodes ({settings.episodes}) or more, not {settings.rate_episodes}")
    if round(settings.reassign * settings.pairs) < 1:
        raise InputError(f"reassign must leave one of the {settings.pairs} keys or more to be bound anew")
    if not settings.speeds or min(settings.speeds) <= 0:
        raise InputError(f"speeds must have one number above 0 or more, but are {settings.speeds}")


def _program(settings: Settings, episodes: int, overlap: float, seed: int) -> xr.Dataset:
    task = digit_pairs(settings.pairs, episodes, reassign=settings.reassign, repeats=settings.repeats, seed=seed)
    return keep_most_varied(FixedEncoder(seed=seed, overlap=overlap)(task), settings.pixels)


def _job(name: str, programs: Sequence[xr.Dataset], settings: Settings, seed: int) -> Job:
    """One network whose conditions are all overlaps and speeds, the last fastest."""
    in_contest = name in (CORRECTING["spiking"], *ALONE["spiking"])
    speeds = np.array(settings.speeds if in_contest else (1.0,))
    program = xr.concat([program for program in programs for _ in speeds], dim="condition", combine_attrs="override")
    synapse = CORRECTING["spiking"] if name == WITHOUT else name
    network: dict[str, Any] = {"synapse": synapse, "backend": settings.backend}
    if name == WITHOUT:
        network["parameters"] = {"g_gaba": 0 * nS}
    slow = at_speed(name, np.tile(speeds, len(programs))) if in_contest and len(speeds) > 1 else {}
    own = conditions.from_quantities(**slow) if slow else None
    return Job(name, without_silent_cells(program), network, seed=seed, conditions=own)


def _spiking(trace: xr.Dataset, programs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Scores (overlap, setting, episode) of one network."""
    speeds = trace.sizes["condition"] // len(programs)
    every = trace[["weight", "recall"]]
    rows = [
        [_scored(program, of_condition(every, number * speeds + speed)) for speed in range(speeds)]
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
                rule, parameters=each, on_off=True, bounds=(0, np.inf), device=device, dtype=torch.float32
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
    """Recall of the last values, of all keys and of those bound anew, (episode), and `rebinding.projections`."""
    return projections(program, trace).assign(
        r2=metrics.recall_r2(program, trace, by="episode"),
        reassigned_r2=metrics.recall_r2(program, trace, by="episode", where=program["reassigned"]),
    )


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


def parting(chosen: xr.Dataset, network: str, margin: float) -> tuple[float, float]:
    """The overlap at which the mean gain first reaches the margin, and its jackknife error over episodes.

    Both as `crossings.crossing` and `crossings.jackknife`: NaN where it never does, and an error of NaN if it does not
    without any one of the episodes.
    """

    def place(some: xr.Dataset) -> float:
        gain = parted(some, network)["gain"].mean("episode")
        return crossing(gain["overlap"], gain, margin)

    return jackknife(chosen, "episode", place)


def _networks(result: xr.DataTree) -> Iterator[tuple[str, xr.Dataset, xr.Dataset]]:
    for network in CORRECTING:
        table = result[network].to_dataset()
        yield network, table, reported(table)


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Recall, projections, and where error correction and overwriting part; means over episodes with .sem.

    Keys: recall.<network>.<memory>.<overlap>.r2 and chance.<overlap>.r2; rebinding.<network>.<memory>.{r2, new, old,
    once} at the first overlap, of keys bound anew (once: of the others), and rebinding.chance.r2; gain.<network>.
    <overlap>, of error correction over the best overwrite, best_overwrite.* its name (a list). crossing.<network>,
    crossing.margin, crossing.difference (spiking minus rate; its .sem as of independent ones) and
    crossing.steps_apart, its size in steps of the grid of overlaps; crossing.within_one_step is 1 if that is at most
    1, else 0. crossing.at_margin.<margin>.{spiking, rate, steps_apart} for other margins. A crossing
    that there is not is NaN, and so is what is made of it.
    """
    numbers: dict[str, Any] = {}
    margin = float(result["spiking"].attrs["margin"])
    grid = np.asarray(result["spiking"].to_dataset()["overlap"])
    by_network = {network: chosen for network, _, chosen in _networks(result)}
    for network, table, chosen in _networks(result):
        apart = parted(chosen, network)
        for overlap in grid.tolist():
            for memory in table["memory"].values.tolist():
                here = chosen["r2"].sel(memory=memory, overlap=overlap)
                numbers |= _with_sem(f"recall.{network}.{memory}.{overlap:g}.r2", here)
            numbers |= _with_sem(f"gain.{network}.{overlap:g}", apart["gain"].sel(overlap=overlap))
            numbers[f"best_overwrite.{network}.{overlap:g}"] = [str(apart["best"].sel(overlap=overlap).item())]
        for memory in table["memory"].values.tolist():
            for key, name in {"r2": "reassigned_r2", "new": "new", "old": "old", "once": "once"}.items():
                here = chosen[name].isel(overlap=0).sel(memory=memory)
                numbers |= _with_sem(f"rebinding.{network}.{memory}.{key}", here)
    chance = result["spiking"].to_dataset()[["chance", "reassigned_chance"]].mean("episode")
    numbers |= {f"chance.{overlap:g}.r2": float(chance["chance"].sel(overlap=overlap)) for overlap in grid}
    numbers["rebinding.chance.r2"] = float(chance["reassigned_chance"][0])
    places = {network: parting(chosen, network, margin) for network, chosen in by_network.items()}
    for network, (place, error) in places.items():
        numbers |= {f"crossing.{network}": place, f"crossing.{network}.sem": error}
    steps = _steps_apart(grid, [place for place, _ in places.values()])
    numbers |= {
        "crossing.margin": margin,
        "crossing.difference": places["spiking"][0] - places["rate"][0],
        "crossing.difference.sem": float(np.hypot(places["spiking"][1], places["rate"][1])),
        "crossing.steps_apart": steps,
        "crossing.within_one_step": float(steps <= 1),
    }
    for other in OTHER_MARGINS:
        there = {network: parting(chosen, network, other)[0] for network, chosen in by_network.items()}
        there["steps_apart"] = _steps_apart(grid, list(there.values()))
        numbers |= {f"crossing.at_margin.{other:g}.{key}": value for key, value in there.items()}
    return numbers


def _steps_apart(overlap: np.ndarray, places: Sequence[float]) -> float:
    """How far two places are apart in steps of the grid, between its points in proportion."""
    first, second = np.interp(places, overlap, np.arange(len(overlap)))
    return float(abs(first - second))


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
    places = {network: parting(table, network, margin) for network, table in chosen.items()}
    return {"overwrite": overwrite(chosen, gains, places, margin, result["spiking"].to_dataset()["chance"])}
