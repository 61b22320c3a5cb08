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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.laboratory.layout import Layout, Scale
from neurofwp.laboratory.protocol import Kind, Protocol
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.laboratory import Measurement
    from neurofwp.synapses import SynapseModel

# What a default run does lasts 150 s in the model's time at most: steps of the clock are what a simulation takes. Rarer
# pairs and longer stimulation, as in some laboratories, can be asked for in a file.
FREQUENCIES = (1, 5, 10, 20, 30, 40, 50)  # Hz
PULSES = 150

# Fine enough for a map; short protocols are cheap.
DELAYS = tuple(quarter / 4 for quarter in range(-20, 21))  # s, from -5 to 5
INITIALS = tuple(half / 2 for half in range(1, 10))  # nS, from 0.5 to 4.5

MAKE: dict[Kind, Callable[[int], list[Protocol]]] = {
    "spike-timing": lambda seed: nf.laboratory.kinds.spike_timing(),
    "pairing-frequency": lambda seed: nf.laboratory.kinds.pairing_frequency(FREQUENCIES),
    "triplets": lambda seed: nf.laboratory.kinds.triplets(),
    "quadruplets": lambda seed: nf.laboratory.kinds.quadruplets(),
    "voltage-pairing": lambda seed: nf.laboratory.kinds.voltage_pairing(),
    "presynaptic-frequency": lambda seed: nf.laboratory.kinds.presynaptic_frequency(pulses=PULSES),
    "poisson": lambda seed: nf.laboratory.kinds.poisson(seed=seed),
    "plateau-induction": lambda seed: nf.laboratory.kinds.plateau_induction(DELAYS, INITIALS),
    # rarer pairs leave synapses in which calcium outside matters (Chindemi et al. 2022) as they are
    "calcium-series": lambda seed: nf.laboratory.kinds.calcium_series(frequency=10),
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

# The same of measurements.
MEASURED_AXES = (("dt", "frequency"), ("frequency", "dt"), ("interval", None), ("calcium", "dt"))

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    model: str = "graupner-brunel-cortical-slice"
    """Synapse model: one of `neurofwp list`, or a TOML file."""
    data: Path | None = None
    """Measurements: a table as CSV or Excel, or the name of one that comes along. `neurofwp protocol-template` writes
    an empty one with the columns that are read; a TOML file beside it can say what the three settings below do."""
    columns: tuple[str, ...] = ()
    """Columns of the data that have other names than ours: OURS=THEIRS, as in ratio=mean_epsp_ratio."""
    given: tuple[str, ...] = ()
    """What the data do not say, the same for all lines: NAME=VALUE, as in protocol=pairing trains=15 spikes_per_train=5
    frequency_hz=20 train_period_s=10."""
    scale: Scale | None = None
    """How a change is written: ratio (1.2), percent (120), difference (0.2) or percent-difference (20)."""
    protocols: tuple[Kind, ...] = ()
    """Without data, what to do; by default everything that the model can respond to."""
    initial: float | None = None
    """Weight before the protocol, nS; by default where the model finds its synapses, or 0.25 where that is 0."""
    repeats: int | None = None
    """How often each protocol is done, with other noise; by default once, or 100 times where the model has noise."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
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
    model = nf.synapses.load(settings.model)
    settings = complete(settings, model)
    measured = nf.laboratory.measurements.read(settings.data, layout(settings)) if settings.data is not None else []
    protocols, names = choose_protocols(settings, model, measured, seed)
    # first, since it takes seconds and finds out about a bad laboratory
    pair = record_pair(settings) if "spike-timing" in nf.laboratory.responses.suitable_kinds(model) else None
    changed = nf.laboratory.changes(
        settings.model, protocols, repeats=settings.repeats or 1, seed=seed, backend=settings.backend, folder=folder
    )
    data = describe(protocols).assign(kind=("protocol", names), ratio=changed["ratio"], sem=changed["sem"])
    data["ratio"].attrs |= {"units": "1", "long_name": "weight after / before"}
    if measured:
        data = score(data, measured)
    about: dict[str, Any] = {"model": model.name, "repeats": settings.repeats}
    if settings.initial is not None:
        about["initial"] = settings.initial
    tree = {"/protocols": data.assign_attrs(about)}
    if "plateau-induction" in names:
        tree["/published_map"] = nf.laboratory.measurements.btsp_map()
    if measured and (curves := nf.laboratory.curves.dense_curves(model, measured, settings.initial)) is not None:
        tree["/curves"] = curves
    if pair is not None:
        tree["/pairing"] = pair
    return xr.DataTree.from_dict(tree)


def layout(settings: Settings) -> Layout:
    """How the data are laid out, from the settings."""
    return Layout.from_words(settings.columns, settings.given, settings.scale)


def check(settings: Settings) -> None:
    """InputError for a layout that cannot be, or one without data."""
    if layout(settings) != Layout.from_words() and settings.data is None:
        raise InputError("columns, given and scale say how data are laid out: name them with --data FILE")


def choose_protocols(
    settings: Settings, model: SynapseModel, measured: Sequence[Measurement], seed: int
) -> tuple[list[Protocol], list[str]]:
    """Protocols and the kind of each: those of the measurements, those asked for, or all that the model responds to.

    Raises
    ------
    InputError
        for both data and protocols, or a model that responds to nothing.
    """
    if measured:
        if settings.protocols:
            raise InputError("with data its protocols are done: leave out either data or protocols")
        protocols, names = [one.protocol for one in measured], ["measured"] * len(measured)
    else:
        kinds = settings.protocols or nf.laboratory.responses.suitable_kinds(model)
        if not kinds:
            raise InputError(
                f"{model.name} responds to neither postsynaptic spikes, voltage nor plateaus: choose what to do to it "
                f"with --protocols, from {', '.join(MAKE)}"
            )
        every = [(protocol, kind) for kind in kinds for protocol in MAKE[kind](seed)]
        protocols, names = [protocol for protocol, _ in every], [kind for _, kind in every]
    given = [each if each.initial is not None else replace(each, initial=settings.initial) for each in protocols]
    return given, names


def record_pair(settings: Settings) -> xr.Dataset:
    """Traces around one pair of spikes: see `neurofwp.laboratory.one_pair`."""
    return nf.laboratory.record_pair(settings.model, settings.initial)


def complete(settings: Settings, model: SynapseModel) -> Settings:
    """Settings with what goes without saying for this model."""
    if settings.repeats is None:
        settings = replace(settings, repeats=100 if nf.laboratory.responses.noisy(model) else 1)
    if settings.repeats is None or settings.repeats < 1:
        raise InputError(f"repeats must be 1 or more, not {settings.repeats}")
    if settings.initial is None and not nf.laboratory.mean_weight(model):
        log.info("%s is empty at the beginning: protocols start at %g nS (--initial)", model.name, nf.laboratory.EMPTY)
        settings = replace(settings, initial=nf.laboratory.EMPTY)
    if settings.initial is not None and not 0 < settings.initial < math.inf:
        raise InputError(f"initial must be a weight above 0 nS, of which changes are shares, not {settings.initial:g}")
    return settings


def describe(protocols: Sequence[Protocol]) -> xr.Dataset:
    """Names and coordinates, with what they mean."""
    columns = nf.laboratory.studies.coordinate_columns(protocols)
    coords = {"protocol": ("protocol", [protocol.name for protocol in protocols])}
    return xr.Dataset(coords=coords | {name: ("protocol", values, attrs) for name, (values, attrs) in columns.items()})


def score(result: xr.Dataset, measured: Sequence[Measurement]) -> xr.Dataset:
    """The result with the measurements beside the model, and z."""
    one = {"units": "1"}
    columns = {
        "study": ([each.study for each in measured], {}),
        "pathway": ([each.pathway for each in measured], {}),
        "measured": ([each.ratio for each in measured], one),
        "measured_sem": ([each.sem for each in measured], one),
        "n": (nf.laboratory.studies.counts(measured), one),
    }
    result = result.assign({name: ("protocol", values, attrs) for name, (values, attrs) in columns.items()})
    result["z"] = ((result["ratio"] - result["measured"]) / result["measured_sem"]).assign_attrs(one)
    return result


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """chi^2 per point and number of points, of all and of each study where there are several; and every protocol.

    ``simulation_noise_per_point`` is what the noise left in the mean of a noisy model adds to chi^2. Points without a
    standard error are shown, but not scored.
    """
    data = result["protocols"].to_dataset()
    overall = agreement(data)
    if "measured" in data:
        noise = (data["sem"] / data["measured_sem"]) ** 2
        mean = float(noise.mean()) if noise.notnull().any() else math.nan
        overall["simulation_noise_per_point"] = ((), mean, {"units": "1"})
    made = {"summary": overall}
    studies = list(dict.fromkeys(data["study"].values.tolist())) if "study" in data else []
    if len(studies) > 1:
        each = [agreement(data.isel(protocol=np.flatnonzero(data["study"] == study))) for study in studies]
        made["studies"] = xr.concat(each, xr.DataArray(studies, dims="study", name="study"))
    named = {"ratio": "model", "sem": "model_sem"}
    shown = ("protocol", "measured", "measured_sem", "n", "ratio", "sem", "z", "study", "pathway", "kind")
    columns = {name: data[name] for name in (*shown, *nf.laboratory.kinds.COORDINATES) if name in data.variables}
    if "n" in columns:
        columns["n"] = nf.laboratory.studies.whole_numbers(columns["n"])
    points = {named.get(name, name): ("point", column.values, column.attrs) for name, column in columns.items()}
    return made | {"points": xr.Dataset(points)}


def agreement(data: xr.Dataset) -> xr.Dataset:
    """``points`` that have a standard error, and ``chi2_per_point``, the mean of their z^2; NaN where there is none."""
    scored = data.isel(protocol=np.flatnonzero(data["measured_sem"].notnull()) if "z" in data else [])
    points = scored.sizes["protocol"]
    chi2 = float((scored["z"] ** 2).mean(skipna=False)) if points else math.nan
    return xr.Dataset({"chi2_per_point": ((), chi2, {"units": "1"}), "points": ((), points, {"units": "1"})})


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """A curve of each kind of protocol or measured series; all protocols in rows where there is no curve, or data."""
    data = result["protocols"].to_dataset()
    drawings: dict[str, Callable[[], Figure]] = {}
    if "pairing" in result.children:
        drawings["pairing_traces"] = lambda: nf.plots.pairing_traces(result["pairing"].to_dataset())
    if "measured" in data:
        return nf.plots.LazyFigures(drawings | draw_measured(result))
    for kind in dict.fromkeys(data["kind"].values.tolist()):
        drawings[kind.replace("-", "_")] = partial(draw_kind, result, kind)
    return nf.plots.LazyFigures(drawings)


def draw_kind(result: xr.DataTree, kind: Kind) -> Figure:
    """All protocols of a kind."""
    data = result["protocols"].to_dataset()
    own = data.isel(protocol=np.flatnonzero(data["kind"] == kind))
    if kind == "plateau-induction":
        return nf.plots.plateau_map(own, result["published_map"].to_dataset())
    return nf.plots.protocol_curves(own, *AXES[kind]) if kind in AXES else nf.plots.protocol_comparison(own)


def draw_measured(result: xr.DataTree) -> dict[str, Callable[[], Figure]]:
    """A figure over each coordinate in which measured points form series, and all points in rows."""
    data = result["protocols"].to_dataset()
    curves = result["curves"].to_dataset() if "curves" in result.children else None
    drawings: dict[str, Callable[[], Figure]] = {}
    for x, by in MEASURED_AXES:
        own = nf.laboratory.curves.find_series(data, x)
        if own.sizes["protocol"]:
            given = by if by in own.variables else None
            drawings[f"ratio_against_{x}"] = partial(nf.plots.protocol_curves, own, x, given, curves=curves)
    return drawings | {"comparison": partial(nf.plots.protocol_comparison, data)}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
