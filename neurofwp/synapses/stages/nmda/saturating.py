"""NMDA receptor gating: the share of open channels before the magnesium block, s in [0, 1].

ds/dt = -s / tau; each presynaptic spike: s <- s + alpha (1 - s).

The instantaneous-rise limit (rise 2 ms << decay 100 ms) of Brunel & Wang 2001 and Wang 1999, whose s saturates
because glutamate binds nearly all receptors of a synapse. A release scales what a spike opens.
"""

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage


class Saturating(Stage):
    """Gating with one decay."""

    stage = "nmda"
    form = "saturating"
    source = "Brunel & Wang 2001, J Comput Neurosci 11:63"
    parameters = (
        Parameter("tau_nmda", "ms", "decay time constant of NMDA gating", low=1),
        Parameter("alpha_nmda", "1", "share of closed channels that one spike opens", low=0, high=1),
    )
    presynaptic = "ds_nmda/dt = -s_nmda/tau_nmda : 1"
    presynaptic_spike = "s_nmda += alpha_nmda*released*(1 - s_nmda)"
    summed = "dnmda_open/dt = -nmda_open/tau_nmda : 1"
    summed_spike = "nmda_open_post += alpha_nmda*released_pre*(1 - s_nmda_pre)"
