"""How much memory and disk a run of a spiking network needs at least: its synapses, and what is recorded of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from brian2 import ms

from neurofwp.program import CONDITION
from neurofwp.runtime import room
from neurofwp.spiking.recording import PROBE_STEP, recorded_states

if TYPE_CHECKING:
    from neurofwp.spiking.network import SpikingNetwork

INDICES = 8  # bytes of a synapse: of which cells it is, 4 each
REDUCE = "fewer episodes, conditions, events or cells at a time"


@dataclass(frozen=True)
class Room:
    """Bytes: of the network while it runs, of the Trace and the probes that it leaves, and of files until then."""

    network: int
    trace: int
    probes: int
    files: int


def needed(network: SpikingNetwork, program: xr.Dataset, conditions: xr.Dataset | None, probes: int) -> Room:
    """At least, of a run of `program` with so many probes in each condition.

    Files, in the temporary folder, hold the weight of every synapse after every event. A Trace holds means over pools
    in single precision, of ON and OFF pools and their difference.
    """
    sizes = program.sizes
    count = sizes.get(CONDITION, 1) if conditions is None else conditions.sizes[CONDITION]
    replicas, events = count * sizes["episode"], sizes["event"]
    pairs = replicas * sizes["pre"] * 2 * sizes["post"]
    synapse, single = network.synapse, np.dtype(network.synapse_dtype).itemsize

    def size(states: Sequence[str]) -> int:
        return sum(8 if name in synapse.double else single for name in states)

    synapses = pairs * network.cells_per_pool
    samples = int(float(program["duration"].min()) * events * ms / PROBE_STEP)
    return Room(
        network=synapses * (size(synapse.states) + INDICES),
        trace=6 * pairs * events,
        probes=count * probes * samples * 2 * 8,  # dendrite and weight, at least, in double precision
        files=synapses * (events + 1) * size(recorded_states(synapse, "weight")),
    )


def check(what: str, *rooms: Room) -> None:
    """Refuse runs for which there is no room: one after the other, while what they leave is kept.

    Raises
    ------
    InputError
        with what is needed, what is free, and what to reduce.
    """
    largest = max(rooms, key=lambda each: each.network)
    left = {"Traces": sum(each.trace for each in rooms), "probes": sum(each.probes for each in rooms)}
    network = {"synapses": largest.network, "probes": largest.probes}
    memory = max(left, network, key=lambda needs: sum(needs.values()))
    folder = Path(tempfile.gettempdir())
    files = {"weights of all synapses after every event": max(each.files for each in rooms)}
    room.check(what, memory, files, folder, REDUCE)
