"""Two calcium thresholds with soft bounds.

tau drho/dt = gamma_p (1 - rho) H(c - theta_p) - gamma_d rho H(c - theta_d),   w = w0 + rho (w1 - w0)

Graupner & Brunel 2012, PNAS 109:3991, equation 1, without noise and without the bistable term
-rho (1 - rho) (1/2 - rho), which acts over about 2 tau. All bands are linear in rho, so a step of the plasticity clock
is exact while calcium stays in its band. `two_threshold_bistable.py` has both, `two_threshold_events.py` has no clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neurofwp.runtime.lazy import b2
from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Population, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity

UNSTABLE = 0.5  # rho*: below it the bistable term brings the efficacy to 0, above it to 1

PARAMETERS = (
    Parameter("tau_rho", "s", "time constant of the efficacy", low=1e-3),
    Parameter("gamma_p", "1", "potentiation rate", low=0),
    Parameter("gamma_d", "1", "depression rate", low=0),
    Parameter("theta_p", "1", "calcium above which synapses potentiate", low=0),
    Parameter("theta_d", "1", "calcium above which synapses depress", low=0),
    Parameter("w0", "nS", "conductance of the down state", low=0),
    Parameter("w1", "nS", "conductance of the up state", low=0),
)
SIGMA = Parameter("sigma", "1", "amplitude of the noise while calcium is above thresholds", low=0)
DOWN_SHARE = Parameter("down_share", "1", "share of synapses in the down state before a protocol", low=0, high=1)
BISTABLE_TERM = Parameter("bistable", "1", "1: two stable states at rest, 0: none", allowed=(0, 1))


# Of four bands a synapse is in one; products of ones and zeros pick it, without a branch.
BANDS = """
    above_p = int(calcium > theta_p)
    above_d = int(calcium > theta_d)
    weight = weight*(1 - above_p*lost_p)*(1 - above_d*lost_d) + above_p*gain_p + above_d*(gain_d + above_p*gain_both)
"""


def bands(values: Values, dt: Quantity) -> Constants:
    """What a step does in each band, so that no synapse computes an exponential: weight -> weight (1 - lost) + gain."""
    lost_p, lost_d = (-np.expm1(-float(values[rate] * dt / values["tau_rho"])) for rate in ("gamma_p", "gamma_d"))
    gamma_p, gamma_d, w0, w1 = (values[name] for name in ("gamma_p", "gamma_d", "w0", "w1"))
    lost_both = lost_p + lost_d - lost_p * lost_d
    both = float(gamma_p / (gamma_p + gamma_d)) if gamma_p + gamma_d > 0 else 0.0
    gain_p, gain_d = lost_p * w1, lost_d * w0
    return {
        "lost_p": lost_p,
        "lost_d": lost_d,
        "gain_p": gain_p,
        "gain_d": gain_d,
        "gain_both": lost_both * (w0 + both * (w1 - w0)) - gain_p - gain_d,
    }


def thresholds(values: Values) -> dict[str, float]:
    """Calcium at which synapses begin to change."""
    return {"depression": float(values["theta_d"]), "potentiation": float(values["theta_p"])}


class TwoStates(Stage):
    """Expression whose synapses are all in one of two stable states, w0 or w1, before a protocol and long after it."""

    def initial(self, values: Values) -> Quantity:
        return values["w0"]

    def population(self, values: Values) -> Population:
        down = float(values["down_share"])
        return (values["w0"], down), (values["w1"], 1 - down)

    def settle(self, values: Values, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = float(values["w0"] / b2.nS), float(values["w1"] / b2.nS)
        return np.where(weight > low + UNSTABLE * (high - low), high, low)


class TwoThreshold(Stage):
    """Soft bounds, without noise, at every step of the plasticity clock."""

    stage = "expression"
    form = "two-threshold"
    source = "Graupner & Brunel 2012, PNAS 109:3991"
    parameters = PARAMETERS
    synaptic_update = BANDS
    idle = "calcium <= c_idle"

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return {**bands(values, dt), "c_idle": min(float(values["theta_p"]), float(values["theta_d"]))}

    def initial(self, values: Values) -> Quantity:
        return values["w0"]

    def thresholds(self, values: Values) -> dict[str, float]:
        return thresholds(values)
