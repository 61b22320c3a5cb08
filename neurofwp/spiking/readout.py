"""What was recorded from a spiking network, as a Trace, spike trains and probes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurofwp import spike_trains, trace as traces
from neurofwp.brian.builds import Recorded
from neurofwp.brian.mapped import release
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.recording import POLARITY, Probe
from neurofwp.spiking.timeline import Timeline
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stage import States

Spikes = tuple[np.ndarray, np.ndarray]  # times (ms) and cells
Variables = dict[str, tuple[Any, np.ndarray, dict[str, Any]]]  # dims, values and attributes, by name


def _read(recorded: Recorded, monitor: str, synapse: SynapseModel, times: slice = slice(None)) -> States:
    """What was recorded of synapses (synapse, time), in SI units, each as it was at its time."""
    own = {name.removeprefix(f"{monitor}."): each for name, each in recorded.items() if name.startswith(f"{monitor}.")}
    time = own.pop("t")[times]
    own = {name: each[:, times] for name, each in own.items()}
    return synapse.read(own, time) if synapse.by_events else own


def trace(program: xr.Dataset, timeline: Timeline, recorded: Recorded, plan: Plan) -> xr.Dataset:
    """The Trace of a finished run (without its provenance), from what its monitors recorded."""
    conductance = _conductance(program, recorded, plan)
    pre_rate, post_rate = _rates(program, timeline, recorded, plan)
    asked = np.asarray((program["query"].values > 0).any(axis=2, keepdims=True))
    measured = {
        "weight": (conductance[:, :, 0] - conductance[:, :, 1], "nS"),
        "recall": (np.where(asked, post_rate[:, :, 0] - post_rate[:, :, 1], np.nan), "Hz"),
        "conductance": (conductance, "nS"),
        "pre_rate": (pre_rate, "Hz"),
        "post_rate": (post_rate, "Hz"),
        "dendrite": (_dendritic_voltage(program, recorded, plan), "mV"),
    }
    data: Variables = {
        name: (traces.SCHEMA.dims[name], values, {"units": unit}) for name, (values, unit) in measured.items()
    }
    dataset = xr.Dataset(data, coords={"polarity": list(POLARITY)}, attrs={"kind": traces.KIND})
    for name in ("write_start", "write_stop", "read_start", "read_stop"):
        dataset = dataset.assign_coords({name: ("event", getattr(timeline, name), {"units": "ms"})})
    return dataset


def spikes(timeline: Timeline, recorded: Recorded, plan: Plan) -> xr.Dataset:
    """All spikes until the end, population after population; cells are numbered within their episode."""
    every = _spikes(recorded, plan)
    names = [each.name for each in plan.populations]
    members = [plan.members[name] for name in names]
    index = [cells for _, cells in every]
    flags = {"flag_values": list(range(len(names))), "flag_meanings": " ".join(names), "sizes": members}
    time = np.concatenate([time for time, _ in every])
    columns: Variables = {
        "time": ("spike", time, {"units": "ms", "stop": float(len(timeline.phase))}),
        "episode": ("spike", np.concatenate([i // n for i, n in zip(index, members, strict=True)]), {"units": "1"}),
        "cell": ("spike", np.concatenate([i % n for i, n in zip(index, members, strict=True)]), {"units": "1"}),
        "population": (
            "spike",
            np.repeat(np.arange(len(names), dtype=np.int8), [len(cells) for cells in index]),
            {"units": "1", **flags},
        ),
    }
    attrs = {"kind": spike_trains.KIND, "episodes": plan.replicas}
    return xr.Dataset({f"spike_{name}": each for name, each in columns.items()}, attrs=attrs)


def probes(recorded: Recorded, plan: Plan, chosen: Sequence[Probe]) -> xr.Dataset:
    """What was recorded over time of single synapses, and of the cells that they lie between (probe, time)."""
    states = _read(recorded, "probe_plastic", plan.synapse)
    seen: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "dendrite": (recorded["probe_value.v_dendrite"] * 1000, {"units": "mV"}),
        "conductance": (states["weight"] * 1e9, {"units": "nS"}),
    }
    if "probe_key.s_nmda" in recorded:
        seen["nmda"] = (recorded["probe_key.s_nmda"], {"units": "1"})
    if "calcium" in states:
        seen["calcium"] = plan.synapse.concentration(states["calcium"])
    release(*recorded.values())
    columns = zip(("episode", "polarity", "post", "pre"), zip(*chosen, strict=True), strict=True)
    return xr.Dataset(
        {f"probe_{name}": (("probe", "time"), values, attrs) for name, (values, attrs) in seen.items()},
        {f"probe_{name}": ("probe", list(column)) for name, column in columns}
        | {"time": ("time", recorded["probe_value.t"] * 1000, {"units": "ms"})},
        {"kind": traces.PROBES},
    )


def _conductance(program: xr.Dataset, recorded: Recorded, plan: Plan) -> np.ndarray:
    """AMPA conductance in nS at the ends of events (episode, event, polarity, post, pre), mean over cells of a pool.

    Event by event, so that no more than one is held of what was recorded of every cell.
    """
    episodes, events, pre, post = (program.sizes[dim] for dim in ("episode", "event", "pre", "post"))
    conductance = np.empty((episodes, events, 2, post, pre), np.float32)
    for event in range(events):  # the first column is before any event
        siemens = _read(recorded, "weight_at_events", plan.synapse, slice(event + 1, event + 2))["weight"]
        weight = (siemens * 1e9).astype(np.float32).reshape(episodes, pre, 2, post, plan.sizes.per_pool)
        conductance[:, event] = weight.mean(axis=4).transpose(0, 2, 3, 1)
        release(*recorded.values())
    return conductance


def _spikes(recorded: Recorded, plan: Plan) -> list[Spikes]:
    """Times (ms) and cells of all spikes of each population, without cells that are in no replica."""
    each = []
    for population in plan.populations:
        time, index = (recorded[f"{population.name}_spikes.{part}"] for part in "ti")
        inside = index < plan.replicas * plan.members[population.name]
        each.append((time[inside] * 1000, index[inside]))
    return each


def _rates(program: xr.Dataset, timeline: Timeline, recorded: Recorded, plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Rates in Hz, of key cells while writing (episode, event, pre), and of the mean cell of each pool of value cells
    while reading (episode, event, polarity, post)."""
    episodes, events, pre, post = (program.sizes[dim] for dim in ("episode", "event", "pre", "post"))
    cells, every = plan.sizes.per_pool, _spikes(recorded, plan)
    writing = _counts(*every[0], timeline.write_start, timeline.write_stop, episodes * pre)
    reading = _counts(*every[1], timeline.read_start, timeline.read_stop, episodes * 2 * post * cells)
    pre_rate = writing.reshape(events, episodes, pre).transpose(1, 0, 2)
    return pre_rate, reading.reshape(events, episodes, 2, post, cells).mean(axis=4).transpose(1, 0, 2, 3)


def _dendritic_voltage(program: xr.Dataset, recorded: Recorded, plan: Plan) -> np.ndarray:
    """In mV (episode, event, polarity, post): a mean over cells of a pool, and over the time that the gate was open."""
    episodes, events, post = (program.sizes[dim] for dim in ("episode", "event", "post"))
    gated, opened = (
        # (cell, event + 1) -> (event, cell), contiguous: the order in which numpy adds up depends on that in memory
        np.ascontiguousarray(np.diff(recorded[f"dendrite_at_events.{name}"])[:, :events].T)
        for name in ("v_opened", "opened")
    )
    voltage = np.divide(1000 * gated, opened, out=np.full_like(gated, np.nan), where=opened > 0)
    pools = voltage.reshape(events, episodes, 2, post, plan.sizes.per_pool)
    return np.asarray(pools.mean(axis=4).transpose(1, 0, 2, 3))


def _counts(time: np.ndarray, index: np.ndarray, start: np.ndarray, stop: np.ndarray, cells: int) -> np.ndarray:
    """Mean rate (event, cell) in Hz between start and stop (ms); NaN where there is no such phase."""
    rates = np.full((len(start), cells), np.nan)
    order = np.argsort(time, kind="stable")
    time, index = time[order], index[order]
    for event in np.flatnonzero(np.isfinite(start)):
        first, last = np.searchsorted(time, (start[event], stop[event]))
        rates[event] = np.bincount(index[first:last], minlength=cells) / (stop[event] - start[event]) * 1000
    return rates
