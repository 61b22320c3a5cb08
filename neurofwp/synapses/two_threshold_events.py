"""Two calcium thresholds, event by event: the efficacy between spikes in closed form, without a clock.

The equation is that of `two_threshold_bistable.py` without its bistable term. From calcium c, which decays, the time
above a threshold theta is tau_calcium log(c/theta); so a synapse spends some time above both thresholds, then some
above the lower one only, and then nothing happens until the next event. In each band the efficacy is an
Ornstein-Uhlenbeck process,

rho -> rho_inf + (rho - rho_inf) e^(-rate t),   variance sigma^2 n/(2 gamma) (1 - e^(-2 rate t)),   rate = gamma/tau,

with gamma the sum of rates of the n thresholds passed and rho_inf the share of gamma_p in it: exact, however far apart
events are (bands as in the analysis of Graupner & Brunel 2012, PNAS 109:3991).

`weight` is that of the synapse's last event. `read` brings it to any later moment, without changing it. With noise, the
normal number for the time up to the next event is drawn ahead, so that what is read at any one moment has the exact
distribution, and reading twice gives the same.
"""

import numpy as np
from brian2 import Quantity, second
from numpy.typing import NDArray

from neurofwp.synapses.base import Stage, States, Time, Values
from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.two_threshold import DOWN_SHARE, SIGMA, population, settled, thresholds
from neurofwp.synapses.two_threshold import PARAMETERS as RATES

# log(c/theta) and the variance above a threshold need both above 0
PARAMETERS = tuple(
    Parameter(each.name, each.unit, each.meaning, low=1e-3) if each.name[:5] in ("gamma", "theta") else each
    for each in RATES
)

ADVANCE = """
    above_both = clip(fall_time*(log_calcium - log_theta_upper), 0*second, elapsed)
    above_one = clip(fall_time*(log_calcium - log_theta_lower), 0*second, elapsed) - above_both
    kept_both = exp(-above_both*rate_both)
    kept_one = exp(-above_one*rate_one)
    weight = target_both + (weight - target_both)*kept_both
    weight = target_one + (weight - target_one)*kept_one
"""
KICK = """
    variance_both = variance_limit_both*(1 - kept_both*kept_both)*kept_one*kept_one
    weight = weight + noise_scale*sqrt(variance_both + variance_limit_one*(1 - kept_one*kept_one))*noise
    noise = randn()
"""


def _derived(values: Values, dt: Quantity) -> dict[str, Quantity | float]:
    gamma_p, gamma_d, w0, w1 = (values[name] for name in ("gamma_p", "gamma_d", "w0", "w1"))
    depression_first = float(values["theta_d"]) <= float(values["theta_p"])
    return {
        "log_theta_upper": np.log(max(float(values["theta_p"]), float(values["theta_d"]))),
        "log_theta_lower": np.log(min(float(values["theta_p"]), float(values["theta_d"]))),
        "rate_both": (gamma_p + gamma_d) / values["tau_rho"],
        "rate_one": (gamma_d if depression_first else gamma_p) / values["tau_rho"],
        "target_both": w0 + (w1 - w0) * gamma_p / (gamma_p + gamma_d),
        "target_one": w0 if depression_first else w1,
    }


def _noisy(values: Values, dt: Quantity) -> dict[str, Quantity | float]:
    gamma_p, gamma_d = float(values["gamma_p"]), float(values["gamma_d"])
    alone = gamma_d if float(values["theta_d"]) <= float(values["theta_p"]) else gamma_p
    return {
        **_derived(values, dt),
        "noise_scale": float(values["sigma"]) * (values["w1"] - values["w0"]),
        "variance_limit_both": 1 / (gamma_p + gamma_d),
        "variance_limit_one": 1 / (2 * alone),
    }


def _read(values: Values, states: States, now: Time) -> dict[str, NDArray[np.float64]]:
    known = {name: float(value) for name, value in {**values, **_noisy({"sigma": 0.0, **values}, 0 * second)}.items()}
    elapsed = now - states["last_event"]
    log_calcium = np.log(np.maximum(states["calcium"], 1e-30))
    fall_time = known["tau_calcium"] / (1 - states.get("clamped", np.float64(0)) + 1e-12)
    above_both, above_lower = (
        np.clip(fall_time * (log_calcium - known[theta]), 0, elapsed)
        for theta in ("log_theta_upper", "log_theta_lower")
    )
    kept_both = np.exp(-above_both * known["rate_both"])
    kept_one = np.exp(-(above_lower - above_both) * known["rate_one"])
    weight = known["target_both"] + (states["weight"] - known["target_both"]) * kept_both
    weight = known["target_one"] + (weight - known["target_one"]) * kept_one
    variance = known["variance_limit_both"] * (1 - kept_both**2) * kept_one**2
    variance += known["variance_limit_one"] * (1 - kept_one**2)
    return {"weight": weight + known["noise_scale"] * np.sqrt(variance) * states.get("noise", 0.0)}


EVENTS = Stage(
    stage="expression",
    form="two-threshold-events",
    source="Graupner & Brunel 2012, PNAS 109:3991",
    parameters=(*PARAMETERS, DOWN_SHARE),
    beside={"calcium": ("jump-events", "jump-plateau-events")},
    spike=ADVANCE,
    late_spike=ADVANCE,
    spike_post=ADVANCE,
    plateau_edge=ADVANCE,
    derived=_derived,
    initial=lambda values: values["w0"],
    population=population,
    settled=settled,
    read=_read,
    thresholds=thresholds,
)

NOISY_EVENTS = Stage(
    stage="expression",
    form="two-threshold-noisy-events",
    source="Graupner & Brunel 2012, PNAS 109:3991, and its correction of 2013",
    parameters=(*PARAMETERS, SIGMA, DOWN_SHARE),
    beside={"calcium": ("jump-events", "jump-plateau-events")},
    synaptic="noise : 1",
    spike=ADVANCE + KICK,
    late_spike=ADVANCE + KICK,
    spike_post=ADVANCE + KICK,
    plateau_edge=ADVANCE + KICK,
    derived=_noisy,
    initial=lambda values: values["w0"],
    population=population,
    settled=settled,
    read=_read,
    thresholds=thresholds,
)
