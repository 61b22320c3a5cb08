"""How long does a memory last? Recall and weights against time, background firing, reading, and receptor turnover.

Pairs of digits are written once and read back after longer and longer delays. In the delay, key cells are silent, fire
at a background rate, or are read again and again, with the write gate closed or left open for every read. All
conditions of a synapse run as one network, those that differ in the time constant of receptor turnover too.
Every condition has its own reader: one gain and offset, from its first reading, that is kept from then on.

Beside the measurements: a rule with decay, fitted to the events before the second delay and run to the end; and, for
two-threshold synapses whose calcium jumps at spikes of either cell, and which no gate protects, the closed form
of how fast independent Poisson firing erases them (Graupner & Brunel 2012).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import b2, np, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.spiking.jobs import Job
    from neurofwp.spiking.network import SpikingNetwork

GATES = {"closed": 0.0, "open": 1.0}  # while reading, and under background firing
SURVIVAL = {"fixed_decay": "decay", "scalar_decay": "decay_closed"}  # of rules: parameter, share that is left per event
TURNED = "decay"  # the synapse model whose turnover is varied
MEASURED = ["weight", "recall", "conductance"]  # what is measured of a Trace
READINGS = ["age", "weight_age", "passes"]  # when a reading is

Delays = Mapping[str, tuple[str, float]]  # name of a condition: kind and level of what is done in the delays


@dataclass(frozen=True)
class Settings:
    """What to run."""

    synapses: tuple[str, ...] = ("decay", "error-correcting", "thresholds")
    """Synapse models."""
    holds: tuple[float, ...] = (0.0, 5.0, 10.0, 24.0)
    """Delays before the first reading, from there to the second, and so on, s; rounded to whole events."""
    background: tuple[float, ...] = (5.0, 10.0, 20.0)
    """Background rates in the delays, of all cells that are in some key, Hz."""
    turnover: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0)
    """Time constants of receptor turnover, s, for the synapse model "decay"."""
    pairs: int = 4
    """Pairs per episode."""
    episodes: int = 4
    """Episodes of every condition."""
    pixels: int = 4
    """How many pixels the values have: those that differ most between digits."""
    ungated: tuple[str, ...] = (
        "graupner-brunel-hippocampal-slice",
        "graupner-brunel-cortical-slice",
        "graupner-brunel-in-vivo",
    )
    """Synapse models with jumping calcium, which background firing of both cells erases."""
    rates: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0, 20.0)
    """Rates of that firing, Hz."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate, fit the rules with decay, and measure.

    Raises
    ------
    InputError
        if there are fewer than two episodes or three holds, a hold is negative, or a rate is not above 0 or above what
        key cells can fire at.
    """
    check(settings)
    task = nf.tasks.digit_pairs(settings.pairs, settings.episodes, seed=seed)
    encoder = nf.slownet.FixedEncoder(pre=100, active=10, seed=seed)
    pairs = nf.transforms.selection.keep_most_varied(encoder(task), settings.pixels)
    pairs = nf.transforms.selection.without_silent_cells(pairs)
    jobs = {
        (gate, model): make_job(settings, pairs, gate, model, seed) for gate in GATES for model in settings.synapses
    }
    tree: dict[str, xr.Dataset] = {"/program": pairs}
    with nf.spiking.jobs.start(list(jobs.values()), folder=folder) as trace:
        for (gate, model), job in jobs.items():
            measured = trace(job.name)[MEASURED]
            tree[f"/curves/{gate}/{model}"] = nf.metrics.retention_curve(job.program, measured)
            if gate == "closed":
                for rule in SURVIVAL:
                    tree[f"/predicted/{rule}/{model}"] = predict(rule, job.program, measured, seed)
    for name in settings.ungated:
        values = nf.synapses.load(name).values
        tree[f"/erasure/{name}"] = nf.theory.poisson_erasure(values, settings.rates, seed=seed)
    return xr.DataTree.from_dict(tree)


def check(settings: Settings) -> None:
    if settings.episodes < 2 or len(settings.holds) < 3 or min(settings.holds) < 0:
        raise InputError("retention needs 2 episodes and 3 holds or more, and holds of 0 s or more")
    if (lowest := min((*settings.background, *settings.rates), default=1.0)) <= 0:
        raise InputError(f"background rates must be above 0 Hz, not {lowest:g}")


def make_job(settings: Settings, pairs: xr.Dataset, gate: str, model: str, seed: int) -> Job:
    """One network whose conditions are all that is done in the delays."""
    arguments: dict[str, Any] = {
        "synapse": model,
        "key_cells": "poisson",
        "read_gate": GATES[gate],
        "backend": settings.backend,
    }
    network, delays = nf.SpikingNetwork(**arguments), list_delays(settings, model, gate)
    return nf.spiking.jobs.Job(
        f"{model}, gate {gate}",
        write_programs(pairs, settings.holds, network, delays),
        arguments,
        seed=seed,
        conditions=turnover_conditions(network, delays) if model == TURNED else None,
    )


def list_delays(settings: Settings, model: str, gate: str) -> dict[str, tuple[str, float]]:
    """What is done in the delays, by name."""
    delays = {f"background {rate:g} Hz": ("background", rate) for rate in settings.background}
    delays["reads"] = ("reads", np.nan)
    if gate == "open":
        return delays
    silence = {"silence": ("silence", 0.0)}
    turnover = {f"turnover {tau:g} s": ("turnover", tau) for tau in settings.turnover} if model == TURNED else {}
    return silence | delays | turnover


def turnover_conditions(network: SpikingNetwork, delays: Delays) -> xr.Dataset:
    """Time constant of every condition: that of the model, unless the condition is about it."""
    own = float(network.synapse.values["tau_turnover"] / b2.second)
    each = [level if kind == "turnover" else own for kind, level in delays.values()]
    return nf.spiking.conditions.from_quantities(list(delays), tau_turnover=each * b2.second)


def write_programs(pairs: xr.Dataset, holds: Sequence[float], network: SpikingNetwork, delays: Delays) -> xr.Dataset:
    """The Program of every condition, with its ``kind`` and ``level``."""
    pause = float(network.circuit["pause"] / b2.ms)
    duration = float(pairs["duration"][0, 0])
    queries = [
        background_query(network, level, duration) if kind == "background" else None if kind == "reads" else 0.0
        for kind, level in delays.values()
    ]
    each = [nf.transforms.delays.read_after_delays(pairs, holds, pause=pause, query=query) for query in queries]
    kinds, levels = zip(*delays.values(), strict=True)
    labels = {"condition": list(delays), "kind": ("condition", list(kinds)), "level": ("condition", list(levels))}
    return xr.concat(each, dim="condition", data_vars="all", combine_attrs="override").assign_coords(labels)


def background_query(network: SpikingNetwork, rate: float, duration: float) -> float:
    """Activity of key cells whose mean rate (Hz) is this over an event of that duration (ms) and the pause after it.

    Cells rest in the pause, and so are faster within the event.
    """
    peak, rest = (float(network.circuit[f"key_{name}_rate"] / b2.Hz) for name in ("peak", "rest"))
    slot = duration + float(network.circuit["pause"] / b2.ms)
    activity = (rate - rest) / (peak - rest) * slot / duration
    if activity > 1:
        raise InputError(f"a background rate of {rate:g} Hz is more than the peak rate of key cells, {peak:g} Hz")
    return max(activity, 0.0)


def predict(rule: str, program: xr.Dataset, trace: xr.Dataset, seed: int) -> xr.Dataset:
    """The rule, fitted to silent conditions before the second delay ends, and its curves to the end; ``tau`` (s)."""

    def predict_one(whole: xr.Dataset, seen: xr.Dataset) -> xr.Dataset:
        short = {"event": slice(0, int(np.flatnonzero(whole["block"].values == 1)[0]))}
        every = range(whole.sizes["episode"])
        fit = nf.identification.fit(rule, whole.isel(short), seen.isel(short), train=every, restarts=2, seed=seed)
        network = nf.identification.fitted_network(fit, "nS")
        survival = fit.parameters[SURVIVAL[rule]]
        tau = np.inf if survival >= 1 else -whole.attrs["slot"] / np.log(survival)
        return nf.metrics.retention_curve(whole, network.run(whole)).assign(tau=((), tau, {"units": "s"}))

    silent = {"condition": np.flatnonzero(np.isin(program["kind"].values, ("silence", "turnover")))}
    curves: xr.Dataset = nf.program.over_conditions(predict_one, program.isel(silent), trace.isel(silent))
    return curves


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Recall and mean weight at every reading (block), and when that is; time constants of decay and of erasure.

    ``gate_closed`` and ``gate_open`` : (synapse_model, condition, block), with the write gate closed or open for reads
    in the delays. ``turnover`` : (turnover, block), of the synapse model "decay" in silence. ``predicted`` and
    ``predicted_turnover`` : the same of silence, from the rule with decay that was fitted to the first events. Weights
    are relative to those after the writes. ``passes``, how often every pair has then been read, is of "reads" only.
    """
    closed, rules = result.children["curves"].children["closed"], result.children["predicted"].children
    found = {
        f"gate_{gate}": average(join(models, "silence", "background", "reads"))
        for gate, models in result["curves"].children.items()
    }
    rule = xr.DataArray(list(rules), dims="rule", name="rule")
    silence = [join(models, "silence").squeeze("condition", drop=True) for models in rules.values()]
    found["predicted"] = average(xr.concat(silence, rule)).drop_vars(READINGS)
    if TURNED in closed.children and (closed[TURNED]["kind"] == "turnover").any():
        found["turnover"] = average(by_turnover(closed))
        predicted = xr.concat([by_turnover(models) for models in rules.values()], rule)
        found["predicted_turnover"] = average(predicted).drop_vars(READINGS)
    if "erasure" in result.children:
        models = result["erasure"].children
        every = [group.to_dataset() for group in models.values()]
        found["erasure"] = xr.concat(every, xr.DataArray(list(models), dims="synapse_model", name="synapse_model"))
    return found


def join(models: xr.DataTree, *kinds: str) -> xr.Dataset:
    """Curves of all synapse models, in conditions of these kinds."""
    curves = [group.to_dataset().reset_coords(READINGS) for group in models.children.values()]
    chosen = [each.isel(condition=np.flatnonzero(np.isin(each["kind"].values, kinds))) for each in curves]
    dim = xr.DataArray(list(models.children), dims="synapse_model", name="synapse_model")
    return xr.concat(chosen, dim, data_vars="all", coords="minimal", compat="override")


def by_turnover(models: xr.DataTree) -> xr.Dataset:
    """Curves over (turnover, ...), s."""
    curves = models[TURNED].to_dataset().reset_coords(READINGS)
    curves = curves.isel(condition=np.flatnonzero(curves["kind"].values == "turnover"))
    levels = curves["level"].values
    return (
        curves.drop_vars(["condition", "kind", "level"])
        .rename(condition="turnover")
        .assign_coords(turnover=("turnover", levels, {"units": "s"}))
    )


def average(curves: xr.Dataset) -> xr.Dataset:
    """Means over episodes, with SEM, of curves whose readings are numbered."""
    measures = (nf.metrics.mean_and_sem(name, curves[name], "episode") for name in ("r2", "mean_weight"))
    table = curves.drop_dims("episode").assign_coords(block=np.arange(curves.sizes["block"]))
    for each in measures:
        table = table.assign(each)
    return table


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """Recall and weights, a column per question; and the time constants of erasure beside the closed form."""

    def by_model(group: xr.DataTree) -> dict[str, xr.Dataset]:
        return {model: each.to_dataset() for model, each in group.children.items()}

    curves = {gate: by_model(models) for gate, models in result["curves"].children.items()}
    predicted = by_model(result.children["predicted"].children["scalar_decay"])
    drawings = {"retention": partial(nf.plots.retention, curves, predicted)}
    if "erasure" in result.children:
        drawings["erasure"] = partial(nf.plots.erasure, by_model(result.children["erasure"]))
    return nf.plots.LazyFigures(drawings)


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
