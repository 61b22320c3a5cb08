"""Two calcium thresholds, event by event: the efficacy between spikes in closed form, without a clock.

The equation is that of `two_threshold_bistable.py`. From calcium c, which decays, the time above a threshold theta is
tau_calcium log(c/theta); so a synapse spends some time above both thresholds, then some above the lower one only, and
then is at rest until the next event. In each band the efficacy is an Ornstein-Uhlenbeck process,

rho -> rho_inf + (rho - rho_inf) e^(-rate t),   variance sigma^2 n/(2 gamma) (1 - e^(-2 rate t)),   rate = gamma/tau,

with gamma the sum of rates of the n thresholds passed and rho_inf the share of gamma_p in it (bands as in the analysis
of Graupner & Brunel 2012, PNAS 109:3991). At rest the bistable term acts alone: y = rho - 1/2 obeys
tau dy/dt = y/4 - y^3, which is linear in 1/y^2, so that

y -> y / sqrt(e + 4 y^2 (1 - e)),   e = e^(-t/(2 tau)).

Form "two-threshold-events" has neither noise nor that term, and is exact, however far apart events are. Form
"two-threshold-noisy-events" has both. It lets the bistable term act over the whole time since the last event, after
the bands, which come first and are short: all that is lost is what the term changes within a band, of order
(time in bands) (change in bands)/(4 tau) per event, or 1e-6 for the published sets.

`weight` is that of the synapse's last event. `read` brings it to any later moment, without changing it. With noise, the
normal number for the time up to the next event is drawn ahead, so that what is read at any one moment has the exact
distribution, and reading twice gives the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, States, Time, Values
from neurofwp.synapses.stages.calcium.jump_events import FOREVER, NOTHING
from neurofwp.synapses.stages.expression.two_threshold import (
    BISTABLE_TERM,
    DOWN_SHARE,
    PARAMETERS as RATES,
    SIGMA,
    TwoStates,
    thresholds,
)

if TYPE_CHECKING:
    from brian2 import Quantity

# log(c/theta) and the variance above a threshold need both above 0
PARAMETERS = tuple(
    Parameter(each.name, each.unit, each.meaning, low=1e-3) if each.name[:5] in ("gamma", "theta") else each
    for each in RATES
)

ADVANCE = """
    above_both = clip(slowness*(lasting - tau_calcium*log_theta_upper), 0*second, elapsed)
    above_one = clip(slowness*(lasting - tau_calcium*log_theta_lower), 0*second, elapsed) - above_both
    kept_both = kept(above_both*rate_both)
    kept_one = kept(above_one*rate_one)
    weight = target_both + (weight - target_both)*kept_both
    weight = target_one + (weight - target_one)*kept_one
"""
KICK = """
    variance_both = variance_limit_both*(1 - kept_both*kept_both)*kept_one*kept_one
    weight = weight + noise_scale*sqrt(variance_both + variance_limit_one*(1 - kept_one*kept_one))*noise
"""
# The last summand keeps a synapse at exactly 1/2 there, after a silence in which e comes to 0.
SETTLE = """
    departed = (weight - weight_middle)/weight_reach
    standing = kept(bistable*elapsed/(2*tau_rho))
    weight = weight_middle + weight_reach*departed/sqrt(standing + departed*departed*(1 - standing) + 1e-99)
"""
# A presynaptic spike writes to the postsynaptic cell too, which Brian2 does not want to see together with randn().
AT_SPIKE = ADVANCE + KICK + SETTLE + "noise = another(noise)\n"
AT_OTHERS = ADVANCE + KICK + SETTLE + "noise = randn()\n"


def _bands(values: Values) -> Constants:
    """Rates and targets of the two bands of calcium."""
    gamma_p, gamma_d, w0, w1 = (values[name] for name in ("gamma_p", "gamma_d", "w0", "w1"))
    theta_p, theta_d = (float(values[name]) for name in ("theta_p", "theta_d"))
    return {
        "log_theta_upper": np.log(max(theta_p, theta_d) / NOTHING),
        "log_theta_lower": np.log(min(theta_p, theta_d) / NOTHING),
        "rate_both": (gamma_p + gamma_d) / values["tau_rho"],
        "rate_one": (gamma_d if theta_d <= theta_p else gamma_p) / values["tau_rho"],
        "target_both": w0 + (w1 - w0) * gamma_p / (gamma_p + gamma_d),
        "target_one": w0 if theta_d <= theta_p else w1,
    }


def _noise(values: Values) -> Constants:
    """What noise adds in them, and the two stable states."""
    gamma_p, gamma_d = float(values["gamma_p"]), float(values["gamma_d"])
    alone = gamma_d if float(values["theta_d"]) <= float(values["theta_p"]) else gamma_p
    return {
        "noise_scale": float(values["sigma"]) * (values["w1"] - values["w0"]),
        "variance_limit_both": 1 / (gamma_p + gamma_d),
        "variance_limit_one": 1 / (2 * alone),
        "weight_middle": (values["w0"] + values["w1"]) / 2,
        "weight_reach": (values["w1"] - values["w0"]) / 2,
    }


class Events(TwoStates):
    """Without noise and the bistable term, at events."""

    stage = "expression"
    form = "two-threshold-events"
    source = "Graupner & Brunel 2012, PNAS 109:3991"
    parameters = (*PARAMETERS, DOWN_SHARE)
    beside: ClassVar[dict[str, tuple[str, ...]]] = {"calcium": ("jump-events", "jump-plateau-events")}
    spike = ADVANCE
    late_spike = ADVANCE
    spike_post = ADVANCE
    plateau_edge = ADVANCE

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return _bands(values)

    def read(self, values: Values, states: States, now: Time) -> dict[str, NDArray[np.float64]]:
        every = {"sigma": 0.0, "bistable": 0.0, **values}
        known = {name: float(value) for name, value in {**every, **_bands(every), **_noise(every)}.items()}
        elapsed = now - states["last_event"]
        lasting = states["gone_at"] - states["last_event"]
        slowness = 1 + FOREVER * states.get("clamped", np.float64(0))
        above_both, above_lower = (
            np.clip(slowness * (lasting - known["tau_calcium"] * known[theta]), 0, elapsed)
            for theta in ("log_theta_upper", "log_theta_lower")
        )
        kept_both = np.exp(-above_both * known["rate_both"])
        kept_one = np.exp(-(above_lower - above_both) * known["rate_one"])
        weight = known["target_both"] + (states["weight"] - known["target_both"]) * kept_both
        weight = known["target_one"] + (weight - known["target_one"]) * kept_one
        variance = known["variance_limit_both"] * (1 - kept_both**2) * kept_one**2
        variance += known["variance_limit_one"] * (1 - kept_one**2)
        weight += known["noise_scale"] * np.sqrt(variance) * states.get("noise", 0.0)
        departed = (weight - known["weight_middle"]) / known["weight_reach"]
        standing = np.exp(-known["bistable"] * elapsed / (2 * known["tau_rho"]))
        departed /= np.sqrt(standing + departed**2 * (1 - standing) + 1e-99)
        return {"weight": known["weight_middle"] + known["weight_reach"] * departed}

    def thresholds(self, values: Values) -> dict[str, float]:
        return thresholds(values)


class NoisyEvents(Events):
    """With both, at events."""

    form = "two-threshold-noisy-events"
    source = "Graupner & Brunel 2012, PNAS 109:3991, and its correction of 2013"
    parameters = (*PARAMETERS, SIGMA, DOWN_SHARE, BISTABLE_TERM)
    synaptic = "noise : 1"
    spike = AT_SPIKE
    late_spike = AT_OTHERS
    spike_post = AT_OTHERS
    plateau_edge = AT_OTHERS

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return {**_bands(values), **_noise(values)}
