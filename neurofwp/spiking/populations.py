"""The Brian2 objects of one network: cells, the connections among them, and the plastic synapses.

Every parameter is a variable of the groups that name it, not a constant in their code, so that networks which differ
in numbers alone have the same code. `numbers` fills these variables.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import ms, second

from neurofwp.brian import random_numbers
from neurofwp.brian.connect import connect, events, watch_plateaus
from neurofwp.brian.device import compiles
from neurofwp.brian.own import OF_CONNECTION, Own
from neurofwp.brian.spike_detection import ManyCells
from neurofwp.spiking.circuits.circuit import Connection, Population
from neurofwp.spiking.initial_values import tables, varied_constants
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.timeline import Timeline

NOISE = """
    noise_key : integer (constant)
    noise_cell : integer (constant)
    synapse_noise_key : integer (constant)
"""


@dataclass(frozen=True)
class Populations:
    """The parts of one network; all replicas share them, without connections between replicas."""

    cells: dict[str, b2.NeuronGroup]
    plastic: b2.Synapses
    connections: dict[str, b2.Synapses]

    @property
    def objects(self) -> tuple[Any, ...]:
        """All of them, for a Brian2 Network."""
        return *self.cells.values(), self.plastic, *self.connections.values()


@dataclass(frozen=True)
class _Frame:
    """What all groups share: two clocks, since every clock is looked at in every step, and names in equations."""

    plan: Plan
    membrane: b2.Clock
    plasticity: b2.Clock
    names: dict[str, Any]


def build(plan: Plan, timeline: Timeline, watched: Collection[int] = ()) -> Populations:
    """Make all groups; their variables are still 0.

    watched : key cells whose synapses are recorded over time.
    """
    frame = _Frame(
        plan,
        b2.Clock(plan.membrane_step, name="membrane_clock"),
        b2.Clock(plan.plasticity_step, name="plasticity_clock"),
        _namespace(plan, timeline),
    )
    cells = {each.name: _cells(frame, each) for each in plan.populations}
    watch_plateaus(plan.synapse, cells["value"])
    return Populations(
        cells,
        plastic=_plastic(frame, cells["key"], cells["value"], watched),
        connections={each.name: _connection(frame, cells, each) for each in plan.circuit.connections},
    )


def _namespace(plan: Plan, timeline: Timeline) -> dict[str, Any]:
    """All tables and constants that the equations of cells name, but for parameters."""
    every = {
        # rows of `phase_at` last a millisecond; the others are indexed by phase: a row a "second"
        name: b2.TimedArray(
            table * (b2.Hz if name == "forgetting_table" else 1),
            dt=1 * ms if name == "phase_at" else 1 * second,
            name=name,
        )
        for name, table in tables(plan, timeline).items()
    }
    return {
        **every,
        **random_numbers.FUNCTIONS,
        "gate_by_conductance": int(plan.gate == "conductance"),
        "per_pool": plan.sizes.per_pool,
        **{f"{each.name}_cells": plan.members[each.name] for each in plan.populations},
        "plasticity_step": plan.plasticity_step,
    }


def _synaptic_code(plan: Plan, name: str) -> tuple[str, str, str]:
    """What synapses add to the cells of this name: equations, statements at a spike, and on the plasticity clock."""
    parts = {
        "key": ("presynaptic", "presynaptic_spike", ""),
        "value": ("postsynaptic", "postsynaptic_spike", "postsynaptic_update"),
    }.get(name, ("", "", ""))
    equations, spike, update = (plan.synapse.text(part) if part else "" for part in parts)
    if name == "value" and plan.circuit.nmda_current:
        # of a synapse without these receptors nothing is open
        equations = f"{equations}\n{plan.synapse.text('summed') or 'nmda_open = 0 : 1'}\nnmda_unblocked : 1"
    return equations, spike, update


def _cells(frame: _Frame, population: Population) -> b2.NeuronGroup:
    """Cells of all replicas; `lookup`, then `update` run on the plasticity clock."""
    plan, name = frame.plan, population.name
    equations, spike, update = _synaptic_code(plan, name)
    own, noise = Own(plan.constants, plan.varied), random_numbers.Noise()
    lookup, update = noise(own(population.lookup)), noise(own(population.update + update))
    equations = own(population.equations + equations)
    code: dict[str, Any] = {
        "threshold": noise(own(population.threshold)),
        "reset": noise(own(f"{population.reset}\n{spike}")),
        "codeobj_class": ManyCells if compiles() else None,
    }
    if population.refractory:
        # whole steps, as Brian2 counts them, but without integers, which keep AVX2 from doing many cells at once
        code["refractory"] = own(f"t - lastspike < {population.refractory} - 0.999*dt")
    if name == "value":
        code["events"] = events(plan.synapse)
    group = b2.NeuronGroup(
        plan.group_size(name),
        "\n".join((equations, own.equations, NOISE)),
        method="exponential_euler",
        clock=frame.membrane,
        namespace=frame.names,
        name=name,
        **code,
    )
    for order, (kind, text) in enumerate((("lookup", lookup), ("update", update))):
        if text.strip():
            group.run_regularly(text, clock=frame.plasticity, order=order - 1, name=f"{name}_{kind}")
    if (
        name == "value" and plan.circuit.nmda_current
    ):  # a voltage that stands still for a step: exponential Euler's own order
        block = own(f"nmda_unblocked = {plan.synapse.text('unblocked') or 1}")
        group.run_regularly(block, clock=frame.membrane, name="value_block")
    return group


def _plastic(frame: _Frame, key: b2.NeuronGroup, value: b2.NeuronGroup, watched: Collection[int]) -> b2.Synapses:
    """From every key cell to every value cell of the same replica, ordered by key cell."""
    plan, cells = frame.plan, frame.plan.members["value"]
    return connect(
        plan.synapse,
        key,
        value,
        clock=frame.membrane,
        plasticity=frame.plasticity,
        dtype=plan.synapse_dtype,
        own=varied_constants(plan),
        block=(plan.replicas, plan.members["key"], cells),
        noise=random_numbers.Noise("synapse_noise_key_pre", f"noise_cell_pre*{cells} + noise_cell_post"),
        watched=watched,
    )


def _connection(frame: _Frame, cells: dict[str, b2.NeuronGroup], connection: Connection) -> b2.Synapses:
    """The same pairs of cells in every replica."""
    plan = frame.plan
    own = Own(plan.constants, plan.varied, OF_CONNECTION)
    code = own(connection.at_spike)
    synapses = b2.Synapses(
        cells[connection.source],
        cells[connection.target],
        own.equations,
        on_pre=code,
        delay=plan.values[connection.delay] if connection.delay else None,
        clock=frame.membrane,
        namespace=frame.names,
        name=connection.name,
    )
    replica = np.arange(plan.replicas)[:, np.newaxis]
    i, j = (
        (replica * plan.members[name] + within).ravel()
        for name, within in zip((connection.source, connection.target), connection.pairs(plan.sizes), strict=True)
    )
    synapses.connect(i=i, j=j)
    return synapses
