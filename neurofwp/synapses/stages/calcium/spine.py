"""Calcium in the spine, from NMDA receptors and voltage-gated channels, in micromolar above rest.

dc/dt = k (I_NMDA + I_channels) - c/tau,    k = free share / (2 F volume of the spine)

I_NMDA = P_f g_nmda s B(V) (E - V). The share of calcium in it, P_f = 0.6 x 4 [Ca]/(4 [Ca] + 87 mM), depends on calcium
outside, [Ca]: 3.4 % at 1.3 mM, 5.1 % at 2 mM. I_channels = g_channels m^2 h (E_Ca - V), with E_Ca by Nernst's equation;
m and h follow V with one time constant each. After Chindemi et al. 2022, Nat Commun 13:3038, reduced: V is given, and
is the same in spine and dendrite.

What depends on the dendrite alone is computed there. The update is exact while currents stand still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy import exp

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity

FARADAY = 96485.33289  # C/mol, CODATA 2014
NERNST = 8.3144598 * 310.15 / (2 * FARADAY)  # RT/2F at 37 degrees, V


class NMDAAndChannels(Stage):
    """Calcium through NMDA receptors and channels of a spine."""

    stage = "calcium"
    form = "nmda-and-channels"
    source = "after Chindemi et al. 2022, Nat Commun 13:3038"
    parameters = (
        Parameter("tau_calcium", "ms", "decay time constant of spine calcium", low=0.1),
        Parameter("E_calcium", "mV", "potential at which calcium through NMDA receptors reverses"),
        Parameter("g_nmda", "nS", "conductance of all NMDA receptors of a synapse", low=0),
        Parameter("g_channels", "nS", "conductance of all calcium channels of a spine", low=0),
        Parameter("m_half", "mV", "voltage at which channels are half-activated"),
        Parameter("m_slope", "mV", "slope of activation", low=0.1),
        Parameter("m_tau", "ms", "time constant of activation", low=0.1),
        Parameter("h_half", "mV", "voltage at which channels are half-inactivated"),
        Parameter("h_slope", "mV", "slope of inactivation", low=0.1),
        Parameter("h_tau", "ms", "time constant of inactivation", low=0.1),
        Parameter("calcium_rest", "mM", "calcium in the spine at rest", low=1e-9),
        Parameter("free_share", "1", "share of calcium that is not bound to buffers", low=0, high=1),
        Parameter("spine_diameter", "um", "diameter of a spine, a sphere", low=0.01),
    )
    # What is inactivated, 1 - h, so that channels of a cell at rest start near 0 like every other state.
    postsynaptic = """
        dactivated/dt = (1/(1 + exp((m_half - v_dendrite)/m_slope)) - activated)/m_tau : 1
        dinactivated/dt = (1/(1 + exp((h_half - v_dendrite)/h_slope)) - inactivated)/h_tau : 1
        nmda_calcium : 1
        channel_calcium : 1
    """
    postsynaptic_update = f"""
        spine_size = spine_diameter**3*pi/6
        per_ampere = 1000*tau_calcium*free_share/(2*{FARADAY}*coulomb/mole*spine_size)/(mole/meter**3)
        calcium_share = 0.6*4*calcium_outside/(4*calcium_outside + 87*mmolar)
        nmda_calcium = per_ampere*nmda_gain*calcium_share*g_nmda*(E_calcium - v_dendrite)*unblocked
        nernst = {NERNST}*volt*log(calcium_outside/calcium_rest)
        opened_channels = g_channels*activated*activated*(1 - inactivated)
        channel_calcium = per_ampere*opened_channels*(nernst - v_dendrite)
    """
    synaptic = "calcium : 1"
    synaptic_update = """
        calcium_target = s_nmda_pre*nmda_calcium_post + channel_calcium_post
        calcium = calcium_target + (calcium - calcium_target)*calcium_survival
    """

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return {"calcium_survival": float(exp(-dt / values["tau_calcium"]))}

    def micromolar(self, values: Values) -> float | None:
        return 1.0
