"""Two thresholds on integrated calcium, set by what one spike of either cell brings.

de/dt = -e/tau_integral + c,    c: calcium above rest
tau drho/dt = -rho (1 - rho)(1/2 - rho) + gamma_p (1 - rho) H(e - theta_p) - gamma_d rho H(e - theta_d)
theta_d = 1.002 c_pre + 1.954 c_post,    theta_p = 1.159 c_pre + 2.483 c_post,    w = w0 + rho (w1 - w0)

Chindemi et al. 2022, Nat Commun 13:3038. c_pre and c_post, here `pre_peak` and `post_peak`, are the peaks of e after a
single presynaptic and a single postsynaptic spike at this very synapse (`neurofwp.laboratory.peaks` measures them), so
that the same four coefficients serve synapses at any place. In a band the efficacy relaxes exactly as in closed form;
the bistable term, which acts over minutes, is a step of Euler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy import exp
from numpy.typing import NDArray

from neurofwp.runtime.lazy import b2
from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Values
from neurofwp.synapses.stages.expression.two_threshold import DOWN_SHARE, UNSTABLE, TwoStates

if TYPE_CHECKING:
    from brian2 import Quantity


def integrate(calcium: NDArray[np.float64], step: Quantity, tau: Quantity) -> NDArray[np.float64]:
    """e (ms) at the end of each step, from calcium (step, ...) that stands still within it."""
    survival, limit = float(exp(-step / tau)), float(tau / b2.ms)
    made, now = np.empty_like(calcium), np.zeros_like(calcium[0])
    for index, level in enumerate(calcium):
        now = made[index] = limit * level + (now - limit * level) * survival
    return made


class IntegratedCalcium(TwoStates):
    """Two thresholds on integrated calcium."""

    stage = "expression"
    form = "integrated-calcium"
    source = "Chindemi et al. 2022, Nat Commun 13:3038"
    parameters = (
        Parameter("tau_integral", "ms", "time constant over which calcium is integrated", low=0.1),
        Parameter("pre_peak", "ms", "peak of integrated calcium after one presynaptic spike", low=0),
        Parameter("post_peak", "ms", "peak of integrated calcium after one postsynaptic spike", low=0),
        Parameter("pre_in_d", "1", "weight of pre_peak in the threshold of depression", low=0),
        Parameter("post_in_d", "1", "weight of post_peak in the threshold of depression", low=0),
        Parameter("pre_in_p", "1", "weight of pre_peak in the threshold of potentiation", low=0),
        Parameter("post_in_p", "1", "weight of post_peak in the threshold of potentiation", low=0),
        Parameter("tau_rho", "s", "time constant of the efficacy", low=1e-3),
        Parameter("gamma_p", "1", "potentiation rate", low=0),
        Parameter("gamma_d", "1", "depression rate", low=0),
        Parameter("w0", "nS", "conductance of the down state", low=0),
        Parameter("w1", "nS", "conductance of the up state", low=0),
        DOWN_SHARE,
    )
    synaptic = "calcium_integral : second"
    synaptic_update = f"""
        integral_limit = tau_integral*calcium
        calcium_integral = integral_limit + (calcium_integral - integral_limit)*integral_survival
        up = gamma_p*int(calcium_integral > theta_p)
        down = gamma_d*int(calcium_integral > theta_d)
        rho = (weight - w0)/(w1 - w0)
        pulled = rho_step*rho*(1 - rho)*({UNSTABLE} - rho)
        rho_target = up/(up + down + 1e-12)
        rho = rho_target + (rho - rho_target)*exp(-rho_step*(up + down)) - pulled
        weight = w0 + (w1 - w0)*rho
    """

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return {
            "integral_survival": float(exp(-dt / values["tau_integral"])),
            "theta_d": values["pre_in_d"] * values["pre_peak"] + values["post_in_d"] * values["post_peak"],
            "theta_p": values["pre_in_p"] * values["pre_peak"] + values["post_in_p"] * values["post_peak"],
            "rho_step": float(dt / values["tau_rho"]),
        }
