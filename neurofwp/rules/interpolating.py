"""Interpolating: a write of strength beta takes the share beta off all weights, those of other keys too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules.chunkwise import ScalarDecay, decayed_sum
from neurofwp.rules.free import SHARE_RATE, WEIGHT_SCALE
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_synapse


class Interpolating(Rule):
    """A write of strength beta takes the share beta off all weights, those of other keys too."""

    id = "interpolating"
    equation = "(1 - beta) W + beta v k'"
    objective = "-v'Wk + |W|^2 / 2"
    signals = ("key", "value", "gate")
    reading = "gated write that fades the rest"
    source = "Peng et al. 2021 (gated random feature attention)"
    chunk = 32
    chunkwise_skips = True
    fitted_with: ClassVar[tuple[Parameter, ...]] = (SHARE_RATE, WEIGHT_SCALE)
    approaches = ("hebbian",)  # rate to 0 at the same rate * weight_scale

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return per_synapse(1 - event.gate) * weight + per_synapse(event.gate) * outer(event.value, event.key)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        decay = ScalarDecay.from_factors(1 - events.gate, size)
        return decayed_sum(query, events.key, events.value, write=events.gate, decay=decay, initial=weight, size=size)


RULE = Interpolating()
