"""Gated Oja: the weights of each postsynaptic cell decay at a rate of its own, then Oja's rule writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules import oja
from neurofwp.rules.chunkwise import ChannelDecay
from neurofwp.rules.free import DECAY, OJA_RATE, OJA_SCALE
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Independent, Nests, Rule
from neurofwp.rules.signals import BETA, KEY, LOG_DECAY, VALUE, Argument

POST_LOG_DECAY = Argument(LOG_DECAY.name, LOG_DECAY.meaning + ", of each postsynaptic cell", ("post",), high=0.0)


class GatedOja(Rule):
    """The weights of each postsynaptic cell decay at a rate of its own, then Oja's rule writes."""

    id = "gated_oja"
    equation = "W <- diag(alpha) W; W + beta v (k - W'v)'"
    objective = "decay, then -v'Wk + |W'v|^2 / 2"
    signals = ("key", "value", "gate", "retention of post", "back-projection")
    reading = "postsynaptically gated loss, and loss specific to a postsynaptic cell"
    source = "Oja 1982; Irie et al. 2022 (arXiv 2206.01649); gate per channel as in Yang et al. 2024 (arXiv 2312.06635)"
    arguments = (KEY, VALUE, BETA, POST_LOG_DECAY)
    chunk = 16
    chunkwise_skips = True
    independent = Independent.COLUMNS
    fitted_with: ClassVar[tuple[Parameter, ...]] = (OJA_RATE, OJA_SCALE, DECAY)
    nests: ClassVar[Nests] = {"oja": {"weight_scale": "scale", "decay": 1.0}}
    approaches = ("hebbian", "fixed_decay")  # rate to 0 at the same rate * weight_scale

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return oja.textbook(event.retention[..., :, None] * weight, event.key, event.value, event.gate)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        decay = ChannelDecay(events.others["log_decay"], size)
        return oja.corrected_reads(query, events.key, events.value, events.gate, weight, decay, size)


RULE = GatedOja()
