"""What is recorded from a spiking network; `readout` makes a Trace of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import brian2 as b2
import numpy as np
import xarray as xr
from brian2 import ms

from neurofwp.brian.device import compiles
from neurofwp.brian.watch import Watched, differential, watch
from neurofwp.brian.writer import RuntimeWriter, Writer
from neurofwp.errors import InputError
from neurofwp.spiking.circuits.circuit import SYNAPSES
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.populations import Populations
from neurofwp.spiking.timeline import Timeline
from neurofwp.synapses.model import SynapseModel

Probe = tuple[int, str, int, int]  # episode, "on" or "off", post, pre
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
) -> Iterator[b2.BrianObject]:
    """All spikes, weights and sums of dendritic voltage at the ends of events, and a few synapses over time.

    At the ends of events the run is also stopped if a number is no longer finite.
    """
    key, value, plastic = populations.cells["key"], populations.cells["value"], populations.plastic
    cells = np.arange(plan.replicas * plan.members["value"])
    synapse, sizes, ends = plan.synapse, plan.sizes, b2.Clock(timeline.slot * ms, name="event_clock")
    yield watch(_watched(populations, plan), clock=ends, name="look_for_lost")
    for group in populations.cells.values():
        yield b2.SpikeMonitor(group, name=f"{group.name}_spikes")
    members, states = plan.replicas * plan.members[SYNAPSES], recorded_states(synapse, "weight")
    if compiles():
        yield Writer(plastic, states, members, clock=ends, name="weight_at_events")
    else:
        yield RuntimeWriter(plastic, states, clock=ends, name="weight_at_events")
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
        "plastic": (plastic, recorded_states(synapse, *wanted), synapse_index),
    }
    if "s_nmda" in key.variables:
        watched["key"] = (key, "s_nmda", pre_index)
    often = b2.Clock(PROBE_STEP, name="probe_clock")
    for name, (group, variables, index) in watched.items():
        yield b2.StateMonitor(group, variables, record=index, clock=often, name=f"probe_{name}")


def _watched(populations: Populations, plan: Plan) -> list[Watched]:
    """Synapses, then what differential equations of cells advance."""
    cells = [
        Watched(group, differential(group), plan.replicas * plan.members[name])  # others are in no replica
        for name, group in populations.cells.items()
    ]
    own = (name for name in ("calcium", "weight", plan.synapse.expressed) if name in plan.synapse.states)
    return [Watched(populations.plastic, list(dict.fromkeys(own))), *cells]


def recorded_states(synapse: SynapseModel, *wanted: str) -> list[str]:
    """States of synapses to record so that these can be known: all, where events alone bring them up to date."""
    return list(synapse.states if synapse.by_events else wanted)
