"""Calcium in the spine, from current through unblocked NMDA receptors.

dc/dt = (s_pre H_post - c) / tau, with H = nmda_gain(t) g_calcium (E_Ca - V) B(V) [Ca]_o / 2 mM.

c is dimensionless: g_calcium sets its scale, and calcium_unit says which concentration a c of 1 stands for. Shouval,
Bear & Cooper 2002 write the same equation in micromolar; `neurofwp.theory.calcium_unit` derives a unit from the charge
that NMDA receptors carry into a spine. What enters is in proportion to the calcium outside, of which most slices have
2 mM; its reversal potential is left where it is. H depends on the dendrite alone and is computed there. The update is
exact while H and s stand still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy import exp

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity


class LowPass(Stage):
    """Calcium through NMDA receptors, in a unit of the model."""

    stage = "calcium"
    form = "low-pass"
    source = "Shouval, Bear & Cooper 2002, PNAS 99:10831"
    parameters = (
        Parameter("tau_calcium", "ms", "decay time constant of spine calcium", low=0.1),
        Parameter("E_calcium", "mV", "reversal potential of calcium"),
        Parameter("g_calcium", "1/mV", "calcium per driving force at full NMDA gating", low=0),
        Parameter("calcium_unit", "uM", "concentration that calcium of 1 stands for", low=1e-6, optional=True),
    )
    postsynaptic = "calcium_drive : 1"
    postsynaptic_update = (
        "calcium_drive = nmda_gain*g_calcium*(E_calcium - v_dendrite)*unblocked*calcium_outside/(2*mmolar)"
    )
    synaptic = "calcium : 1"
    synaptic_update = """
        calcium_target = s_nmda_pre*calcium_drive_post
        calcium = calcium_target + (calcium - calcium_target)*calcium_survival
    """

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return {"calcium_survival": float(exp(-dt / values["tau_calcium"]))}

    def micromolar(self, values: Values) -> float | None:
        return float(values["calcium_unit"]) * 1e3 if "calcium_unit" in values else None  # 1 mol/m^3 is 1000 uM
