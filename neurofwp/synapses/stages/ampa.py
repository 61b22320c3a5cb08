"""AMPA transmission: the fast weight is read out as a conductance.

Each presynaptic spike adds the synapse's weight (nS), times the share that it releases, to the postsynaptic AMPA
conductance, which decays exponentially.
"""

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage


class Exponential(Stage):
    """Spikes add the weight to a conductance that decays."""

    stage = "ampa"
    form = "exponential"
    source = "Destexhe, Mainen & Sejnowski 1998, Methods in Neuronal Modeling"
    parameters = (Parameter("tau_ampa", "ms", "decay time constant of the AMPA conductance", low=0.1),)
    postsynaptic = "dg_ampa/dt = -g_ampa/tau_ampa : siemens"
    synaptic = "weight : siemens"
    spike = "g_ampa_post += weight*released_pre"
