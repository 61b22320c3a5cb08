"""The Brian2 objects of one network: cells, the connections among them, and the plastic synapses.

Every parameter is a variable of the groups that name it, not a constant in their code, so that networks which differ
in numbers alone have the same code. `numbers` fills these variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import ms, second

from neurofwp.brian import random_numbers
from neurofwp.brian.connect import connect, events, watch_plateaus
from neurofwp.brian.device import compiling
from neurofwp.brian.own import Own
from neurofwp.brian.thresholds import ManyCells
from neurofwp.spiking.circuits import apical_feedback as circuits
from neurofwp.spiking.numbers import varied_constants
from neurofwp.spiking.plan import GROUPS, Plan
from neurofwp.spiking.timeline import Timeline

STREAMS = 100  # of random numbers, for each group of cells


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


@dataclass(frozen=True)
class _Frame:
    """What all groups share: two clocks, since every clock is looked at in every step, and names in equations."""

    plan: Plan
    membrane: b2.Clock
    plasticity: b2.Clock
    names: dict[str, Any]


def build(plan: Plan, timeline: Timeline) -> Populations:
    """Make all groups; their variables are still 0."""
    frame = _Frame(
        plan,
        b2.Clock(plan.membrane_step, name="membrane_clock"),
        b2.Clock(plan.plasticity_step, name="plasticity_clock"),
        _namespace(plan, timeline),
    )
    key = _key_cells(frame)
    value = _lif(
        frame, "value", "soma", circuits.VALUE + plan.synapse.text("postsynaptic"),
        at_spike=plan.synapse.text("postsynaptic_spike"), lookup=circuits.VALUE_LOOKUP,
        update=circuits.VALUE_UPDATE + plan.synapse.text("postsynaptic_update"), events=events(plan.synapse),
    )  # fmt: skip
    watch_plateaus(plan.synapse, value)
    inter = _lif(frame, "interneuron", "inter", circuits.INTERNEURON, update=circuits.INTERNEURON_UPDATE)
    return Populations(
        key,
        value,
        inter,
        plastic=_plastic(frame, key, value),
        relay=_within_pools(frame, value, inter, "relay", "g_drive_post += g_soma_inter/per_pool"),
        feedback=_within_pools(frame, inter, value, "feedback", "g_feedback_post += g_gaba/per_pool"),
    )


def _namespace(plan: Plan, timeline: Timeline) -> dict[str, Any]:
    """All tables and constants that the equations of cells name, but for parameters."""
    tables = {
        # rows of `phase_at` last a millisecond; the others are indexed by phase: a row a "second"
        name: b2.TimedArray(
            table * (b2.Hz if name == "forgetting_table" else 1),
            dt=1 * ms if name == "phase_at" else 1 * second,
            name=name,
        )
        for name, table in timeline.tables.items()
    }
    return {
        **tables,
        "gate_by_conductance": int(plan.gate == "conductance"),
        "per_pool": plan.per_pool,
        "plasticity_step": plan.plasticity_step,
    }


def _key_cells(frame: _Frame) -> b2.NeuronGroup:
    synapse = frame.plan.synapse
    gating, spike = synapse.text("presynaptic"), synapse.text("presynaptic_spike")
    if frame.plan.key_cells == "poisson":
        return _cells(
            frame, "key", circuits.KEY_POISSON + gating, lookup=circuits.KEY_POISSON_LOOKUP,
            threshold="rand() < rate*dt", reset=spike,
        )  # fmt: skip
    return _lif(
        frame, "key", "key", circuits.KEY_LIF + gating, at_spike=spike, lookup=circuits.KEY_LIF_LOOKUP,
        update=circuits.KEY_LIF_UPDATE,
    )  # fmt: skip


def _lif(frame: _Frame, name: str, kind: str, equations: str, *, at_spike: str = "", **more: Any) -> b2.NeuronGroup:
    """Integrate-and-fire cells; `kind` names their refractory period."""
    return _cells(
        frame, name, equations, threshold="v > v_threshold", reset=f"v = v_reset\n{at_spike}",
        # whole steps, as Brian2 counts them, but without integers, which keep AVX2 from doing many cells at once
        refractory=f"t - lastspike < {kind}_refractory - 0.999*dt", codeobj_class=ManyCells if compiling() else None,
        **more,
    )  # fmt: skip


def _cells(
    frame: _Frame, name: str, equations: str, *, lookup: str = "", update: str = "", **code: Any
) -> b2.NeuronGroup:
    """Cells of all episodes; `lookup`, then `update` run on the plasticity clock."""
    own = Own(frame.plan.constants, frame.plan.varied)
    code = {each: own(text) if isinstance(text, str) else text for each, text in code.items()}
    lookup, update, equations = own(lookup), own(update), own(equations)
    update, more = random_numbers.vectorised(update, STREAMS * GROUPS.index(name))
    group = b2.NeuronGroup(
        frame.plan.replicas * frame.plan.members(name), f"{equations}\n{own.equations}", method="exponential_euler",
        clock=frame.membrane, namespace=frame.names | more, name=name, **code,
    )  # fmt: skip
    for order, (kind, text) in enumerate((("lookup", lookup), ("update", update))):
        if text.strip():
            group.run_regularly(text, clock=frame.plasticity, order=order - 1, name=f"{name}_{kind}")
    return group


def _plastic(frame: _Frame, key: b2.NeuronGroup, value: b2.NeuronGroup) -> b2.Synapses:
    """From every key cell to every value cell of the same episode, ordered by key cell."""
    plan = frame.plan
    return connect(
        plan.synapse,
        key,
        value,
        clock=frame.membrane,
        plasticity=frame.plasticity,
        dtype=plan.synapse_dtype,
        own=varied_constants(plan),
        block=(plan.pre, plan.cells),
    )


def _within_pools(frame: _Frame, source: b2.NeuronGroup, target: b2.NeuronGroup, name: str, on_pre: str) -> b2.Synapses:
    """All-to-all inside each pool."""
    plan = frame.plan
    pool, i, j = _grid(plan.pools, plan.per_pool, plan.per_pool)
    own = Own(plan.constants, plan.varied)
    code = own(on_pre)
    synapses = b2.Synapses(
        source, target, own.equations, on_pre=code, clock=frame.membrane, namespace=frame.names, name=name
    )  # fmt: skip
    synapses.connect(i=pool * plan.per_pool + i, j=pool * plan.per_pool + j)
    return synapses


def _grid(*sizes: int) -> tuple[np.ndarray, ...]:
    """Flat indices of all combinations, the last one fastest."""
    return tuple(index.ravel() for index in np.indices(sizes))
