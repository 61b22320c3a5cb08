"""Calcium that jumps at the spikes of both cells and decays between them.

dc/dt = -c/tau_calcium + pre_jump sum delta(t - t_pre - pre_delay) + post_jump sum delta(t - t_post)

Graupner & Brunel 2012, PNAS 109:3991. c is in units of the threshold of depression. What a presynaptic spike brings
comes through NMDA receptors: a write gate that scales their conductance scales it.

Form "jump-plateaus" has plateau potentials too: while the postsynaptic cell is in one, calcium is held at
`plateau_calcium`, where spikes bring nothing more.

`calcium` is that of half a step ago. When a step of the plasticity clock ends, it thus is calcium in the middle of that
step: expression that asks there whether a threshold is passed counts a step in which calcium falls below it fully or
not at all, but right on average, where calcium at either end would always err by half a step in the same direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy import exp

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("tau_calcium", "ms", "decay time constant of spine calcium", low=0.1),
    Parameter("pre_jump", "1", "calcium that a presynaptic spike brings (C_pre)", low=0),
    Parameter("post_jump", "1", "calcium that a postsynaptic spike brings (C_post)", low=0),
    Parameter("pre_delay", "ms", "time from a presynaptic spike to its calcium (D)", low=0),
)
PLATEAU_CALCIUM = Parameter("plateau_calcium", "1", "calcium during a plateau potential", low=0)


class Jumps(Stage):
    """Calcium jumps at spikes."""

    stage = "calcium"
    form = "jumps"
    source = "Graupner & Brunel 2012, PNAS 109:3991"
    parameters = PARAMETERS
    synaptic = "calcium : 1"
    synaptic_update = "calcium = calcium*calcium_survival"
    late_spike = "calcium = calcium + pre_jump*nmda_gain_post*half_a_step_ago"
    delay = "pre_delay"
    spike_post = "calcium = calcium + post_jump*half_a_step_ago"

    def derive(self, values: Values, dt: Quantity) -> Constants:
        tau = values["tau_calcium"]
        return {"calcium_survival": float(exp(-dt / tau)), "half_a_step_ago": float(exp(dt / tau / 2))}


class JumpPlateaus(Jumps):
    """Calcium jumps at spikes, and is held during plateaus."""

    form = "jump-plateaus"
    source = "after Graupner & Brunel 2012, PNAS 109:3991"
    parameters = (*PARAMETERS, PLATEAU_CALCIUM)
    synaptic_update = "calcium = calcium*calcium_survival + (plateau_calcium - calcium*calcium_survival)*plateau_post"
    late_spike = "calcium = calcium + pre_jump*nmda_gain_post*half_a_step_ago*(1 - plateau_post)"
    spike_post = "calcium = calcium + post_jump*half_a_step_ago*(1 - plateau_post)"
