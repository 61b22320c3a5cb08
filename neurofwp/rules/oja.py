"""Oja: Hebbian writes with forgetting gated by the postsynaptic side, W'v, in place of the presynaptic one."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules.chunkwise import Decay, NoDecay, corrected_sum
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Independent, Rule, outer, per_post, per_synapse, product


def corrected_reads(
    query: Tensor, key: Tensor, value: Tensor, rate: Tensor, weight: Tensor, decay: Decay, size: int
) -> tuple[Tensor, Tensor]:
    """The chunkwise form: on W', Oja's rule is a delta rule whose key is the value."""
    read, last = corrected_sum(
        query, value, key, write=rate, erase=rate, decay=decay, initial=weight.mT, size=size, transposed=True
    )
    return read, last.mT


def textbook(weight: Tensor, key: Tensor, value: Tensor, strength: Tensor) -> Tensor:
    """W + beta v (k - W'v)'."""
    return weight + per_synapse(strength) * outer(value, key - product(weight.mT, value))


class Oja(Rule):
    """Hebbian writes with forgetting gated by the postsynaptic side, W'v, in place of the presynaptic one."""

    id = "oja"
    parameters = (
        Parameter("rate", 1.0, 0.0, 2.0, "speed of the approach", value_power=-2),
        Parameter(
            "scale",
            1.0,
            0.0,
            20.0,
            "back-projection W'v that a key of one is written as",
            weight_power=1,
            value_power=1,
        ),
    )
    equation = "W + rate beta v (scale k - W'v)'"
    objective = "-scale v'Wk + |W'v|^2 / 2"
    signals = ("key", "value", "gate", "back-projection")
    reading = "postsynaptically gated loss"
    source = "Oja 1982; Irie et al. 2022 (arXiv 2206.01649)"
    chunk = 32
    chunkwise_skips = True
    approaches = ("hebbian",)  # rate to 0 at the same rate * scale
    independent = Independent.COLUMNS

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        missing = per_post(p["scale"]) * event.key - product(weight.mT, event.value)
        return weight + per_synapse(p["rate"] * event.gate) * outer(event.value, missing)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        key = per_synapse(p["scale"]) * events.key
        return corrected_reads(query, key, events.value, per_post(p["rate"]) * events.gate, weight, NoDecay(), size)


RULE = Oja()
