"""The numbers that a network starts with, by "group.variable", in SI units.

They are all that differs between networks of one shape: `populations` names the variables, and this fills them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from neurofwp.brian.own import OWN
from neurofwp.spiking.circuits.circuit import SYNAPSES
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.timeline import Timeline
from neurofwp.synapses.model import SynapseModel

Numbers = dict[str, np.ndarray | float]


def numbers(plan: Plan, timeline: Timeline, rng: np.random.Generator) -> Numbers:
    """Parameters, tables, states of cells and synapses; where a variable begins anywhere, it is drawn from `rng`."""
    made: Numbers = {f"{name}.values": table for name, table in timeline.tables.items()}
    for population in plan.populations:
        name, own = population.name, partial(plan.parameter, group=population.name)
        every = np.arange(plan.replicas * plan.members[name])
        states: Numbers = {
            variable: rng.uniform(own(low), own(high), every.size)
            for variable, (low, high) in population.spread.items()
        }
        states |= population.start(own, plan.gate == "conductance")
        states |= {"episode": every // plan.members[name], "pool": every // plan.sizes.per_pool}
        made |= {f"{name}.{variable}": value for variable, value in states.items()}
    groups = [each.name for each in plan.populations] + [each.name for each in plan.circuit.connections]
    made |= {f"{group}.{OWN}{name}": plan.parameter(name, group) for group in groups for name in plan.constants}
    return made | _synaptic(plan)


def _synaptic(plan: Plan) -> Numbers:
    """Constants of the synapses, derived ones too, and their weights before anything is written."""
    models = _models(plan)
    every = [model.constants(plan.plasticity_step) for model in models]
    synapses = plan.members[SYNAPSES]
    made: Numbers = {
        f"{SYNAPSES}.{name}": _each([float(constants[name]) for constants in every], synapses) for name in every[0]
    }
    initial = _each([float(model.initial) for model in models], synapses)
    return made | {f"{SYNAPSES}.{name}": initial for name in ("weight", plan.synapse.expressed)}


def varied_constants(plan: Plan) -> set[str]:
    """Names of those constants of synapses that differ between replicas."""
    every = [model.constants(plan.plasticity_step) for model in _models(plan)]
    return {name for name in every[0] if any(float(each[name]) != float(every[0][name]) for each in every)}


def _each(values: Sequence[float], members: int) -> np.ndarray | float:
    return values[0] if all(value == values[0] for value in values) else np.repeat(values, members)


def _models(plan: Plan) -> list[SynapseModel]:
    """The synapse of every replica, or of all."""
    known = {name: values for name, values in plan.varied.items() if name in plan.synapse.values}
    return [
        replace(plan.synapse, values=plan.synapse.values | {name: values[replica] for name, values in known.items()})
        for replica in range(plan.replicas if known else 1)
    ]
