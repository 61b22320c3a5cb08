"""The Brian2 objects of one network: cells, the connections among them, and the plastic synapses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import Quantity, ms, mV, second
from brian2.units.fundamentalunits import get_dimensions, get_unit, is_dimensionless

from neurofwp.spiking import circuit as circuits
from neurofwp.spiking.timeline import Timeline
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
    )  # fmt: skip
    inter = _lif(plan, "interneuron", "inter", circuits.INTERNEURON, names)
    for group, update in (
        (value, circuits.VALUE_UPDATE + plan.synapse.text("postsynaptic_update")),
        (inter, circuits.INTERNEURON_UPDATE),
    ):
        group.run_regularly(update, dt=plan.plasticity_step, name=f"{group.name}_update")
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
        key = b2.NeuronGroup(
            plan.episodes * plan.pre,
            circuits.KEY_POISSON + gating,
            threshold="rand() < rate*dt",
            reset=spike,
            method="exponential_euler",
            dt=plan.membrane_step,
            namespace=names,
            name="key",
        )
    else:
        key = _lif(plan, "key", "key", circuits.KEY_LIF + gating, names, at_spike=spike)
    update = circuits.KEY_POISSON_UPDATE if plan.key_cells == "poisson" else circuits.KEY_LIF_UPDATE
    key.run_regularly(update, dt=plan.plasticity_step, name="key_update")
    return key


def _lif(plan: Plan, name: str, kind: str, equations: str, names: dict[str, Any], at_spike: str = "") -> b2.NeuronGroup:
    """Integrate-and-fire cells; `kind` names their refractory period."""
    return b2.NeuronGroup(
        plan.episodes * (plan.pre if kind == "key" else plan.cells),
        equations,
        threshold="v > v_threshold",
        reset=f"v = v_reset\n{at_spike}",
        refractory=f"{kind}_refractory",
        method="exponential_euler",
        dt=plan.membrane_step,
        namespace=names,
        name=name,
    )


def _plastic(plan: Plan, key: b2.NeuronGroup, value: b2.NeuronGroup) -> b2.Synapses:
    """From every key cell to every value cell of the same episode, ordered by key cell."""
    # Single-precision states beside double-precision cells let the compiler vectorise the update; a literal or a
    # constant from the namespace would be a double, so the parameters are shared variables of the synapses.
    constants = plan.synapse.constants(plan.plasticity_step)
    shared = "\n".join(f"{name} : {base_unit(number)} (shared, constant)" for name, number in constants.items())
    states = plan.synapse.text("synaptic")
    declared = [*constants, *(line.split(":")[0].strip() for line in states.splitlines() if ":" in line)]
    at_pre = {"now": plan.synapse.text("spike"), "late": plan.synapse.text("late_spike")}
    plastic = b2.Synapses(
        key,
        value,
        f"{states}\n{shared}",
        on_pre={name: code for name, code in at_pre.items() if code},
        on_post=plan.synapse.text("spike_post") or None,
        dt=plan.membrane_step,
        dtype=dict.fromkeys(declared, plan.synapse_dtype),
        name="plastic",
    )
    episode, i, j = _grid(plan.episodes, plan.pre, plan.cells)
    plastic.connect(i=episode * plan.pre + i, j=episode * plan.cells + j)
    if at_pre["late"]:
        plastic.late.delay = plan.synapse.values[plan.synapse.text("delay")]
    for name, number in constants.items():
        setattr(plastic, name, number)
    for name in ("weight", plan.synapse.expressed):
        setattr(plastic, name, plan.synapse.initial)
    if plan.synapse.update:
        plastic.run_regularly(plan.synapse.update, dt=plan.plasticity_step, order=1, name="plastic_update")
    return plastic


def _within_pools(
    plan: Plan, source: b2.NeuronGroup, target: b2.NeuronGroup, name: str, on_pre: str, names: dict[str, Any]
) -> b2.Synapses:
    """All-to-all inside each pool."""
    synapses = b2.Synapses(source, target, on_pre=on_pre, dt=plan.membrane_step, namespace=names, name=name)
    pool, i, j = _grid(plan.pools, plan.per_pool, plan.per_pool)
    synapses.connect(i=pool * plan.per_pool + i, j=pool * plan.per_pool + j)
    return synapses


def _grid(*sizes: int) -> tuple[np.ndarray, ...]:
    """Flat indices of all combinations, the last one fastest."""
    return tuple(index.ravel() for index in np.indices(sizes))


def base_unit(value: Quantity | float) -> str:
    """How Brian2's equations write the unit of a value."""
    return "1" if is_dimensionless(value) else repr(get_unit(get_dimensions(value)))
