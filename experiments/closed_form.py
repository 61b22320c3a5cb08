"""Two calcium thresholds: simulated synapses beside the closed form, with and without their bistable term.

The published sets of Graupner & Brunel (2012, PNAS 109:3991), pairs of spikes at one frequency, one interval after the
other. Synapses are simulated event by event with their noise, in the laboratory, as many as it takes to know their mean
change; the closed form carries mean and variance of the efficacy exactly through the bands of calcium, without the
bistable term. That term is what the closed form leaves out: it is simulated as well, and the difference is reported.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import processes
from neurofwp.errors import InputError
from neurofwp.plots.closed_form import closed_form
from neurofwp.protocols import graupner_brunel, kinds
from neurofwp.protocols.laboratory import Laboratory
from neurofwp.protocols.protocol import Protocol
from neurofwp.synapses.model import SynapseModel, load

RARE = 5  # below this a normal distribution does not describe a count

log = logging.getLogger("neurofwp")

SETS = ("dp-curve", "dpd", "dpd-prime", "p-curve", "d-curve", "d-prime", "hippocampal-slice", "hippocampal-culture",
        "cortical-slice")  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What to run."""

    sets: tuple[str, ...] = SETS
    """Published sets: models graupner-brunel-SET."""
    dts: tuple[float, ...] = tuple(range(-60, 61, 10))
    """Intervals t_post - t_pre, ms."""
    frequency: float = 1.0
    """Pairs per second."""
    pairs: int = 60
    """Pairs."""
    repeats: int = 1000
    """Synapses in each state before, for every interval."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate all sets without and with the bistable term.

    Raises
    ------
    InputError
        for a set that there is not, or fewer than two repeats.
    """
    if settings.repeats < 2:
        raise InputError(f"standard errors need 2 repeats or more, not {settings.repeats}")
    for name in settings.sets:
        load(f"graupner-brunel-{name}")
    cases = [(name, bistable) for name in settings.sets for bistable in (0, 1)]
    seeds = np.random.SeedSequence(seed).generate_state(len(cases)).tolist()
    with processes.pool(processes.at_a_time(len(cases))) as pool:
        done = list(pool.map(_simulated, [settings] * len(cases), cases, seeds))
    rows = [xr.concat(done[at : at + 2], dim=xr.DataArray([0, 1], dims="bistable", name="bistable"))
            for at in range(0, len(done), 2)]  # fmt: skip
    made = xr.concat(rows, dim=xr.DataArray(list(settings.sets), dims="set", name="set"))
    exact = [
        [_exact(load(f"graupner-brunel-{name}"), protocol, settings.repeats) for protocol in _protocols(settings)]
        for name in settings.sets
    ]
    for index, name in enumerate(("closed_form", "expected_sem", "rarest")):
        made[name] = (("set", "dt"), np.array(exact)[..., index])
    made["z"] = (made["ratio"].sel(bistable=0) - made["closed_form"]) / made["expected_sem"]
    for variable in made.variables:
        made[variable].attrs["units"] = "1"
    made["dt"].attrs |= {"units": "ms", "long_name": "t_post − t_pre"}
    return xr.DataTree.from_dict({"/changes": made})


def _protocols(settings: Settings) -> list[Protocol]:
    return kinds.spike_timing(settings.dts, frequency=settings.frequency, pairs=settings.pairs)


def _exact(model: SynapseModel, protocol: Protocol, repeats: int) -> tuple[float, float, float]:
    """Mean change in closed form, its standard error in a simulation, and how often the rarest outcome is expected.

    Every synapse ends in one of two states, so that the number of those that changed is binomial.
    """
    change = graupner_brunel.exact(model, protocol)
    low, high = (float(model.values[name]) for name in ("w0", "w1"))
    down = float(model.values["down_share"])
    variance = (down**2 * change.up * (1 - change.up) + (1 - down) ** 2 * change.down * (1 - change.down)) / repeats
    sem = (high - low) * variance**0.5 / (down * low + (1 - down) * high)
    rarest = max(min(each, 1 - each) for each in (change.up, change.down)) * repeats
    return change.ratio, sem, rarest


def _simulated(settings: Settings, case: tuple[str, int], seed: int) -> xr.Dataset:
    """``ratio`` and ``sem`` (dt) of one set."""
    name, bistable = case
    laboratory = Laboratory(f"graupner-brunel-{name}", {"bistable": bistable})
    done = laboratory.change(_protocols(settings), repeats=settings.repeats, seed=seed)
    log.info("%s, bistable term %s", name, "on" if bistable else "off")
    return done[["ratio", "sem"]].reset_coords(drop=True).rename(protocol="dt").assign_coords(dt=list(settings.dts))


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Share of points within 2 standard errors of the closed form, mean z^2, and what the bistable term changes.

    Points at which fewer than `RARE` synapses of either state are expected to do what is rarer are not counted.

    Keys: within_2_se, mean_z2, points, largest_error_of_others; <set>.within_2_se; <set>.bistable_difference, the
    largest difference with the term on and off, and <set>.bistable_difference_sem, its standard error.
    """
    data = result["changes"].to_dataset()
    counted = data["rarest"] >= RARE
    z = data["z"].where(counted)
    numbers: dict[str, Any] = {
        "within_2_se": float((abs(z) <= 2).where(counted).mean()),
        "mean_z2": float((z**2).mean()),
        "points": int(counted.sum()),
        "largest_error_of_others": float(
            abs(data["ratio"].sel(bistable=0) - data["closed_form"]).where(~counted).max().fillna(0)
        ),
    }
    for name in data["set"].values.tolist():
        own = data.sel(set=name)
        apart = own["ratio"].sel(bistable=1) - own["ratio"].sel(bistable=0)
        at = int(abs(apart.values).argmax())
        numbers[f"{name}.within_2_se"] = float((abs(own["z"]) <= 2).where(counted.sel(set=name)).mean())
        numbers[f"{name}.bistable_difference"] = float(apart[at])
        numbers[f"{name}.bistable_difference_sem"] = float(np.sqrt((own["sem"] ** 2).sum("bistable"))[at])
    return numbers


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """One row per set and interval."""
    data = result["changes"].to_dataset()
    table = data[["closed_form", "z"]].to_dataframe()
    for bistable, name in enumerate(("simulated", "simulated_bistable")):
        for column, suffix in (("ratio", ""), ("sem", "_sem")):
            table[name + suffix] = data[column].sel(bistable=bistable, drop=True).to_dataframe()[column]
    return {"table": table.reset_index()}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """All sets."""
    return {"closed_form": closed_form(result["changes"].to_dataset())}
