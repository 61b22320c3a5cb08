"""Behavioural time-scale plasticity: a plateau writes into synapses that were active seconds before or after.

dW/dt = (w_max - W) k+ q+(E I) - W k- q-(E I)
tau_e dE/dt = -E, a presynaptic spike: E <- E + share (1 - E)
tau_i dI/dt = -I + P / (1 - exp(-plateau_length/tau_i)), P = 1 during a plateau and 0 otherwise

q is a logistic function with midpoint a and slope b, rescaled so that q(0) = 0 and q(1) = 1.

Milstein et al. 2021, eLife 10:e73046. Both traces are scaled to a maximum of 1, as there: the eligibility trace E
saturates, and a share of 1 is a spike that brings it all the way; the instructive trace I reaches 1 at the end of a
plateau of `plateau_length` (a longer one brings it further). With an infinite one it is that of the rate rule "btsp".
Not Hebbian: of the postsynaptic cell only its plateau counts. A step is exact while the traces stand still.
"""

from __future__ import annotations

from math import exp, inf
from typing import TYPE_CHECKING

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity


def _logistic(overlap: float, midpoint: float, slope: float) -> float:
    return 1 / (1 + exp(-slope * (overlap - midpoint)))


class BTSP(Stage):
    """A plateau writes into synapses with an eligibility trace."""

    stage = "expression"
    form = "btsp"
    source = "Milstein et al. 2021, eLife 10:e73046"
    parameters = (
        Parameter("tau_e", "ms", "decay of the eligibility trace", low=1),
        Parameter("tau_i", "ms", "time constant of the instructive trace", low=1),
        Parameter("eligibility_share", "1", "share of what the trace lacks to 1 that a spike adds", low=0, high=1),
        Parameter(
            "plateau_length", "ms", "plateau that brings the instructive trace to 1; inf: only forever", low=1, high=inf
        ),
        Parameter("k_plus", "1/s", "largest rate of potentiation", low=0),
        Parameter("k_minus", "1/s", "largest rate of depression", low=0),
        Parameter("a_plus", "1", "overlap of the traces at half of the potentiation", low=0, high=1),
        Parameter("b_plus", "1", "slope of the potentiation", low=0.1, high=700),
        Parameter("a_minus", "1", "overlap of the traces at half of the depression", low=0, high=1),
        Parameter("b_minus", "1", "slope of the depression", low=0.1, high=700),
        Parameter("w_max", "nS", "weight at which potentiation stops", low=1e-6, high=1e6),
        Parameter("w_initial", "nS", "weight at the beginning", low=0),
    )
    presynaptic = "deligibility/dt = -eligibility/tau_e : 1"
    presynaptic_spike = "eligibility += eligibility_share*(1 - eligibility)"
    postsynaptic = "dinstructive/dt = (plateau/(1 - exp(-plateau_length/tau_i)) - instructive)/tau_i : 1"
    synaptic_update = """
        overlap = eligibility_pre*instructive_post
        gain = k_plus*q_scale_plus*clip(1/(1 + exp(-b_plus*(overlap - a_plus))) - q_floor_plus, 0, 1)
        loss = k_minus*q_scale_minus*clip(1/(1 + exp(-b_minus*(overlap - a_minus))) - q_floor_minus, 0, 1)
        plateau_target = w_max*gain/(gain + loss + 1e-12*Hz)
        weight = plateau_target + (weight - plateau_target)*exp(-plasticity_step*(gain + loss))
    """

    def derive(self, values: Values, dt: Quantity) -> Constants:
        """What rescales the two logistic functions."""
        made: Constants = {}
        for sign in ("plus", "minus"):
            a, b = float(values[f"a_{sign}"]), float(values[f"b_{sign}"])
            low, high = _logistic(0, a, b), _logistic(1, a, b)
            made |= {f"q_floor_{sign}": low, f"q_scale_{sign}": 1 / (high - low)}
        return made

    def initial(self, values: Values) -> Quantity:
        return values["w_initial"]
