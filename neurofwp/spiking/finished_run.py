"""What a run of a spiking network leaves: a Trace and, where they are asked for, spikes and probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from neurofwp import trace as traces
from neurofwp.brian.builds import Recorded
from neurofwp.program import CONDITION
from neurofwp.runtime import provenance
from neurofwp.spiking import readout
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.recording import Probe
from neurofwp.spiking.replicas import Replicas
from neurofwp.spiking.timeline import Timeline


@dataclass(frozen=True)
class FinishedRun:
    """What monitors recorded, and all that says what it is.

    probed : probes of all replicas. about, config, seed : what the Trace says of itself. initial_weight : in nS, of
        every condition, where they differ.
    """

    replicas: Replicas
    timeline: Timeline
    recorded: Recorded
    plan: Plan
    probed: Sequence[Probe]
    about: Mapping[str, Any]
    config: dict[str, Any]
    seed: int
    initial_weight: Sequence[float] | None

    def trace(self) -> xr.Dataset:
        """Weights, recall and rates, checked."""
        made = readout.trace(self.replicas.program, self.timeline, self.recorded, self.plan)
        made = self.replicas.by_condition(made).assign_attrs(self.about)
        if self.initial_weight is not None:
            made = made.assign_coords(initial_weight=(CONDITION, list(self.initial_weight), {"units": "nS"}))
        return traces.check(provenance.stamp(made, config=self.config, seed=self.seed))

    def spikes(self) -> xr.Dataset:
        """All spikes, of each population."""
        return self.replicas.spikes_by_condition(readout.spikes(self.timeline, self.recorded, self.plan))

    def probes(self) -> xr.Dataset:
        """Synapses over time."""
        return self.replicas.by_condition(readout.probes(self.recorded, self.plan, self.probed))
