"""Triplets of spikes: potentiation needs a postsynaptic spike before the pair, depression a presynaptic one.

Each presynaptic spike: w <- w - w_unit o1 (A2- + A3- r2), then r1 <- r1 + 1, r2 <- r2 + 1
Each postsynaptic spike: w <- w + w_unit r1 (A2+ + A3+ o2), then o1 <- o1 + 1, o2 <- o2 + 1
dr1/dt = -r1/tau+, dr2/dt = -r2/tau_x (presynaptic cell), do1/dt = -o1/tau-, do2/dt = -o2/tau_y (postsynaptic cell)

Pfister & Gerstner 2006, J Neurosci 26:9673, all spikes interacting with all. A rule of spikes alone: no voltage, no
calcium. Changes are shares of `w_unit`, the weight at the beginning, whatever the weight has become; it stays at 0
where it would fall below. Spikes of both cells in one time step do not see each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity


class Triplet(Stage):
    """Pairs and triplets of spikes."""

    stage = "expression"
    form = "triplet"
    source = "Pfister & Gerstner 2006, J Neurosci 26:9673"
    parameters = (
        Parameter("tau_plus", "ms", "decay of the fast presynaptic trace r1", low=0.1),
        Parameter("tau_x", "ms", "decay of the slow presynaptic trace r2", low=0.1),
        Parameter("tau_minus", "ms", "decay of the fast postsynaptic trace o1", low=0.1),
        Parameter("tau_y", "ms", "decay of the slow postsynaptic trace o2", low=0.1),
        Parameter("A2_plus", "1", "potentiation by a pair", low=0),
        Parameter("A3_plus", "1", "potentiation by a pair that follows a postsynaptic spike", low=0),
        Parameter("A2_minus", "1", "depression by a pair", low=0),
        Parameter("A3_minus", "1", "depression by a pair that follows a presynaptic spike", low=0),
        Parameter("w_unit", "nS", "weight at the beginning, of which changes are shares", low=1e-6),
    )
    presynaptic = "dr1/dt = -r1/tau_plus : 1\ndr2/dt = -r2/tau_x : 1"
    presynaptic_spike = "r1 += 1\nr2 += 1"
    postsynaptic = "do1/dt = -o1/tau_minus : 1\ndo2/dt = -o2/tau_y : 1"
    postsynaptic_spike = "o1 += 1\no2 += 1"
    spike = "weight = clip(weight - w_unit*o1_post*(A2_minus + A3_minus*r2_pre), 0*siemens, inf*siemens)"
    spike_post = "weight = weight + w_unit*r1_pre*(A2_plus + A3_plus*o2_post)"

    def initial(self, values: Values) -> Quantity:
        return values["w_unit"]
