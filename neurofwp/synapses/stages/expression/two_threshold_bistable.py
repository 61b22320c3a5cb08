"""Two calcium thresholds with noise and two stable states: the efficacy of Graupner & Brunel 2012 in full.

tau drho/dt = -bistable rho (1 - rho) (1/2 - rho) + gamma_p (1 - rho) H(c - theta_p) - gamma_d rho H(c - theta_d)
              + sigma sqrt(tau) sqrt(H(c - theta_p) + H(c - theta_d)) eta(t),        w = w0 + rho (w1 - w0)

Graupner & Brunel 2012, PNAS 109:3991, equation 1, with the noise as in its correction of 2013; eta is white noise of
unit density. `bistable` 1 is theirs, 0 leaves the term out, as closed forms do. Noise may carry rho out of [0, 1].

A step of the plasticity clock relaxes exactly within a band of calcium, and is one of Euler for noise and the bistable
term. The latter moves rho by 1e-7 or so in a step: single precision loses it (`synapse_dtype=float` keeps it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.synapses.stage import Constants, Values
from neurofwp.synapses.stages.expression.two_threshold import (
    BANDS,
    BISTABLE_TERM,
    DOWN_SHARE,
    PARAMETERS,
    SIGMA,
    UNSTABLE,
    TwoStates,
    bands,
    thresholds,
)

if TYPE_CHECKING:
    from brian2 import Quantity


class Bistable(TwoStates):
    """With noise and two stable states, at every step of the plasticity clock."""

    stage = "expression"
    form = "two-threshold-bistable"
    source = "Graupner & Brunel 2012, PNAS 109:3991, and its correction of 2013"
    parameters = (*PARAMETERS, SIGMA, DOWN_SHARE, BISTABLE_TERM)
    synaptic_update = f"""
        rho = (weight - w0)/(w1 - w0)
        pulled = bistable_step*rho*(1 - rho)*({UNSTABLE} - rho)
        {BANDS}
        weight = weight + (w1 - w0)*(noise_step*sqrt(above_p + above_d)*randn() - pulled)
    """

    def derive(self, values: Values, dt: Quantity) -> Constants:
        share = float(dt / values["tau_rho"])
        return {
            **bands(values, dt),
            "bistable_step": float(values["bistable"]) * share,
            "noise_step": float(values["sigma"]) * share**0.5,
        }

    def thresholds(self, values: Values) -> dict[str, float]:
        return thresholds(values)
