"""Magnesium block of the NMDA receptor: the share B(V) of open channels that are not blocked.

B(V) = 1 / (1 + exp(-k V) [Mg]/K). The two published fits differ 2.6-fold at -65 mV, so both are offered.
"""

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage

_MG = (Parameter("Mg", "mM", "extracellular magnesium concentration", low=0),)


class JahrStevens(Stage):
    """B(V) of Jahr & Stevens 1990."""

    stage = "magnesium"
    form = "jahr-stevens-1990"
    source = "Jahr & Stevens 1990, J Neurosci 10:3178"
    parameters = _MG
    unblocked = "1/(1 + exp(-0.062*v_dendrite/mV)*Mg/(3.57*mmolar))"
    postsynaptic = "unblocked : 1"
    postsynaptic_update = f"unblocked = {unblocked}"


class VargasCaballeroRobinson(Stage):
    """B(V) of Vargas-Caballero & Robinson 2003."""

    stage = "magnesium"
    form = "vargas-caballero-robinson-2003"
    source = "Vargas-Caballero & Robinson 2003, J Neurophysiol 89:2778"
    parameters = _MG
    unblocked = "1/(1 + exp(-0.072*v_dendrite/mV)*Mg/(2.552*mmolar))"
    postsynaptic = "unblocked : 1"
    postsynaptic_update = f"unblocked = {unblocked}"
