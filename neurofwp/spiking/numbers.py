"""The numbers that a network starts with, by "group.variable", in SI units.

They are all that differs between networks of one shape: `populations` names the variables, and this fills them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neurofwp.brian.own import OWN
from neurofwp.spiking.plan import GROUPS, Plan
from neurofwp.spiking.timeline import Timeline
from neurofwp.synapses.model import SynapseModel

CALCIUM_OUTSIDE = 2.0  # mol/m^3, which is mM: as in most slices

Numbers = dict[str, np.ndarray | float]


def numbers(plan: Plan, timeline: Timeline, rng: np.random.Generator) -> Numbers:
    """Parameters, tables, states of cells and synapses; membrane voltages are drawn from `rng`."""
    low, high = float(plan.circuit["v_reset"]), float(plan.circuit["v_threshold"])
    cells = plan.replicas * plan.cells
    sizes = {"value": cells, "interneuron": cells}
    if plan.key_cells == "lif":
        sizes = {"key": plan.replicas * plan.pre} | sizes
    states: Numbers = {f"{group}.v": rng.uniform(low, high, size) for group, size in sizes.items()}
    closed = 0.0 if plan.gate == "conductance" else 1.0
    states |= {
        "value.v_dendrite": _own(plan, "E_inh", "value"),
        "value.g_exc": _own(plan, "soma_exc_mean", "value"),
        "value.g_inh": _own(plan, "soma_inh_mean", "value"),
        "value.g_shunt": _own(plan, "g_tonic", "value") * closed,
        "value.calcium_outside": CALCIUM_OUTSIDE,
        "value.episode": np.repeat(np.arange(plan.replicas), plan.cells),
        "value.pool": np.repeat(np.arange(plan.pools), plan.per_pool),
        "interneuron.g_exc": _own(plan, "inter_exc_mean", "interneuron"),
    }
    parameters: Numbers = {
        f"{group}.{OWN}{name}": _own(plan, name, group) for group in GROUPS for name in plan.constants
    }
    return _tables(timeline) | states | parameters | _synaptic(plan)


def _own(plan: Plan, name: str, group: str) -> np.ndarray | float:
    """A parameter of a group: one number, or one per cell or connection where it differs between episodes."""
    if name not in plan.varied:
        return float(plan.constants[name])
    return np.repeat(np.asarray(plan.varied[name]), plan.members(group))


def _tables(timeline: Timeline) -> Numbers:
    return {f"{name}.values": table for name, table in timeline.tables.items()}


def _synaptic(plan: Plan) -> Numbers:
    """Constants of the synapses, derived ones too, and their weights before anything is written."""
    models = _models(plan)
    every = [model.constants(plan.plasticity_step) for model in models]
    synapses = plan.members("plastic")
    made: Numbers = {
        f"plastic.{name}": _each([float(constants[name]) for constants in every], synapses) for name in every[0]
    }
    initial = _each([float(model.initial) for model in models], synapses)
    return made | {f"plastic.{name}": initial for name in ("weight", plan.synapse.expressed)}


def varied_constants(plan: Plan) -> set[str]:
    """Names of those constants of synapses that differ between episodes."""
    every = [model.constants(plan.plasticity_step) for model in _models(plan)]
    return {name for name in every[0] if any(float(each[name]) != float(every[0][name]) for each in every)}


def _each(values: Sequence[float], members: int) -> np.ndarray | float:
    return values[0] if all(value == values[0] for value in values) else np.repeat(values, members)


def _models(plan: Plan) -> list[SynapseModel]:
    """The synapse of every episode, or of all."""
    known = {name: values for name, values in plan.varied.items() if name in plan.synapse.values}
    return [
        replace(plan.synapse, values=plan.synapse.values | {name: values[episode] for name, values in known.items()})
        for episode in range(plan.replicas if known else 1)
    ]
