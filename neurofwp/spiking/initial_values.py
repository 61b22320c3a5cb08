"""The numbers that a network starts with, by "group.variable", in SI units.

They are all that differs between networks of one shape: `populations` names the variables, and this fills them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from brian2 import Quantity, nS

from neurofwp.brian import random_numbers
from neurofwp.brian.own import OF_CONNECTION, OWN
from neurofwp.errors import InputError
from neurofwp.spiking.circuits.circuit import SYNAPSES, Population
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.timeline import Timeline
from neurofwp.spiking.told_cells import TEACHER
from neurofwp.synapses.model import SynapseModel

Numbers = dict[str, np.ndarray | float]


def numbers(plan: Plan, timeline: Timeline) -> Numbers:
    """Parameters, tables, states of cells and synapses, and the keys of random numbers.

    Raises
    ------
    InputError
        for a group with more members than random numbers can be told apart by.
    """
    for name, count in plan.members.items():
        if count > random_numbers.CELLS:
            raise InputError(
                f"{name!r} has {count} members in an episode: at most {random_numbers.CELLS} can draw noise"
            )
    made: Numbers = {f"{name}.values": table for name, table in tables(plan, timeline).items()}
    for population in plan.populations:
        name = population.name
        own = _cells(plan, population) | {f"{OWN}{each}": plan.parameter(each, name) for each in plan.constants}
        made |= {f"{name}.{variable}": _pad(value, plan.group_size(name)) for variable, value in own.items()}
    if TEACHER in plan.told:  # spikes teach in its place
        made[f"value.{OWN}g_teach"] = np.zeros_like(made[f"value.{OWN}g_teach"])
    for connection in plan.circuit.connections:
        name = connection.name
        made |= {f"{name}.{OF_CONNECTION}{each}": plan.parameter(each, name) for each in plan.constants}
    return made | _synaptic(plan)


def tables(plan: Plan, timeline: Timeline) -> dict[str, np.ndarray]:
    """Of a timeline, with columns for the cells that are in no replica too; and when cells are told to fire."""
    beyond = plan.group_size("key") - plan.replicas * plan.members["key"]
    told = {f"{name}_times": source.table for name, source in plan.told.items()}
    return timeline.tables | {"key_table": np.pad(timeline.key, ((0, 0), (0, beyond)))} | told


def _cells(plan: Plan, population: Population) -> Numbers:
    """Where variables of a population begin, and which numbers its cells draw."""
    name, members = population.name, plan.members[population.name]
    every = np.arange(plan.replicas * members)
    key, of_synapses = (
        np.repeat(random_numbers.keys(plan.seeds, group, plan.episodes), members) for group in (name, SYNAPSES)
    )
    states: Numbers = {"noise_key": key, "noise_cell": every % members, "synapse_noise_key": of_synapses}
    for stream, (variable, (low, high)) in enumerate(population.spread.items()):
        share = random_numbers.uniform(key, every % members, stream, random_numbers.BEGINNING)
        lowest, highest = plan.parameter(low, name), plan.parameter(high, name)
        states[variable] = lowest + share * (highest - lowest)
    states |= population.start(partial(plan.parameter, group=name), plan.gate == "conductance")
    if name in plan.told:
        states |= plan.told[name].start
    return states | {"episode": every // members, "pool": every // plan.sizes.per_pool}


def _pad(value: np.ndarray | float, size: int) -> np.ndarray | float:
    return value if np.ndim(value) == 0 else np.pad(value, (0, size - np.size(value)), mode="edge")


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


def initial_weights(synapse: SynapseModel, parameters: Mapping[str, Quantity]) -> list[float] | None:
    """In nS, of every condition, where `parameters` (condition,) make them differ."""
    own = {name: values for name, values in parameters.items() if name in synapse.values}
    models = (
        replace(synapse, values=synapse.values | dict(zip(own, values, strict=True)))
        for values in zip(*own.values(), strict=True)
    )
    initial = [float(model.initial / nS) for model in models]
    return initial if len(set(initial)) > 1 else None
