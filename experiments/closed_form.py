"""Two-threshold synapses against their closed form: pairs of spikes at all intervals, simulated and calculated.

The closed form of Graupner & Brunel (2012, PNAS 109:3991) leaves out the bistable term while a protocol lasts. So each
set of parameters is simulated without it, which has to agree within standard errors, and with it, which tells what the
closed form neglects. Both simulations have the same noise: their difference is one of the same synapses, and much more
certain than either mean. A standard error of the simulation is that of as many independent synapses with the closed
form's probabilities, so that it is right also where none of them has changed its state. Delays are those published, to
a time step of 0.1 ms; beyond that events have no time step.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import b2, np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.synapses.model import SynapseModel

STEP = 0.2  # ms
WITHIN = 2.0  # standard errors

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    sets: tuple[str, ...] = (
        "dp-curve",
        "dpd",
        "dpd-prime",
        "p-curve",
        "d-curve",
        "d-prime",
        "hippocampal-slice",
        "hippocampal-culture",
        "cortical-slice",
    )
    """Sets of parameters: synapse models called graupner-brunel-SET."""
    intervals: tuple[float, ...] = (*range(-60, 61, 10), -25, -15, -5, 5, 15, 25)
    """t_post - t_pre, ms."""
    pairs: int = 60
    """Pairs of spikes, at 1 Hz."""
    repeats: int = 300
    """Synapses of either stable state, for every interval."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate all sets with and without the bistable term, and calculate their closed form.

    Raises
    ------
    InputError
        for an unknown set, one without the bistable term, no set or interval, or fewer than two repeats.
    """

    if not settings.sets or not settings.intervals:
        raise InputError("give one or more sets and intervals")
    if settings.repeats < 2:
        raise InputError(f"a standard error needs repeats of 2 or more, not {settings.repeats}")
    intervals = tuple(sorted(set(map(float, settings.intervals))))
    settings = replace(settings, sets=tuple(dict.fromkeys(settings.sets)), intervals=intervals)
    for name in settings.sets:
        load_set(name, bistable=0)
    seeds = np.random.SeedSequence(seed).generate_state(len(settings.sets)).tolist()
    cases = {
        f"{name}-{term}": (settings, name, term, own)
        for name, own in zip(settings.sets, seeds, strict=True)
        for term in (0, 1)
    }
    weights = list(parallel_map(final_weights, cases, folder=folder, description="simulating").values())
    pairs = xr.concat(
        [compare(settings, name, *weights[2 * index : 2 * index + 2]) for index, name in enumerate(settings.sets)],
        dim=xr.DataArray(list(settings.sets), dims="set", name="set"),
    )
    pairs["dt"].attrs |= {"long_name": "t_post − t_pre", "units": "ms"}
    result = xr.DataTree.from_dict({"/pairs": pairs.assign_attrs(pairs=settings.pairs, repeats=settings.repeats)})
    agreement = tables(result)["summary"]
    within, points = 100 * agreement["within_2_standard_errors"], agreement["points"]
    log.info("%.1f %% of %d points within 2 standard errors", within, points)
    return result


def load_set(name: str, *, bistable: int) -> SynapseModel:
    """A set with its delay on the grid of time steps, and with its bistable term on (1) or off (0)."""
    model = nf.synapses.load(f"graupner-brunel-{name}")
    if "bistable" not in model.values:
        raise InputError(f"{model.name} has no bistable term to switch on and off: choose another set")
    delay = round(float(model.values["pre_delay"] / b2.ms) / STEP) * STEP * b2.ms
    return replace(model, values=model.values | {"pre_delay": delay, "bistable": bistable})


def final_weights(settings: Settings, name: str, bistable: int, seed: int) -> np.ndarray:
    """Weights (nS) that synapses come to long after the pairs: (interval, state before, repeat)."""
    model = load_set(name, bistable=bistable)
    every = [
        replace(protocol, name=f"{protocol.name} from {weight}", initial=float(weight / b2.nS))
        for protocol in nf.laboratory.kinds.spike_timing(settings.intervals, pairs=settings.pairs)
        for weight, _ in model.population
    ]
    laboratory = nf.laboratory.Laboratory(model, step=STEP * b2.ms, backend=settings.backend)
    done = laboratory.run(every, repeats=settings.repeats, seed=seed)
    return model.settle(done["after"].values).reshape(len(settings.intervals), -1, settings.repeats)


def compare(settings: Settings, name: str, off: np.ndarray, on: np.ndarray) -> xr.Dataset:
    """Mean weights after the pairs relative to before: simulated (`off`, `on`: of `final_weights`) and in closed form.

    Returns
    -------
    Over ``dt``: ``exact``; ``off`` and ``on``, simulated without and with the bistable term, and their standard error
    ``sem``; ``difference``, on less off, and its standard error ``difference_sem``. Over ``at``, every ms: ``curve``,
    the closed form again.
    """
    model = load_set(name, bistable=0)
    weight, share = (np.array(column, dtype=float) for column in zip(*model.population, strict=True))
    part = share / (weight / 1e-9 @ share)
    at = np.arange(settings.intervals[0], settings.intervals[-1] + 0.5)
    spike_timing = nf.laboratory.kinds.spike_timing
    exact, curve = (
        [nf.theory.exact_change(model, protocol) for protocol in spike_timing(dts, pairs=settings.pairs)]
        for dts in (settings.intervals, at.tolist())
    )
    switching = np.array([(each.up, each.down) for each in exact])
    variance = switching * (1 - switching) * np.ptp(weight / 1e-9) ** 2 / settings.repeats
    apart = on - off
    columns = {
        "exact": np.array([each.ratio for each in exact]),
        "off": off.mean(-1) @ part,
        "on": on.mean(-1) @ part,
        "sem": np.sqrt(variance @ part**2),
        "difference": apart.mean(-1) @ part,
        "difference_sem": np.sqrt(apart.var(-1, ddof=1) / settings.repeats @ part**2),
    }
    unit = {"units": "1"}
    made = xr.Dataset({column: ("dt", values, unit) for column, values in columns.items()})
    made["curve"] = ("at", np.array([each.ratio for each in curve]), unit)
    return made.assign_coords(dt=list(settings.intervals), at=("at", at, {"units": "ms"}))


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """How many points agree and what the bistable term changes: of all points, of each set, and at each point.

    ``within_2_standard_errors`` is .954 and ``mean_z2`` 1 where all deviations of the simulation without the bistable
    term from the closed form are chance. ``difference`` is what the bistable term changes; of a set, the largest, and
    where it is.
    """
    data = result["pairs"].to_dataset().drop_dims("at")
    z = z_score(data)
    largest = data.isel(dt=abs(data["difference"]).argmax("dt"))
    one = {"units": "1"}
    overall = xr.Dataset(
        {
            "points": z.count(),
            "within_2_standard_errors": (abs(z) <= WITHIN).mean(),
            "largest_z": abs(z).max(),
            "mean_z2": (z**2).mean(),
            "largest_difference": abs(data["difference"]).max(),
        }
    )
    sets = xr.Dataset(
        {
            "within_2_standard_errors": (abs(z) <= WITHIN).mean("dt"),
            "largest_error": abs(data["off"] - data["exact"]).max("dt"),
            "largest_difference": largest["difference"].drop_vars("dt"),
            "largest_difference_sem": largest["difference_sem"].drop_vars("dt"),
            "largest_difference_dt": largest["dt"].drop_vars("dt"),
        }
    )
    for variable in (*overall.data_vars.values(), *sets.data_vars.values()):
        variable.attrs = dict(one)
    sets["largest_difference_dt"].attrs = {"units": "ms"}
    return {"summary": overall, "sets": sets, "pairs": data.assign(z=z.assign_attrs(one))}


def z_score(data: xr.Dataset) -> xr.DataArray:
    """Simulated less closed form, in standard errors; 0 where both are certain."""
    apart, sem = data["off"] - data["exact"], data["sem"]
    z: xr.DataArray = xr.where(abs(apart) < 1e-9, 0.0, apart / xr.where(sem > 0, sem, 1e-30))
    return z


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Every set: the closed form as a line, simulations as points."""
    return {"closed_form": nf.plots.closed_form(result["pairs"].to_dataset())}


EXPERIMENT = Experiment(Settings, run, tables, plot)
