"""Laboratory protocols on one synapse model, beside what was measured.

Without data the model goes through the protocols that its equations can respond to. With a file of measurements it
goes through theirs, and every point has its z, (model - mean)/SEM; chi^2 per point is the mean of z^2. The noise left
in the mean of a noisy model is part of it: summary.json says how much, as simulation noise per point. Protocols of
similar duration run side by side in one simulation, so that short ones do not wait for long ones, and simulations run
one per core. Different points with the same protocol are one simulation.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import processes
from neurofwp.errors import InputError
from neurofwp.plots.protocols import comparison, curves
from neurofwp.protocols import kinds, measurements
from neurofwp.protocols.laboratory import Laboratory
from neurofwp.protocols.measurements import Measurement
from neurofwp.protocols.protocol import Protocol
from neurofwp.synapses.model import SynapseModel, load

Kind = Literal[
    "spike-timing",
    "pairing-frequency",
    "triplets",
    "quadruplets",
    "voltage-pairing",
    "presynaptic-frequency",
    "poisson",
    "plateau-induction",
    "calcium-series",
]

MAKE: dict[Kind, Callable[[int], list[Protocol]]] = {
    "spike-timing": lambda seed: kinds.spike_timing(),
    "pairing-frequency": lambda seed: kinds.pairing_frequency(),
    "triplets": lambda seed: kinds.triplets(),
    "quadruplets": lambda seed: kinds.quadruplets(),
    "voltage-pairing": lambda seed: kinds.voltage_pairing(),
    "presynaptic-frequency": lambda seed: kinds.presynaptic_frequency(),
    "poisson": lambda seed: kinds.poisson(seed=seed),
    "plateau-induction": lambda seed: kinds.plateau_induction(),
    "calcium-series": lambda seed: kinds.calcium_series(),
}

# The variable of the postsynaptic cell without which a model does not respond to a kind of protocol.
NEEDS: dict[Kind, str] = {
    "voltage-pairing": "v_dendrite",
    "plateau-induction": "plateau",
    "calcium-series": "calcium_outside",
}

# What a curve is drawn against, and what tells curves apart; triplets have no curve.
AXES: dict[Kind, tuple[str, str | None]] = {
    "spike-timing": ("dt", None),
    "pairing-frequency": ("frequency", "dt"),
    "quadruplets": ("interval", None),
    "voltage-pairing": ("voltage", None),
    "presynaptic-frequency": ("frequency", None),
    "poisson": ("pre_rate", "post_rate"),
    "plateau-induction": ("delay", "initial"),
    "calcium-series": ("calcium", "dt"),
}

NOISE = {"xi", "randn", "rand", "poisson"}  # in the code of a model: Brian2's sources of it

LONGER = 2.0  # times the shortest: the longest protocol of a group

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    model: str = "graupner-brunel-cortical-slice"
    """Synapse model: one of `neurofwp list`, or a TOML file."""
    data: Path | None = None
    """Measurements: a CSV file with the columns of paired_recordings.csv, or the name of one that comes along."""
    protocols: tuple[Kind, ...] = ()
    """Without data, what to do; by default everything that the model can respond to."""
    repeats: int | None = None
    """How often each protocol is done, with other noise; by default once, or 100 times where the model has noise."""
    target: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Do all protocols.

    Raises
    ------
    InputError
        for an unknown model or protocol, a file of measurements with a mistake, or a synapse without a weight to begin
        with.
    """
    model = load(settings.model)
    if settings.repeats is None:
        settings = replace(settings, repeats=100 if _words(model) & NOISE else 1)
    if settings.data is not None:
        if settings.protocols:
            raise InputError("with data its protocols are done: leave out either data or protocols")
        measured = measurements.read(settings.data)
        protocols, names = [one.protocol for one in measured], ["measured"] * len(measured)
    else:
        measured = []
        made = {kind: MAKE[kind](seed) for kind in settings.protocols or suited(model)}
        protocols = [protocol for several in made.values() for protocol in several]
        names = [kind for kind, several in made.items() for _ in several]
    changed = changes(settings, protocols, seed=seed)
    result = _described(protocols).assign(kind=("protocol", names), ratio=changed["ratio"], sem=changed["sem"])
    result["ratio"].attrs |= {"units": "1", "long_name": "weight after / before"}
    if measured:
        result = _scored(result, measured)
        points, chi2 = _chi2(result)
        log.info("%s: chi^2 per point %.3g over %d points", model.name, chi2, points)
    return xr.DataTree.from_dict({"/protocols": result.assign_attrs(model=model.name, repeats=settings.repeats)})


def suited(model: SynapseModel) -> list[Kind]:
    """Kinds of protocol whose means the model's equations respond to.

    Spikes of both cells suit every model but those that know plateaus and neither voltage nor postsynaptic spikes.
    """
    words = _words(model)
    words |= {word.removesuffix("_post") for word in words}
    spikes = "v_dendrite" in words or bool(model.text("spike_post") or model.text("postsynaptic_spike"))
    return [kind for kind in MAKE if (NEEDS[kind] in words if kind in NEEDS else spikes)]


def _words(model: SynapseModel) -> set[str]:
    """All names in the model's code."""
    parts = (
        *("presynaptic", "presynaptic_spike", "postsynaptic", "postsynaptic_update", "postsynaptic_spike"),
        *("synaptic", "spike", "late_spike", "spike_post"),
    )
    return set(re.findall(r"\w+", "\n".join((*map(model.text, parts), model.update))))


def changes(settings: Settings, protocols: Sequence[Protocol], *, seed: int) -> xr.Dataset:
    """``ratio`` and ``sem`` (protocol) of each protocol, as of `Laboratory.change`, from simulations in parallel."""
    means = {protocol.name: replace(protocol, name="", coordinates={}) for protocol in protocols}
    first = {repr(same): name for name, same in reversed(means.items())}
    unique = [protocol for protocol in protocols if protocol.name in first.values()]
    groups = grouped(unique)
    seeds = np.random.SeedSequence(seed).generate_state(len(groups)).tolist()
    log.info("%d protocols in %d simulations", len(unique), len(groups))
    with processes.pool(processes.at_a_time(len(groups))) as pool:
        done = list(pool.map(_change, [settings] * len(groups), groups, seeds))
    found = xr.concat([each[["ratio", "sem"]].reset_coords(drop=True) for each in done], dim="protocol")
    every = found.sel(protocol=[first[repr(same)] for same in means.values()])
    return every.assign_coords(protocol=list(means))


def _change(settings: Settings, protocols: Sequence[Protocol], seed: int) -> xr.Dataset:
    laboratory = Laboratory(settings.model, target=settings.target)
    return laboratory.change(protocols, repeats=settings.repeats or 1, seed=seed)


def grouped(protocols: Sequence[Protocol]) -> list[list[Protocol]]:
    """Protocols whose durations differ by less than a factor, `LONGER`, together; the longest group first."""
    groups: list[list[Protocol]] = []
    for protocol in sorted(protocols, key=lambda protocol: -protocol.duration):
        if groups and groups[-1][0].duration < LONGER * protocol.duration:
            groups[-1].append(protocol)
        else:
            groups.append([protocol])
    return groups


def _described(protocols: Sequence[Protocol]) -> xr.Dataset:
    """Names and coordinates, with what they mean."""
    names = dict.fromkeys(name for protocol in protocols for name in protocol.coordinates)
    coords = {"protocol": ("protocol", [protocol.name for protocol in protocols])}
    described = xr.Dataset(coords=coords)
    for name in names:
        meaning, unit = kinds.COORDINATES[name]
        values = [float(protocol.coordinates.get(name, math.nan)) for protocol in protocols]
        described = described.assign_coords({name: ("protocol", values, {"long_name": meaning, "units": unit})})
    return described


def _scored(result: xr.Dataset, measured: Sequence[Measurement]) -> xr.Dataset:
    """The result with the measurements beside the model, and z."""
    one = {"units": "1"}
    columns = {
        "study": ([each.study for each in measured], {}),
        "pathway": ([each.pathway for each in measured], {}),
        "measured": ([each.ratio for each in measured], one),
        "measured_sem": ([each.sem for each in measured], one),
        "n": ([math.nan if each.n is None else float(each.n) for each in measured], one),
    }
    result = result.assign({name: ("protocol", values, attrs) for name, (values, attrs) in columns.items()})
    result["z"] = ((result["ratio"] - result["measured"]) / result["measured_sem"]).assign_attrs(one)
    return result


def _chi2(result: xr.Dataset) -> tuple[int, float]:
    """Points that have a standard error, and the mean of their z^2; NaN where there is none."""
    if "z" not in result:
        return 0, math.nan
    scored = result.isel(protocol=np.flatnonzero(result["measured_sem"].notnull()))
    points = scored.sizes["protocol"]
    return points, float((scored["z"] ** 2).mean(skipna=False)) if points else math.nan


def summary(result: xr.DataTree) -> dict[str, Any]:
    """chi^2 per point and number of points: of all, and of each study where there are several."""
    data = result["protocols"].to_dataset()
    points, chi2 = _chi2(data)
    numbers: dict[str, Any] = {"chi2_per_point": chi2, "points": points}
    if "measured" in data:
        noise = (data["sem"] / data["measured_sem"]) ** 2
        numbers["simulation_noise_per_point"] = float(noise.mean()) if noise.notnull().any() else math.nan
    studies = dict.fromkeys(data["study"].values.tolist()) if "study" in data else {}
    if len(studies) > 1:
        for study in studies:
            points, chi2 = _chi2(data.isel(protocol=np.flatnonzero(data["study"] == study)))
            numbers |= {f"{study}.chi2_per_point": chi2, f"{study}.points": points}
    return numbers


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """One row per protocol: what it was, measured with SEM and n where there are data, the model, and z."""
    data = result["protocols"].to_dataset()
    columns = ("study", "kind", *kinds.COORDINATES, "measured", "measured_sem", "n", "ratio", "sem", "z")
    named: Mapping[str, str] = {"ratio": "model", "sem": "model_sem"}
    table = {"protocol": data["protocol"].values} | {
        named.get(name, name): data[name].values for name in columns if name in data.variables
    }
    made = pd.DataFrame(table)
    if "n" in made:
        made["n"] = made["n"].astype("Int64")
    return {"table": made}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """A curve of each kind of protocol or measured series; all protocols in rows where there is no curve, or data."""
    data = result["protocols"].to_dataset()
    if "measured" in data:
        return _measured_figures(data)
    figures: dict[str, Figure] = {}
    for kind in dict.fromkeys(data["kind"].values.tolist()):
        own = data.isel(protocol=np.flatnonzero(data["kind"] == kind))
        name = kind.replace("-", "_")
        figures[name] = curves(own, *AXES[kind]) if kind in AXES else comparison(own)
    return figures


def _measured_figures(data: xr.Dataset) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for x, by in (("dt", "frequency"), ("frequency", "dt")):
        own = _series(data, x, by)
        if own.sizes["protocol"]:
            figures[f"ratio_against_{x}"] = curves(own, x, by)
    figures["comparison"] = comparison(data)
    return figures


def _series(data: xr.Dataset, x: str, by: str) -> xr.Dataset:
    """The protocols of series with three or more different `x`, all else that is known about them being the same."""
    if x not in data.variables:
        return data.isel(protocol=[])
    others = [name for name in (*kinds.COORDINATES, "study", "pathway") if name != x and name in data.variables]
    table = data[[*others, x]].to_dataframe().reset_index(drop=True)
    table = table[table[x].notna()]
    distinct = table.groupby(others, dropna=False)[x].transform("nunique")
    return data.isel(protocol=table.index[distinct >= 3].to_numpy())
