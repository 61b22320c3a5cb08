"""Which rule, over receptor turnover and feedback inhibition: the map of a synapse's rules.

One synapse model in one circuit, with two of its parameters varied: the time constant of constitutive receptor
turnover, from a fraction of an episode to far beyond it, and the gain of feedback inhibition, from none, where the
dendrite knows nothing of the soma's answer, to more than the model has. At every point the same Programs run twice,
with other spikes, and every rule is fitted to half of the episodes and judged on the other half. Resamples of the
judged episodes vote, each for the simplest of the rules that predict its weights alike: a point's colour is the rule
with most votes, its opacity their share.

A row of the map, all turnovers at one gain, is one simulation and its fits, and is kept as soon as it is finished: the
same run in the same folder resumes there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import b2, np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUNS = 2  # of the same Programs: what repeats is the noise ceiling
DECIDED = ("rule", "class")  # verdicts that name rules
FITTED = ["r2", "feve", "low", "high", "best", "verdict", "n_parameters", "noise_ceiling"]
TIE = 2e-3  # of FEVE, within which a map names the simpler rule


@dataclass(frozen=True)
class Settings:
    """What to run."""

    synapse: str = "error-correcting"
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
    check(settings)
    task = nf.tasks.digit_pairs(settings.pairs, settings.episodes, reassign=settings.reassign, seed=seed)
    encoder = nf.slownet.FixedEncoder(pre=100, active=10, seed=seed, overlap=settings.overlap)
    program = nf.transforms.selection.keep_most_varied(encoder(task), settings.pixels)
    program = nf.transforms.selection.without_silent_cells(program)
    network = nf.SpikingNetwork(settings.synapse, backend=settings.backend)
    config = network.config()  # of a model in a file of its own, the name does not say what is in it
    seeds = np.random.SeedSequence(seed).generate_state(len(settings.gain)).tolist()
    cases = {
        f"gain-{gain:g}": (program, settings.turnover, gain, settings.synapse, settings.backend, own, device, config)
        for gain, own in zip(settings.gain, seeds, strict=True)
    }
    rows = parallel_map(fit_row, cases, folder=folder, description="rows of the map")
    gains = xr.DataArray(list(settings.gain), dims="gain", name="gain")
    table = xr.concat(list(rows.values()), dim=gains, combine_attrs="drop")
    lasts = (program["duration"].isel(episode=0) + float(network.circuit["pause"] / b2.ms)).sum() / 1000
    table.attrs = {"synapse_model": settings.synapse, "duration": float(lasts)}
    table["turnover"].attrs = {"units": "s", "long_name": "time constant of receptor turnover"}
    table["gain"].attrs = {"units": "1", "long_name": "feedback inhibition / that of the model"}
    return xr.DataTree.from_dict({"/program": program, "/map": table})


def check(settings: Settings) -> None:
    if settings.episodes < 4:
        raise InputError("episodes must be 4 or more: rules are fitted to one half and judged on the other")
    for name in ("turnover", "gain"):
        values = getattr(settings, name)
        if not values or values[0] < 0 or any(later <= former for former, later in pairwise(values)):
            raise InputError(f"{name} must have one number or more, from 0 on and rising, but is {values}")


def fit_row(
    program: xr.Dataset,
    turnover: Sequence[float],
    gain: float,
    model: str,
    backend: str,
    seed: int,
    device: str,
    config: dict[str, Any],
) -> xr.Dataset:
    """All points of one gain (turnover): one network, whose conditions are turnovers and runs, then fits."""
    from neurofwp.runtime import provenance  # takes 20 ms to import, and settings are to be read at once

    of_conditions = nf.spiking.conditions
    every = of_conditions.from_quantities(
        tau_turnover=np.repeat(turnover, RUNS) * b2.second,
        seed=of_conditions.seeds_of_runs(seed, RUNS) * len(turnover),
    )
    feedback = {"g_gaba": gain * nf.SpikingNetwork(model).circuit["g_gaba"]}
    network = nf.SpikingNetwork(model, parameters=feedback, backend=backend)
    trace = network.run(program, seed=seed, conditions=every)
    runs = [nf.trace.of_condition(trace, number) for number in range(trace.sizes["condition"])]
    points = [fit_point(program, runs[first : first + RUNS], seed, device) for first in range(0, len(runs), RUNS)]
    row = xr.concat(points, dim=xr.DataArray(list(turnover), dims="turnover", name="turnover"), combine_attrs="drop")
    return provenance.stamp(row, config=config | {"gain": gain}, seed=seed)


def fit_point(program: xr.Dataset, runs: Sequence[xr.Dataset], seed: int, device: str) -> xr.Dataset:
    """Fits at one point of the map, from both runs, and recall there: mean over runs, SEM over episodes."""
    one, other = runs
    fits = nf.identification.identify(
        program, one, repeat=other, restarts=4, seed=seed, device=device, references=False, progress=False
    )
    whole = [nf.metrics.recall_r2(program, run) for run in runs]
    each = xr.concat([nf.metrics.recall_r2(program, run, by="episode") for run in runs], dim="run").mean("run")
    recall = {"recall": xr.concat(whole, dim="run").mean("run"), "recall_sem": nf.metrics.average(each, "episode").sem}
    return fits[FITTED].assign({name: number.assign_attrs(units="1") for name, number in recall.items()})


def winners(table: xr.Dataset) -> xr.DataArray:
    """The rule of every point (gain, turnover): of those within `TIE` of the best, the one with fewest parameters."""
    close = table["feve"] >= table["feve"].max("rule") - TIE
    return table["n_parameters"].where(close).idxmin("rule").transpose("gain", "turnover")


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Every point of the map (gain, turnover), every rule there, and how many points each rule has.

    ``rule`` of a point is the simplest of those that predict best, ``feve`` the fraction of explainable variance that
    it explains,
    ``best`` the rules that are not worse, and ``verdict`` what that comes to. ``decided``: points whose verdict is a
    rule, or a class of rules that predict the same.
    """
    table = result["map"].to_dataset()
    names = winners(table)
    won = table[["feve"]].sel(rule=names)
    best = xr.apply_ufunc(
        lambda chosen: " or ".join(table["rule"].values[chosen]), table["best"],
        input_core_dims=[["rule"]], vectorize=True, output_dtypes=[object],
    )  # fmt: skip
    points = won.drop_vars("rule").assign(table[["verdict", "noise_ceiling", "recall", "recall_sem"]])
    unit = {"units": "1"}
    return {
        "summary": xr.Dataset({"decided": table["verdict"].isin(DECIDED).sum().assign_attrs(unit)}),
        "map": points.assign(rule=names.drop_vars("rule", errors="ignore"), best=best.astype(str)),
        "rules": table.drop_vars(["verdict", "n_parameters", "noise_ceiling", "recall", "recall_sem"]).assign(
            best=table["best"].astype(float)
        ),
        "points": xr.Dataset({"count": (names == table["rule"]).sum(("gain", "turnover")).assign_attrs(unit)}),
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """The map of rules, and that of recall."""
    table = result["map"].to_dataset()
    return {"phase_diagram": nf.plots.phase_diagram(table, winners(table))}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
