"""Laboratory protocols on one synapse model, beside what was measured.

Without data the model goes through the protocols that its equations can respond to. With a file of measurements it
goes through theirs, and every point has its z, (model - mean)/SEM; chi^2 per point is the mean of z^2. The noise left
in the mean of a noisy model is part of it: summary.json says how much, as simulation noise per point. Protocols of
similar duration run side by side in one simulation, so that many short ones do not wait for long ones; simulations run
one per core. Different points with the same protocol are one simulation. What voltage, calcium and weight do around a
single pair of spikes is recorded too.

A synapse that can be recorded from has a weight. Models of an empty memory, which begin at 0 nS, are therefore given
one before the protocol.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import ms, nS
from brian2.utils.logger import catch_logs
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.laboratory import kinds, measurements
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.protocol import Kind, Protocol
from neurofwp.laboratory.responses import noisy, suitable_kinds
from neurofwp.laboratory.side_by_side import changes
from neurofwp.plots.pairing import pairing_traces
from neurofwp.plots.plateau_map import plateau_map
from neurofwp.plots.protocols import protocol_comparison, protocol_curves
from neurofwp.synapses.model import SynapseModel, load
from neurofwp.synapses.stages.expression.omega import OMEGA, omega

# What a default run does lasts 150 s in the model's time at most: steps of the clock are what a simulation takes. Rarer
# pairs and longer stimulation, as in some laboratories, can be asked for in a file.
FREQUENCIES = (1, 5, 10, 20, 30, 40, 50)  # Hz
PULSES = 150

# Fine enough for a map; short protocols are cheap.
DELAYS = tuple(np.arange(-5, 5.01, 0.25).tolist())  # s
INITIALS = tuple(np.arange(0.5, 4.6, 0.5).tolist())  # nS

MAKE: dict[Kind, Callable[[int], list[Protocol]]] = {
    "spike-timing": lambda seed: kinds.spike_timing(),
    "pairing-frequency": lambda seed: kinds.pairing_frequency(FREQUENCIES),
    "triplets": lambda seed: kinds.triplets(),
    "quadruplets": lambda seed: kinds.quadruplets(),
    "voltage-pairing": lambda seed: kinds.voltage_pairing(),
    "presynaptic-frequency": lambda seed: kinds.presynaptic_frequency(pulses=PULSES),
    "poisson": lambda seed: kinds.poisson(seed=seed),
    "plateau-induction": lambda seed: kinds.plateau_induction(DELAYS, INITIALS),
    # rarer pairs leave synapses in which calcium outside matters (Chindemi et al. 2022) as they are
    "calcium-series": lambda seed: kinds.calcium_series(frequency=10),
}

# What a curve is drawn against, and what tells curves apart; triplets have no curve, plateaus have a map.
AXES: dict[Kind, tuple[str, str | None]] = {
    "spike-timing": ("dt", None),
    "pairing-frequency": ("frequency", "dt"),
    "quadruplets": ("interval", None),
    "voltage-pairing": ("voltage", None),
    "presynaptic-frequency": ("frequency", None),
    "poisson": ("pre_rate", "post_rate"),
    "calcium-series": ("calcium", "dt"),
}

EMPTY = 0.25  # nS: weight before the protocol of synapses that begin at 0; below the upper bound of every shipped model

BEFORE, TRACE = 50.0, 400.0  # ms: of a recorded trace, until its first spike, and in all

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
    initial: float | None = None
    """Weight before the protocol, nS; by default where the model finds its synapses, or 0.25 where that is 0."""
    repeats: int | None = None
    """How often each protocol is done, with other noise; by default once, or 100 times where the model has noise."""
    target: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Do all protocols; each simulation is kept in `folder` as soon as it is done, for a run that is interrupted.

    Raises
    ------
    InputError
        for an unknown model or protocol, a file of measurements with a mistake, or a seed, a weight before or a number
        of repeats that is too small.
    """
    if seed < 0:
        raise InputError(f"seed must be at least 0, not {seed}")
    model = load(settings.model)
    settings = _completed(settings, model)
    if settings.data is not None:
        if settings.protocols:
            raise InputError("with data its protocols are done: leave out either data or protocols")
        measured = measurements.read(settings.data)
        protocols, names = [one.protocol for one in measured], ["measured"] * len(measured)
    else:
        measured = []
        made = {kind: MAKE[kind](seed) for kind in settings.protocols or suitable_kinds(model)}
        if not made:
            raise InputError(
                f"{model.name} responds to neither postsynaptic spikes, voltage nor plateaus: choose what to do to it "
                f"with --protocols, from {', '.join(MAKE)}"
            )
        protocols = [protocol for several in made.values() for protocol in several]
        names = [kind for kind, several in made.items() for _ in several]
    protocols = [each if each.initial is not None else replace(each, initial=settings.initial) for each in protocols]
    # first, since it takes seconds and finds out about a bad laboratory
    pairing = traces(settings) if "spike-timing" in suitable_kinds(model) else None
    changed = changes(
        settings.model, protocols, repeats=settings.repeats or 1, seed=seed, target=settings.target, folder=folder
    )
    result = _described(protocols).assign(kind=("protocol", names), ratio=changed["ratio"], sem=changed["sem"])
    result["ratio"].attrs |= {"units": "1", "long_name": "weight after / before"}
    if measured:
        result = _scored(result, measured)
    about: dict[str, Any] = {"model": model.name, "repeats": settings.repeats}
    if settings.initial is not None:
        about["initial"] = settings.initial
    tree = {"/protocols": result.assign_attrs(about)}
    if "plateau-induction" in names:
        tree["/published_map"] = measurements.btsp_map()
    if pairing is not None:
        tree["/pairing"] = pairing
    return xr.DataTree.from_dict(tree)


def _completed(settings: Settings, model: SynapseModel) -> Settings:
    """Settings with what goes without saying for this model."""
    if settings.repeats is None:
        settings = replace(settings, repeats=100 if noisy(model) else 1)
    if settings.repeats is None or settings.repeats < 1:
        raise InputError(f"repeats must be 1 or more, not {settings.repeats}")
    if settings.initial is None and not _found(model):
        log.info("%s is empty at the beginning: protocols start at %g nS (--initial)", model.name, EMPTY)
        settings = replace(settings, initial=EMPTY)
    if settings.initial is not None and not 0 < settings.initial < math.inf:
        raise InputError(f"initial must be a weight above 0 nS, of which changes are shares, not {settings.initial:g}")
    return settings


def _found(model: SynapseModel) -> float:
    """Mean weight (nS) at which synapses are found before a protocol."""
    return sum(share * float(weight / nS) for weight, share in model.population)


def traces(settings: Settings) -> xr.Dataset:
    """What happens around one pair of spikes, in either order, without noise.

    Returns
    -------
    ``voltage`` (mV), ``weight`` (nS) and, where the model has them, ``calcium`` (1; with the model's thresholds as
    attributes) and ``omega`` (1), all (protocol, time), with time in ms from the first spike; ``pre`` and ``post``
    (protocol), the times of the spikes.
    """
    model = load(settings.model)
    initial = settings.initial or _found(model)
    protocols = [
        Protocol(name, pre=(BEFORE + pre,), post=(BEFORE + post,), period=TRACE / 1000, initial=initial)
        for name, pre, post in (("pre before post", 0.0, 10.0), ("post before pre", 10.0, 0.0))
    ]
    quiet = {"sigma": 0.0} if "sigma" in model.values else {}
    # Compiling takes longer than a few thousand steps in numpy, which warns of synapses that share a cell: none does.
    with catch_logs():
        seen = Laboratory(settings.model, parameters=quiet, target="numpy").run(protocols, record=0.5 * ms)
    made = seen.drop_vars(["before", "after", "expressed"]).assign_attrs(model=model.name)
    if quiet:
        made.attrs["noise"] = "without noise"
    made = made.assign_coords(time=(seen["time"] - BEFORE).assign_attrs(seen["time"].attrs))
    for cell in ("pre", "post"):
        moments = [getattr(protocol, cell)[0] - BEFORE for protocol in protocols]
        made = made.assign_coords({cell: ("protocol", moments, {"units": "ms"})})
    if "calcium" in made:
        made["calcium"].attrs |= {f"{name}_threshold": level for name, level in model.thresholds.items()}
        if OMEGA in model.stages:
            made["omega"] = made["calcium"].copy(data=omega(made["calcium"], model.values))
            made["omega"].attrs = {"units": "1"}
    return made


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
    """One row per protocol: measured with SEM and n where there are data, the model, z, and what the protocol was."""
    data = result["protocols"].to_dataset()
    scores = ("measured", "measured_sem", "n", "ratio", "sem", "z")
    columns = (*scores, "study", "pathway", "kind", *kinds.COORDINATES)
    named: Mapping[str, str] = {"ratio": "model", "sem": "model_sem"}
    table = {"protocol": data["protocol"].values} | {
        named.get(name, name): data[name].values for name in columns if name in data.variables
    }
    made = pd.DataFrame(table)
    if "n" in made:
        made["n"] = made["n"].astype("Int64")
        points, chi2 = _chi2(data)
        made.attrs["caption"] = f"{data.attrs['model']}: chi^2 per point {chi2:.3g} over {points} points"
    return {"table": made}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """A curve of each kind of protocol or measured series; all protocols in rows where there is no curve, or data."""
    data = result["protocols"].to_dataset()
    figures: dict[str, Figure] = {}
    if "pairing" in result.children:
        figures["pairing_traces"] = pairing_traces(result["pairing"].to_dataset())
    if "measured" in data:
        return figures | _measured_figures(data)
    for kind in dict.fromkeys(data["kind"].values.tolist()):
        own = data.isel(protocol=np.flatnonzero(data["kind"] == kind))
        name = kind.replace("-", "_")
        if kind == "plateau-induction":
            figures[name] = plateau_map(own, result["published_map"].to_dataset())
        else:
            figures[name] = protocol_curves(own, *AXES[kind]) if kind in AXES else protocol_comparison(own)
    return figures


def _measured_figures(data: xr.Dataset) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for x, by in (("dt", "frequency"), ("frequency", "dt")):
        own = _series(data, x, by)
        if own.sizes["protocol"]:
            figures[f"ratio_against_{x}"] = protocol_curves(own, x, by)
    figures["comparison"] = protocol_comparison(data)
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
