"""Turnover: receptors leave the synapse at a constant rate, faster where the program's retention asks for it.

dw/dt = -w (1/tau_turnover + r(t)), with r(t) = -log(alpha)/(length of the event) from the program's retention alpha.
The constitutive part is that of Triesch, Vo & Hafner 2018 (eLife 7:e37836); an infinite tau switches it off.
The survival over one step depends on the cell alone and is computed there.
"""

from math import inf

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage


class Constitutive(Stage):
    """Receptors leave at a constant rate, and as the program asks."""

    stage = "turnover"
    form = "constitutive"
    source = "Triesch, Vo & Hafner 2018, eLife 7:e37836"
    parameters = (
        Parameter("tau_turnover", "s", "time constant of constitutive receptor loss; inf: none", low=0.01, high=inf),
    )
    postsynaptic = "survival : 1"
    postsynaptic_update = "survival = exp(-plasticity_step*(1/tau_turnover + forgetting))"
    synaptic_update = "weight = weight*survival_post"
    idle = "survival_post >= 1"
