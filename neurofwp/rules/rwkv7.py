"""RWKV-7: one pattern is taken off, another one is written, and every presynaptic cell decays at a rate of its own.

The transition is diagonal plus an outer product of two vectors, diag(alpha) - r (a * r)': the generalised delta rule.
What is taken off is read before the weights decay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules.chunkwise import ChannelDecay, low_rank_sum
from neurofwp.rules.free import KEY_FADING, WEIGHT_SCALE
from neurofwp.rules.key_decay import KEY_LOG_DECAY
from neurofwp.rules.parameter import SHARE, Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_post, per_synapse, product
from neurofwp.rules.signals import BETA, KEY, VALUE, Argument

REMOVAL = Argument("removal", "what is taken off, of norm one", ("pre",), like="key")
RATE = Argument("learning_rate", "how much of it, of each presynaptic cell", ("pre",), low=0.0, high=1.0)

LEARNING_RATE = Parameter(RATE.name, 0.5, 0.0, 1.0, "share of what the key recalls that is taken off", domain=SHARE)


class RWKV7(Rule):
    """One pattern is taken off, another one is written, and every presynaptic cell decays at a rate of its own."""

    id = "rwkv7"
    equation = "W (diag(alpha) - beta r (a * r)') + beta v k', r the removal key and a the learning rate"
    objective = "decay, then a step on |W r|^2 / 2 with a rate for each cell, and one on -v'Wk"
    signals = ("key", "value", "gate", "retention of pre", "third factor of pre", "prediction")
    reading = "loss of one pattern beside the storage of another"
    source = "Peng et al. 2025 (RWKV-7, arXiv 2503.14456), in which beta is 1"
    arguments = (KEY, VALUE, BETA, KEY_LOG_DECAY, REMOVAL, RATE)
    chunk = 16
    chunkwise_skips = True
    fitted_with: ClassVar[tuple[Parameter, ...]] = (WEIGHT_SCALE, KEY_FADING, LEARNING_RATE)
    not_fitted = "where active cells fire alike and the removal key is the key, it is key-gated delta in other units"

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        removal = event.others["removal"]
        moved = outer(product(weight, removal), event.others["learning_rate"] * removal)
        change = outer(event.value, event.key) - moved
        return weight * event.retention[..., None, :] + per_synapse(event.gate) * change

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        removal, gate = events.others["removal"], per_post(events.gate)
        return low_rank_sum(
            query, events.key, gate * events.value, removal, -gate * events.others["learning_rate"] * removal,
            decay=ChannelDecay(events.others["log_decay"], size), initial=weight, size=size,
        )  # fmt: skip


RULE = RWKV7()
