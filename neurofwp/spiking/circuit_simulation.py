"""The simulation of a spiking network: what it is made of, and all that shapes its code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2

from neurofwp.brian.simulation import Simulation
from neurofwp.spiking.initial_values import tables, varied_constants
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.populations import build
from neurofwp.spiking.recording import Probe, monitors, watched_cells
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
