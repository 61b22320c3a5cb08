"""Nearest pairs: pair STDP of a spike with the last one of the other cell, of Poisson spikes at the rates of an event.

The spike before is seen with the weight exp(-age / tau). Of a Poisson train of rate x its mean is tau x / (1 + tau x):
the more spikes there are, the less each counts. So postsynaptic spikes potentiate by A+ tau+ x / (1 + tau+ x), and
presynaptic ones depress by A- tau- y / (1 + tau- y), `neurofwp.theory.pair_stdp`. With all pairs there are no
denominators, and what remains is the Hebbian rule, at a rate that goes as A+ tau+ - A- tau-.

Signed values saturate with their size. Where all active keys are equal, g_plus and saturation_pre describe the same
thing, and only their combination can be fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Nests, Rule, outer, per_post, per_synapse

NOT_NEGATIVE = (0.0, math.inf)


class NearestPair(Rule):
    """Pair STDP of nearest neighbours: potentiation saturates with presynaptic, depression with postsynaptic rates."""

    id = "nearest_pair"
    # of Bi & Poo 1998, `pair-nearest-hippocampal-culture`, where a key and a value of one are 60 Hz
    parameters = (
        Parameter("g_plus", 1.0, 0.0, 10.0, "size of potentiation, as A+ tau+", weight_power=1),
        Parameter("g_minus", 0.29, 0.0, 10.0, "size of depression, as A- tau-", weight_power=1),
        Parameter(
            "saturation_pre", 1.0, 0.0, 10.0, "tau+ times the rate of a key of one", key_power=-1, domain=NOT_NEGATIVE
        ),
        Parameter("saturation_post", 2.0, 0.0, 10.0, "tau- times the rate of a value of one", domain=NOT_NEGATIVE),
    )
    equation = (
        "W + beta v k' (g_plus / (1 + saturation_pre |k_j|) - g_minus / (1 + saturation_post |v_i|)), elementwise"
    )
    objective = "none"
    signals = ("key", "value", "gate")
    reading = "pair STDP of nearest neighbours, at Poisson rates"
    source = "Morrison, Diesmann & Gerstner 2008, symmetric scheme; rates as in Izhikevich & Desai 2003"
    nests: ClassVar[Nests] = {"hebbian": {"g_plus": "rate", "g_minus": 0.0, "saturation_pre": 0.0}}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        seen_key = event.key / (1 + per_post(p["saturation_pre"]) * event.key.abs())
        seen_value = event.value / (1 + per_post(p["saturation_post"]) * event.value.abs())
        potentiation = outer(per_post(p["g_plus"]) * event.value, seen_key)
        depression = outer(per_post(p["g_minus"]) * seen_value, event.key)
        return weight + per_synapse(event.gate) * (potentiation - depression)


RULE = NearestPair()
