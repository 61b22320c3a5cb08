"""The Brian2 objects of one network: cells, the connections among them, and the plastic synapses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import Quantity, ms, mV, second, siemens
from brian2.units.fundamentalunits import get_dimensions

from neurofwp.spiking import circuit as circuits
from neurofwp.spiking.timeline import Timeline
from neurofwp.synapses.connect import base_unit, connect, events, watch_plateaus
from neurofwp.synapses.model import SynapseModel

CALCIUM_OUTSIDE = 2 * b2.mmolar  # as in most slices


@dataclass(frozen=True)
class Plan:
    """What a network is made of. Cells are ordered by episode, polarity, dimension and number within their pool."""

    synapse: SynapseModel
    circuit: circuits.Circuit
    episodes: int
    pre: int
    post: int
    per_pool: int
    key_cells: str
    gate: str
    membrane_step: Quantity
    plasticity_step: Quantity
    synapse_dtype: type
    # parameters of which every episode has its own: (episode,) quantities, by name
    varied: Mapping[str, Quantity] = field(default_factory=dict)

    @property
    def pools(self) -> int:
        """ON and OFF pools of all episodes."""
        return self.episodes * 2 * self.post

    @property
    def cells(self) -> int:
        """Value cells of one episode, and interneurons."""
        return 2 * self.post * self.per_pool


@dataclass(frozen=True)
class Populations:
    """The parts of one network; all replicas (episodes) share them, without connections between replicas."""

    key: b2.NeuronGroup
    value: b2.NeuronGroup
    inter: b2.NeuronGroup
    plastic: b2.Synapses
    relay: b2.Synapses
    feedback: b2.Synapses

    @property
    def objects(self) -> tuple[Any, ...]:
        """All of them, for a Brian2 Network."""
        return self.key, self.value, self.inter, self.plastic, self.relay, self.feedback


def build(plan: Plan, timeline: Timeline, rng: np.random.Generator) -> Populations:
    """Make all groups, with membrane voltages drawn from `rng`."""
    names = _namespace(plan, timeline)
    key = _key_cells(plan, names)
    value = _lif(
        plan, "value", "soma", circuits.VALUE + plan.synapse.text("postsynaptic"), names,
        at_spike=plan.synapse.text("postsynaptic_spike"),
        update=circuits.VALUE_UPDATE + plan.synapse.text("postsynaptic_update"), **events(plan.synapse),
    )  # fmt: skip
    watch_plateaus(plan.synapse, value)
    inter = _lif(
        plan, "interneuron", "inter", circuits.INTERNEURON, names, update=circuits.INTERNEURON_UPDATE
    )  # fmt: skip
    for group in (each for each in (key, value, inter) if "v" in each.variables):
        group.v = rng.uniform(names["v_reset"] / mV, names["v_threshold"] / mV, len(group)) * mV
    value.v_dendrite = names["E_inh"]
    value.g_exc, value.g_inh = names["soma_exc_mean"], names["soma_inh_mean"]
    value.g_shunt = names["g_tonic"] * (1 - names["gate_by_conductance"])
    inter.g_exc = names["inter_exc_mean"]
    value.calcium_outside = CALCIUM_OUTSIDE
    value.episode = np.repeat(np.arange(plan.episodes), plan.cells)
    value.pool = np.repeat(np.arange(plan.pools), plan.per_pool)
    return Populations(
        key,
        value,
        inter,
        plastic=_plastic(plan, key, value),
        relay=_within_pools(plan, value, inter, "relay", "g_drive_post += g_soma_inter/per_pool", names),
        feedback=_within_pools(plan, inter, value, "feedback", "g_feedback_post += g_gaba/per_pool", names),
    )


def _namespace(plan: Plan, timeline: Timeline) -> dict[str, Any]:
    """All constants and tables that the equations of cells name."""
    tables = {
        "key_table": timeline.key,
        "teach_table": timeline.teach,
        "gate_table": timeline.gate,
        "forgetting_table": timeline.forgetting * b2.Hz,
    }
    return {
        **plan.circuit,
        **plan.synapse.values,
        "gate_by_conductance": int(plan.gate == "conductance"),
        "per_pool": plan.per_pool,
        "plasticity_step": plan.plasticity_step,
        "phase_at": b2.TimedArray(timeline.phase.astype(float), dt=1 * ms, name="phase_at"),
        # indexed by phase: a row a "second"
        **{name: b2.TimedArray(table, dt=1 * second, name=name) for name, table in tables.items()},
    }


def _key_cells(plan: Plan, names: dict[str, Any]) -> b2.NeuronGroup:
    gating, spike = plan.synapse.text("presynaptic"), plan.synapse.text("presynaptic_spike")
    if plan.key_cells == "poisson":
        return _cells(
            plan, "key", plan.pre, circuits.KEY_POISSON + gating, names, update=circuits.KEY_POISSON_UPDATE,
            threshold="rand() < rate*dt", reset=spike,
        )  # fmt: skip
    return _lif(plan, "key", "key", circuits.KEY_LIF + gating, names, at_spike=spike, update=circuits.KEY_LIF_UPDATE)


def _lif(
    plan: Plan,
    name: str,
    kind: str,
    equations: str,
    names: dict[str, Any],
    *,
    update: str,
    at_spike: str = "",
    **more: Any,
) -> b2.NeuronGroup:
    """Integrate-and-fire cells; `kind` names their refractory period."""
    return _cells(
        plan, name, plan.pre if kind == "key" else plan.cells, equations, names, update=update,
        threshold="v > v_threshold", reset=f"v = v_reset\n{at_spike}", refractory=f"{kind}_refractory", **more,
    )  # fmt: skip


def _cells(
    plan: Plan, name: str, per_episode: int, equations: str, names: dict[str, Any], *, update: str, **code: Any
) -> b2.NeuronGroup:
    """Cells of all episodes; `update` runs on the plasticity clock."""
    own = _Own(plan, np.repeat(np.arange(plan.episodes), per_episode))
    code = {each: own(text) if isinstance(text, str) else text for each, text in code.items()}
    update, equations = own(update), own(equations)
    group = b2.NeuronGroup(
        len(own.episode), f"{equations}\n{own.equations}", method="exponential_euler", dt=plan.membrane_step,
        namespace=names, name=name, **code,
    )  # fmt: skip
    own.set(group)
    group.run_regularly(update, dt=plan.plasticity_step, name=f"{name}_update")
    return group


class _Own:
    """Variables that cells or synapses have in place of parameters that differ between episodes.

    They have names of their own: Brian2 does not let a variable of a synapse be called like one of its cells.
    """

    def __init__(self, plan: Plan, episode: np.ndarray) -> None:
        self.varied, self.episode = plan.varied, episode
        self.named: set[str] = set()

    def __call__(self, code: str) -> str:
        """The code, with these variables in it."""
        found = {name for name in self.varied if re.search(rf"\b{name}\b", code)}
        self.named |= found
        return re.sub(rf"\b({'|'.join(found)})\b", r"own_\1", code) if found else code

    @property
    def equations(self) -> str:
        return "\n".join(f"own_{name} : {base_unit(self.varied[name])} (constant)" for name in sorted(self.named))

    def set(self, group: Any) -> None:
        for name in self.named:
            setattr(group, f"own_{name}", self.varied[name][self.episode])


def _plastic(plan: Plan, key: b2.NeuronGroup, value: b2.NeuronGroup) -> b2.Synapses:
    """From every key cell to every value cell of the same episode, ordered by key cell."""
    episode, i, j = _grid(plan.episodes, plan.pre, plan.cells)
    models = _models(plan)
    made = connect(
        plan.synapse,
        key,
        value,
        episode * plan.pre + i,
        episode * plan.cells + j,
        step=plan.membrane_step,
        plasticity_step=plan.plasticity_step,
        dtype=plan.synapse_dtype,
        own={name: values[episode] for name, values in _constants(models, plan.plasticity_step).items()},
    )
    if len(models) > 1:
        initial = np.array([float(model.initial) for model in models])[episode] * siemens
        for name in ("weight", plan.synapse.expressed):
            setattr(made, name, initial)
    return made


def _models(plan: Plan) -> list[SynapseModel]:
    """The synapse of every episode."""
    known = {name: values for name, values in plan.varied.items() if name in plan.synapse.values}
    return [
        replace(plan.synapse, values=plan.synapse.values | {name: values[episode] for name, values in known.items()})
        for episode in range(plan.episodes if known else 1)
    ]


def _constants(models: Sequence[SynapseModel], step: Quantity) -> dict[str, Quantity]:
    """Constants of synapses, derived ones too, that differ between episodes: (episode,), by name."""
    every = [model.constants(step) for model in models]
    values = {name: np.array([float(each[name]) for each in every]) for name in every[0]}
    return {
        name: Quantity(numbers, dim=get_dimensions(every[0][name]))
        for name, numbers in values.items()
        if (numbers != numbers[0]).any()
    }


def _within_pools(
    plan: Plan, source: b2.NeuronGroup, target: b2.NeuronGroup, name: str, on_pre: str, names: dict[str, Any]
) -> b2.Synapses:
    """All-to-all inside each pool."""
    pool, i, j = _grid(plan.pools, plan.per_pool, plan.per_pool)
    own = _Own(plan, pool // (2 * plan.post))
    code = own(on_pre)
    synapses = b2.Synapses(
        source, target, own.equations, on_pre=code, dt=plan.membrane_step, namespace=names, name=name
    )  # fmt: skip
    synapses.connect(i=pool * plan.per_pool + i, j=pool * plan.per_pool + j)
    own.set(synapses)
    return synapses


def _grid(*sizes: int) -> tuple[np.ndarray, ...]:
    """Flat indices of all combinations, the last one fastest."""
    return tuple(index.ravel() for index in np.indices(sizes))
