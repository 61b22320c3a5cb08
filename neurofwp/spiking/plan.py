"""What a network is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2 import Quantity

from neurofwp.spiking.circuits.circuit import SYNAPSES, Circuit, Population, Sizes
from neurofwp.spiking.told_cells import Source
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stage import CURRENT

VECTOR = 64  # the most cells that one vector instruction handles: bytes in 512 bits


@dataclass(frozen=True)
class Plan:
    """What a network is made of. Cells are ordered by replica, polarity, dimension and number within their pool."""

    synapse: SynapseModel
    circuit: Circuit
    values: Mapping[str, Quantity | float]  # parameters of the circuit
    episodes: Sequence[int]  # (replica,) number of each in its condition
    seeds: Sequence[int]  # (replica,)
    conditions: bool  # whether these are replicas of conditions
    sizes: Sizes
    key_cells: str
    gate: str
    membrane_step: Quantity
    plasticity_step: Quantity
    synapse_dtype: type
    # parameters of which every replica has its own: (replica,) quantities, by name
    varied: Mapping[str, Quantity] = field(default_factory=dict)
    told: Mapping[str, Source] = field(default_factory=dict)  # when cells fire, of populations that are told

    @property
    def replicas(self) -> int:
        """Episodes of all conditions."""
        return len(self.episodes)

    @property
    def populations(self) -> tuple[Population, ...]:
        """All cells: key cells, value cells, and what else the circuit has."""
        return self.circuit.populations(self.key_cells)

    @property
    def constants(self) -> dict[str, Quantity | float]:
        """Parameters of circuit and synapse, by name."""
        return {**self.values, **self.synapse.values}

    @property
    def members(self) -> dict[str, int]:
        """Cells of each population, and synapses of each connection, of one replica."""
        cells = {each.name: each.count(self.sizes) for each in self.populations}
        connections = {each.name: len(each.pairs(self.sizes)[0]) for each in self.circuit.connections}
        return cells | connections | {SYNAPSES: cells["key"] * cells["value"]}

    def group_size(self, population: str) -> int:
        """Cells of all replicas; of conditions, some more that are in none, so that vector instructions are filled.

        A loop over cells that has a remainder, or is run through once, is compiled otherwise, and what a cell does
        would depend, in its last digits, on how many conditions there are.
        """
        cells = self.replicas * self.members[population]
        return max(2, -(-cells // VECTOR)) * VECTOR if self.conditions else cells

    def parameter(self, name: str, group: str) -> np.ndarray | float:
        """In SI units: one number, or one per member of a group where it differs between replicas."""
        if name not in self.varied:
            return float(self.constants[name])
        return np.repeat(np.asarray(self.varied[name]), self.members[group])

    @property
    def shape(self) -> dict[str, Any]:
        """All that shapes the code of such a network, in JSON, but for tables and recordings."""
        return {
            "circuit": self.circuit.name,
            "replicas": [self.replicas, self.conditions],
            "sizes": [self.sizes.pre, self.sizes.post, self.sizes.per_pool],
            "cells": [[each.name, each.equations, each.lookup, each.update] for each in self.populations],
            "spikes": [[each.threshold, each.reset, each.refractory] for each in self.populations],
            "connections": [[each.name, each.source, each.target, each.at_spike] for each in self.circuit.connections],
            "delays": {name: str(float(self.values[name])) for name in sorted(self.circuit.delays)},
            "gate": self.gate,
            "plasticity_step": str(float(self.plasticity_step)),
            "synapse": self.synapse.shape,
            "current": [self.synapse.text(part) for part in CURRENT] if self.circuit.nmda_current else [],
            "names": sorted(self.constants),
            "varied": sorted(self.varied),
            "dtype": np.dtype(self.synapse_dtype).name,
        }
