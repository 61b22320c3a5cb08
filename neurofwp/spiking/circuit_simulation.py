"""The simulation of a spiking network: what it is made of, and all that shapes its code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2

from neurofwp.brian.not_finite import Lost, NotFinite
from neurofwp.brian.simulation import Simulation
from neurofwp.spiking.circuits.circuit import SYNAPSES
from neurofwp.spiking.initial_values import tables, varied_constants
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.populations import build
from neurofwp.spiking.recording import POLARITY, Probe, monitors, watched_cells
from neurofwp.spiking.timeline import Timeline


@dataclass(frozen=True, kw_only=True)
class CircuitSimulation(Simulation):
    """All replicas of a plan, while a timeline lasts; `neurofwp.spiking.initial_values` fills its variables."""

    plan: Plan
    timeline: Timeline
    probes: Sequence[Probe] = ()

    def network(self) -> b2.Network:
        populations = build(self.plan, self.timeline, watched_cells(self.probes, self.plan))
        seen = monitors(populations, self.timeline, self.probes, self.plan)
        return b2.Network(*populations.objects, *seen)

    def shape(self) -> dict[str, Any]:
        return self.plan.shape | {
            "slot": self.timeline.slot,
            "tables": {name: table.shape for name, table in tables(self.plan, self.timeline).items()},
            "varied constants": sorted(varied_constants(self.plan)),
            "probes": list(self.probes),
        }

    def in_words(self, found: NotFinite) -> str:
        event = round(1000 * found.time / self.timeline.slot) - 1
        first, *others = found.lost
        also = f"; so are {', '.join(dict.fromkeys(each.variable for each in others))}" if others else ""
        when = f"in event {event}" if event >= 0 else "before the first event"
        return (
            f"{first.variable} of {self._place(first)} became {first.value:g} {when}, which ends at {found.time:g} s"
            f"{also}: parameters of synapse model {self.plan.synapse.name!r} or circuit {self.plan.circuit.name!r} "
            "make numbers overflow, or a time step is too long for them"
        )

    def _place(self, lost: Lost) -> str:
        """The cell or synapse, and its episode."""
        plan, plastic = self.plan, lost.group == "plastic"
        replica, within = divmod(lost.number, plan.members[SYNAPSES if plastic else lost.group])
        place = f"{lost.group} cell {within}"
        if plastic:
            key, within = divmod(within, plan.members["value"])
            place = f"the synapse from key cell {key} to value cell {within}"
        if lost.group in ("plastic", "value"):
            polarity, dimension = divmod(within // plan.sizes.per_pool, plan.sizes.post)
            place += f" ({POLARITY[polarity].upper()} pool of dimension {dimension})"
        of = f" of condition {replica // (max(plan.episodes) + 1)}" if plan.conditions else ""
        return f"{place} in episode {plan.episodes[replica]}{of}"
