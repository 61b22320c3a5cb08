"""Linear expression: calcium above a floor potentiates in proportion.

dw/dt = eta max(c - c_floor, 0). The calcium-only limit of Hebbian learning: NMDA calcium is itself the product of
presynaptic gating and postsynaptic depolarisation.
"""

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage, Values


class Linear(Stage):
    """Calcium above a floor potentiates."""

    stage = "expression"
    form = "linear"
    source = "Irie & Gershman 2025, arXiv 2508.08435"
    parameters = (
        Parameter("eta", "nS/s", "potentiation per unit of calcium above the floor", low=0),
        Parameter("c_floor", "1", "calcium below which nothing changes", low=0),
    )
    synaptic_update = "weight = weight + plasticity_step*eta*clip(calcium - c_floor, 0, inf)"
    idle = "calcium <= c_floor"

    def thresholds(self, values: Values) -> dict[str, float]:
        return {"potentiation": float(values["c_floor"])}
