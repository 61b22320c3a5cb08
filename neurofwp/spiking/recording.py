"""What is recorded from a spiking network, and how it becomes a Trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import brian2 as b2
import numpy as np
import xarray as xr
from brian2 import ms

from neurofwp import trace as traces
from neurofwp.brian.builds import Recorded
from neurofwp.brian.device import compiles
from neurofwp.brian.writer import Writer
from neurofwp.errors import InputError
from neurofwp.runtime import provenance
from neurofwp.spiking.circuits.circuit import SYNAPSES
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.populations import Populations
from neurofwp.spiking.timeline import Timeline
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stage import States

Probe = tuple[int, str, int, int]  # episode, "on" or "off", post, pre
Spikes = tuple[np.ndarray, np.ndarray]  # times (ms) and cells
Variables = dict[str, tuple[Any, np.ndarray, dict[str, Any]]]  # dims, values and attributes, by name
POLARITY = ("on", "off")
PROBE_STEP = 2 * ms

# Brian2 warns that it cannot check which synapses are recorded before they are made; they are counted here
b2.BrianLogger.suppress_name("cannot_check_statemonitor_indices")


def check_probe(probe: Probe, sizes: Mapping[Any, int]) -> None:
    """Refuse a synapse that a Program of these `sizes` does not have, with an InputError."""
    episode, polarity, post, pre = probe
    inside = 0 <= episode < sizes["episode"] and 0 <= post < sizes["post"] and 0 <= pre < sizes["pre"]
    if polarity not in POLARITY or not inside:
        limits = f"episode < {sizes['episode']}, polarity on or off, post < {sizes['post']}, pre < {sizes['pre']}"
        raise InputError(f"there is no synapse {probe}: a probe is (episode, polarity, post, pre) with {limits}")


def choose_probes(program: xr.Dataset, share: float, *, seed: int = 0) -> list[Probe]:
    """A random share of all synapses, at least one, as probes: their calcium and weight over time are then recorded.

    Each is a number every 2 ms, and so are the dendrite's voltage and the NMDA gating beside it.

    Parameters
    ----------
    share : above 0, at most 1.

    Raises
    ------
    InputError
        for another share.
    """
    if not 0 < share <= 1:
        raise InputError(f"share must be above 0 and at most 1, not {share:g}")
    sizes = tuple(program.sizes[dim] for dim in ("episode", "post", "pre"))
    shape = (sizes[0], len(POLARITY), *sizes[1:])
    count = max(1, round(share * int(np.prod(shape))))
    chosen = np.sort(np.random.default_rng(seed).choice(int(np.prod(shape)), count, replace=False))
    return [
        (int(episode), POLARITY[polarity], int(post), int(pre))
        for episode, polarity, post, pre in zip(*np.unravel_index(chosen, shape), strict=True)
    ]


def watched_cells(probes: Sequence[Probe], plan: Plan) -> set[int]:
    """Key cells, of all replicas, whose synapses are recorded over time."""
    return {episode * plan.sizes.pre + pre for episode, _, _, pre in probes}


def monitors(
    populations: Populations, timeline: Timeline, probes: Sequence[Probe], plan: Plan
) -> Iterator[b2.SpikeMonitor | b2.StateMonitor | Writer]:
    """All spikes, weights and sums of dendritic voltage at the ends of events, and a few synapses over time."""
    key, value, plastic = populations.cells["key"], populations.cells["value"], populations.plastic
    cells = np.arange(plan.replicas * plan.members["value"])
    synapse, sizes, ends = plan.synapse, plan.sizes, b2.Clock(timeline.slot * ms, name="event_clock")
    for group in populations.cells.values():
        yield b2.SpikeMonitor(group, name=f"{group.name}_spikes")
    members, states = plan.replicas * plan.members[SYNAPSES], _recorded_states(synapse, "weight")
    if compiles():
        yield Writer(plastic, states, members, clock=ends, name="weight_at_events")
    else:  # how many there are is not known before they are made
        yield b2.StateMonitor(plastic, states, record=np.arange(members), clock=ends, name="weight_at_events")
    yield b2.StateMonitor(value, ["v_opened", "opened"], record=cells, clock=ends, name="dendrite_at_events")
    if not probes:
        return
    pre_index, post_index, synapse_index = [], [], []
    for episode, polarity, post, pre in probes:
        cell = (POLARITY.index(polarity) * sizes.post + post) * sizes.per_pool
        pre_index.append(episode * sizes.pre + pre)
        post_index.append(episode * sizes.cells + cell)
        synapse_index.append((episode * sizes.pre + pre) * sizes.cells + cell)
    wanted = [name for name in ("calcium", "weight") if name in synapse.states]
    watched = {
        "value": (value, "v_dendrite", post_index),
        "plastic": (plastic, _recorded_states(synapse, *wanted), synapse_index),
    }
    if "s_nmda" in key.variables:
        watched["key"] = (key, "s_nmda", pre_index)
    often = b2.Clock(PROBE_STEP, name="probe_clock")
    for name, (group, variables, index) in watched.items():
        yield b2.StateMonitor(group, variables, record=index, clock=often, name=f"probe_{name}")


def _recorded_states(synapse: SynapseModel, *wanted: str) -> list[str]:
    """States of synapses to record so that these can be known: all, where events alone bring them up to date."""
    return list(synapse.states if synapse.by_events else wanted)


def _read(recorded: Recorded, monitor: str, synapse: SynapseModel) -> States:
    """What was recorded of synapses (synapse, time), in SI units, each as it was at its time."""
    own = {name.removeprefix(f"{monitor}."): each for name, each in recorded.items() if name.startswith(f"{monitor}.")}
    time = own.pop("t")
    return synapse.read(own, time) if synapse.by_events else own


def trace(
    program: xr.Dataset,
    timeline: Timeline,
    recorded: Recorded,
    plan: Plan,
    probes: Sequence[Probe],
) -> xr.Dataset:
    """The Trace of a finished run (without its provenance), from what its monitors recorded."""
    conductance = _conductance(program, recorded, plan)
    spikes = _spikes(recorded, plan)
    pre_rate, post_rate = _rates(program, timeline, spikes, plan)
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
    data |= _spike_variables(spikes, plan, len(timeline.phase))
    if probes:
        data |= _probe_variables(recorded, plan.synapse)
    dataset = xr.Dataset(data, coords={"polarity": list(POLARITY)}, attrs={"kind": traces.KIND})
    for name in ("write_start", "write_stop", "read_start", "read_stop"):
        dataset = dataset.assign_coords({name: ("event", getattr(timeline, name), {"units": "ms"})})
    if probes:
        columns = zip(*probes, strict=True)
        labels = ("probe_episode", "probe_polarity", "probe_post", "probe_pre")
        dataset = dataset.assign_coords({n: ("probe", list(c)) for n, c in zip(labels, columns, strict=True)})
        dataset = dataset.assign_coords(time=("time", recorded["probe_value.t"] * 1000, {"units": "ms"}))
    return dataset


def _conductance(program: xr.Dataset, recorded: Recorded, plan: Plan) -> np.ndarray:
    """AMPA conductance in nS at the ends of events (episode, event, polarity, post, pre), mean over cells of a pool."""
    episodes, events, pre, post = (program.sizes[dim] for dim in ("episode", "event", "pre", "post"))
    # (synapse, event + 1) -> (episode, pre, polarity, post, cell, event), the first one before any event
    siemens = _read(recorded, "weight_at_events", plan.synapse)["weight"]
    weight = (siemens * 1e9).astype(np.float32)[:, 1 : events + 1]
    weight = weight.reshape(episodes, pre, 2, post, plan.sizes.per_pool, events)
    return np.asarray(weight.mean(axis=4).transpose(0, 4, 2, 3, 1))


def _spikes(recorded: Recorded, plan: Plan) -> list[Spikes]:
    """Times (ms) and cells of all spikes of each population, without cells that are in no replica."""
    each = []
    for population in plan.populations:
        time, index = (recorded[f"{population.name}_spikes.{part}"] for part in "ti")
        inside = index < plan.replicas * plan.members[population.name]
        each.append((time[inside] * 1000, index[inside]))
    return each


def _rates(
    program: xr.Dataset, timeline: Timeline, spikes: Sequence[Spikes], plan: Plan
) -> tuple[np.ndarray, np.ndarray]:
    """Rates in Hz, of key cells while writing (episode, event, pre), and of the mean cell of each pool of value cells
    while reading (episode, event, polarity, post)."""
    episodes, events, pre, post = (program.sizes[dim] for dim in ("episode", "event", "pre", "post"))
    cells = plan.sizes.per_pool
    writing = _counts(*spikes[0], timeline.write_start, timeline.write_stop, episodes * pre)
    reading = _counts(*spikes[1], timeline.read_start, timeline.read_stop, episodes * 2 * post * cells)
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


def _spike_variables(spikes: Sequence[Spikes], plan: Plan, stop: float) -> Variables:
    """All spikes until `stop` (ms), population after population; cells are numbered within their episode."""
    names = [each.name for each in plan.populations]
    members = [plan.members[name] for name in names]
    index = [cells for _, cells in spikes]
    flags = {"flag_values": list(range(len(names))), "flag_meanings": " ".join(names), "sizes": members}
    population = np.repeat(np.arange(len(names), dtype=np.int8), [len(cells) for cells in index])
    return {
        "spike_time": ("spike", np.concatenate([time for time, _ in spikes]), {"units": "ms", "stop": float(stop)}),
        "spike_episode": (
            "spike",
            np.concatenate([i // n for i, n in zip(index, members, strict=True)]),
            {"units": "1"},
        ),
        "spike_cell": ("spike", np.concatenate([i % n for i, n in zip(index, members, strict=True)]), {"units": "1"}),
        "spike_population": ("spike", population, {"units": "1", **flags}),
    }


def _probe_variables(recorded: Recorded, synapse: SynapseModel) -> Variables:
    """What was recorded over time of single synapses, and of the cells that they lie between (probe, time)."""
    states = _read(recorded, "probe_plastic", synapse)
    seen: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
        "dendrite": (recorded["probe_value.v_dendrite"] * 1000, {"units": "mV"}),
        "conductance": (states["weight"] * 1e9, {"units": "nS"}),
    }
    if "probe_key.s_nmda" in recorded:
        seen["nmda"] = (recorded["probe_key.s_nmda"], {"units": "1"})
    if "calcium" in states:
        seen["calcium"] = synapse.concentration(states["calcium"])
    return {f"probe_{name}": (("probe", "time"), values, attrs) for name, (values, attrs) in seen.items()}


def stamp(dataset: xr.Dataset, config: dict[str, Any], seed: int) -> xr.Dataset:
    """The Trace with its provenance, checked."""
    return traces.check(provenance.stamp(dataset, config=config, seed=seed))


def _counts(time: np.ndarray, index: np.ndarray, start: np.ndarray, stop: np.ndarray, cells: int) -> np.ndarray:
    """Mean rate (event, cell) in Hz between start and stop (ms); NaN where there is no such phase."""
    rates = np.full((len(start), cells), np.nan)
    order = np.argsort(time, kind="stable")
    time, index = time[order], index[order]
    for event in np.flatnonzero(np.isfinite(start)):
        first, last = np.searchsorted(time, (start[event], stop[event]))
        rates[event] = np.bincount(index[first:last], minlength=cells) / (stop[event] - start[event]) * 1000
    return rates
