"""NMDA receptor gating: the share of open channels before the magnesium block, s in [0, 1].

ds/dt = -s / tau; each presynaptic spike: s <- s + alpha (1 - s).

The instantaneous-rise limit (rise 2 ms << decay 100 ms) of Brunel & Wang 2001 and Wang 1999, whose s saturates
because glutamate binds nearly all receptors of a synapse. A release scales what a spike opens. Where synapses of one
axon release on their own, each has a gating of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy import exp

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity

PARAMETERS = (
    Parameter("tau_nmda", "ms", "decay time constant of NMDA gating", low=1),
    Parameter("alpha_nmda", "1", "share of closed channels that one spike opens", low=0, high=1),
)


class Saturating(Stage):
    """Gating with one decay."""

    stage = "nmda"
    form = "saturating"
    source = "Brunel & Wang 2001, J Comput Neurosci 11:63"
    parameters = PARAMETERS
    presynaptic = "ds_nmda/dt = -s_nmda/tau_nmda : 1"
    presynaptic_spike = "s_nmda += alpha_nmda*released*(1 - s_nmda)"
    summed = "dnmda_open/dt = -nmda_open/tau_nmda : 1"
    summed_spike = "nmda_open_post += alpha_nmda*released_pre*(1 - s_nmda_pre)"


class SaturatingPerSynapse(Stage):
    """The same in each synapse; it decays on the plasticity clock."""

    stage = "nmda"
    form = "saturating-per-synapse"
    source = Saturating.source
    parameters = PARAMETERS
    per_synapse = True
    synaptic = "s_nmda : 1"
    synaptic_update = "s_nmda = s_nmda*nmda_survival"
    spike = "nmda_opened = clip(alpha_nmda*released_pre, 0, 1)*(1 - s_nmda)\ns_nmda = s_nmda + nmda_opened"
    summed = Saturating.summed
    summed_spike = "nmda_open_post += nmda_opened"

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return {"nmda_survival": float(exp(-dt / values["tau_nmda"]))}
