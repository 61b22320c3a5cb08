"""BCM: potentiation above a threshold of postsynaptic activity, depression below; the threshold follows <v^2>."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from torch import Tensor

from neurofwp.rules.free import WEIGHT_SCALE
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_post, per_synapse


class State(NamedTuple):
    """weight (..., post, pre), threshold (..., post)."""

    weight: Tensor
    threshold: Tensor


class BCM(Rule):
    """Potentiation above a threshold of postsynaptic activity, depression below; the threshold follows <v^2>."""

    id = "bcm"
    parameters = (
        Parameter("threshold", 1.0, 0.0, 4.0, "threshold before the first event"),
        Parameter("memory", 10.0, 1.0, 1000.0, "events over which the threshold follows v^2", domain=(1.0, math.inf)),
    )
    equation = "W + beta v (v - theta) k'; theta + (v^2 - theta) / memory"
    objective = "-(v^3/3 - theta v^2/2), summed over cells that see v = W k"
    signals = ("key", "value", "gate", "value trace")
    reading = "sliding threshold between depression and potentiation"
    source = "Bienenstock, Cooper & Munro 1982; threshold on <v^2>: Intrator & Cooper 1992"
    state = State
    fitted_with: ClassVar[tuple[Parameter, ...]] = (WEIGHT_SCALE,)  # weights are linear in beta

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        return State(weight, per_post(p["threshold"]).expand(weight.shape[:-1]))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        change = event.value * (event.value - state.threshold)
        weight = state.weight + per_synapse(event.gate) * outer(change, event.key)
        threshold = state.threshold + (event.value.square() - state.threshold) / per_post(p["memory"])
        return State(weight, threshold)


RULE = BCM()
