"""What a network is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brian2 import Quantity

from neurofwp.spiking.circuits.apical_feedback import Circuit
from neurofwp.synapses.model import SynapseModel

# groups of cells and connections whose equations name parameters; synapses name theirs themselves
GROUPS = ("key", "value", "interneuron", "relay", "feedback")


@dataclass(frozen=True)
class Plan:
    """What a network is made of. Cells are ordered by replica, polarity, dimension and number within their pool."""

    synapse: SynapseModel
    circuit: Circuit
    replicas: int
    pre: int
    post: int
    per_pool: int
    key_cells: str
    gate: str
    membrane_step: Quantity
    plasticity_step: Quantity
    synapse_dtype: type
    # parameters of which every replica has its own: (replica,) quantities, by name
    varied: Mapping[str, Quantity] = field(default_factory=dict)

    @property
    def pools(self) -> int:
        """ON and OFF pools of all replicas."""
        return self.replicas * 2 * self.post

    @property
    def cells(self) -> int:
        """Value cells of one replica, and interneurons."""
        return 2 * self.post * self.per_pool

    @property
    def constants(self) -> dict[str, Quantity | float]:
        """Parameters of circuit and synapse, by name."""
        return {**self.circuit, **self.synapse.values}

    def members(self, group: str) -> int:
        """Cells or connections of a group in one replica."""
        within = self.cells * self.per_pool
        return {"key": self.pre, "relay": within, "feedback": within, "plastic": self.pre * self.cells}.get(
            group, self.cells
        )
