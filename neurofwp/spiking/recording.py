"""What is recorded from a spiking network, and how it becomes a Trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
import xarray as xr
from brian2 import ms, mV, second

from neurofwp import provenance
from neurofwp import trace as traces
from neurofwp.errors import InputError
from neurofwp.spiking.populations import Populations
from neurofwp.spiking.timeline import Timeline
from neurofwp.synapses.base import States
from neurofwp.synapses.model import SynapseModel

Probe = tuple[int, str, int, int]  # episode, "on" or "off", post, pre
POPULATIONS = ("key", "value", "interneuron")
POLARITY = ("on", "off")
PROBE_STEP = 2 * ms


def check_probe(probe: Probe, sizes: Mapping[Any, int]) -> None:
    """Refuse a synapse that a Program of these `sizes` does not have, with an InputError."""
    episode, polarity, post, pre = probe
    inside = 0 <= episode < sizes["episode"] and 0 <= post < sizes["post"] and 0 <= pre < sizes["pre"]
    if polarity not in POLARITY or not inside:
        limits = f"episode < {sizes['episode']}, polarity on or off, post < {sizes['post']}, pre < {sizes['pre']}"
        raise InputError(f"there is no synapse {probe}: a probe is (episode, polarity, post, pre) with {limits}")


@dataclass(frozen=True)
class Monitors:
    """Brian2 monitors of one run; iterating gives all of them."""

    spikes: tuple[b2.SpikeMonitor, ...]
    weight: b2.StateMonitor
    dendrite: b2.StateMonitor
    probe: dict[str, b2.StateMonitor]  # "key" where its cells gate NMDA, "value", "plastic"; empty without probes

    def __iter__(self) -> Iterator[Any]:
        yield from (*self.spikes, self.weight, self.dendrite, *self.probe.values())


def monitors(
    populations: Populations,
    timeline: Timeline,
    probes: Sequence[Probe],
    program: xr.Dataset,
    cells: int,
    synapse: SynapseModel,
) -> Monitors:
    """All spikes, weights and sums of dendritic voltage at the ends of events, and a few synapses over time."""
    key, value, inter, plastic = populations.key, populations.value, populations.inter, populations.plastic
    spikes = tuple(b2.SpikeMonitor(g, name=f"{g.name}_spikes") for g in (key, value, inter))
    weight = b2.StateMonitor(
        plastic, _recorded(synapse, "weight"), record=True, dt=timeline.slot * ms, name="weight_at_events"
    )
    sums = ["v_opened", "opened"]
    dendrite = b2.StateMonitor(value, sums, record=True, dt=timeline.slot * ms, name="dendrite_at_events")
    if not probes:
        return Monitors(spikes, weight, dendrite, {})
    sizes = program.sizes
    pre_index, post_index, synapse_index = [], [], []
    for episode, polarity, post, pre in probes:
        cell = ((episode * 2 + POLARITY.index(polarity)) * sizes["post"] + post) * cells
        pre_index.append(episode * sizes["pre"] + pre)
        post_index.append(cell)
        per_pre = 2 * sizes["post"] * cells
        synapse_index.append((episode * sizes["pre"] + pre) * per_pre + cell - episode * per_pre)
    wanted = [name for name in ("calcium", "weight") if name in synapse.states]
    watched = {
        "value": (value, "v_dendrite", post_index),
        "plastic": (plastic, _recorded(synapse, *wanted), synapse_index),
    }
    if "s_nmda" in key.variables:
        watched["key"] = (key, "s_nmda", pre_index)
    made = {
        name: b2.StateMonitor(group, variables, record=index, dt=PROBE_STEP, name=f"probe_{name}")
        for name, (group, variables, index) in watched.items()
    }
    return Monitors(spikes, weight, dendrite, made)


def _recorded(synapse: SynapseModel, *wanted: str) -> list[str]:
    """States of synapses to record so that these can be known: all, where events alone bring them up to date."""
    return list(synapse.states if synapse.by_events else wanted)


def _read(monitor: b2.StateMonitor, synapse: SynapseModel) -> States:
    """What was recorded of synapses (synapse, time), in SI units, each as it was at its time."""
    states = {name: np.asarray(getattr(monitor, name)) for name in monitor.record_variables}
    return synapse.read(states, np.asarray(monitor.t / second)) if synapse.by_events else states


def trace(
    program: xr.Dataset,
    timeline: Timeline,
    recorded: Monitors,
    cells: int,
    probes: Sequence[Probe],
    synapse: SynapseModel,
) -> xr.Dataset:
    """The Trace of a finished run (without its provenance)."""
    sizes = program.sizes
    episodes, events, pre, post = (sizes[d] for d in ("episode", "event", "pre", "post"))
    # (synapse, event + 1) -> (episode, pre, polarity, post, cell, event), the first one before any event
    weight = (_read(recorded.weight, synapse)["weight"] * 1e9).astype(np.float32)[:, 1 : events + 1]
    weight = weight.reshape(episodes, pre, 2, post, cells, events).mean(axis=4).transpose(0, 4, 2, 3, 1)
    times = [np.asarray(m.t / ms) for m in recorded.spikes]
    index = [np.asarray(m.i) for m in recorded.spikes]

    writing = _counts(times[0], index[0], timeline.write_start, timeline.write_stop, episodes * pre)
    reading = _counts(times[1], index[1], timeline.read_start, timeline.read_stop, episodes * 2 * post * cells)
    pre_rate = writing.reshape(events, episodes, pre).transpose(1, 0, 2)
    post_rate = reading.reshape(events, episodes, 2, post, cells).mean(axis=4).transpose(1, 0, 2, 3)
    # (cell, event + 1) -> (event, episode, polarity, post), a mean over cells and over the time that the gate was open
    gated, opened = (
        np.diff(np.asarray(each))[:, :events].T for each in (recorded.dendrite.v_opened, recorded.dendrite.opened)
    )
    voltage = np.divide(1000 * gated, opened, out=np.full_like(gated, np.nan), where=opened > 0)
    dendrite = voltage.reshape(events, episodes, 2, post, cells).mean(axis=4).transpose(1, 0, 2, 3)
    asked = np.asarray((program["query"].values > 0).any(axis=2, keepdims=True))
    recall = np.where(asked, post_rate[:, :, 0] - post_rate[:, :, 1], np.nan)

    per_episode = (pre, 2 * post * cells, 2 * post * cells)
    data: dict[str, tuple[Any, np.ndarray, dict[str, Any]]] = {
        "weight": (traces.DIMS["weight"], weight[:, :, 0] - weight[:, :, 1], {"units": "nS"}),
        "recall": (traces.DIMS["recall"], recall, {"units": "Hz"}),
        "conductance": (traces.OPTIONAL["conductance"], weight, {"units": "nS"}),
        "pre_rate": (traces.OPTIONAL["pre_rate"], pre_rate, {"units": "Hz"}),
        "post_rate": (traces.OPTIONAL["post_rate"], post_rate, {"units": "Hz"}),
        "dendrite": (traces.OPTIONAL["dendrite"], dendrite, {"units": "mV"}),
        "spike_time": ("spike", np.concatenate(times), {"units": "ms"}),
        "spike_episode": (
            "spike",
            np.concatenate([i // n for i, n in zip(index, per_episode, strict=True)]),
            {"units": "1"},
        ),
        "spike_cell": (
            "spike",
            np.concatenate([i % n for i, n in zip(index, per_episode, strict=True)]),
            {"units": "1"},
        ),
        "spike_population": (
            "spike",
            np.repeat(np.arange(3, dtype=np.int8), [len(t) for t in times]),
            {"units": "1", "flag_values": [0, 1, 2], "flag_meanings": " ".join(POPULATIONS)},
        ),
    }
    if probes:
        states = _read(recorded.probe["plastic"], synapse)
        seen: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
            "dendrite": (np.asarray(recorded.probe["value"].v_dendrite / mV), {"units": "mV"}),
            "conductance": (states["weight"] * 1e9, {"units": "nS"}),
        }
        if "key" in recorded.probe:
            seen["nmda"] = (np.asarray(recorded.probe["key"].s_nmda), {"units": "1"})
        if "calcium" in states:
            levels = {f"{name}_threshold": level for name, level in synapse.thresholds.items()}
            seen["calcium"] = (states["calcium"], {"units": "1", **levels})
        data |= {f"probe_{name}": (("probe", "time"), values, attrs) for name, (values, attrs) in seen.items()}
    dataset = xr.Dataset(data, coords={"polarity": list(POLARITY)}, attrs={"kind": traces.KIND})
    for name in ("write_start", "write_stop", "read_start", "read_stop"):
        dataset = dataset.assign_coords({name: ("event", getattr(timeline, name), {"units": "ms"})})
    if probes:
        columns = zip(*probes, strict=True)
        names = ("probe_episode", "probe_polarity", "probe_post", "probe_pre")
        dataset = dataset.assign_coords({n: ("probe", list(c)) for n, c in zip(names, columns, strict=True)})
        dataset = dataset.assign_coords(time=("time", np.asarray(recorded.probe["value"].t / ms), {"units": "ms"}))
    return dataset


def stamped(dataset: xr.Dataset, config: dict[str, Any], seed: int) -> xr.Dataset:
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
