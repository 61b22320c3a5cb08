"""Key decay: Hebbian writes into weights that each presynaptic cell lets fade at a rate of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules.chunkwise import ChannelDecay, decayed_sum
from neurofwp.rules.free import KEY_FADING, WEIGHT_SCALE
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Nests, Rule, outer, per_synapse
from neurofwp.rules.signals import BETA, KEY, LOG_DECAY, VALUE, Argument

KEY_LOG_DECAY = Argument(LOG_DECAY.name, LOG_DECAY.meaning + ", of each presynaptic cell", ("pre",), high=0.0)


class KeyDecay(Rule):
    """Hebbian writes into weights that each presynaptic cell lets fade at a rate of its own."""

    id = "key_decay"
    equation = "W diag(alpha) + beta v k'"
    objective = "-v'Wk + sum_j (1 - alpha_j)/2 |column j of W|^2"
    signals = ("key", "value", "gate", "retention of pre")
    reading = "loss specific to a presynaptic cell"
    source = "Yang et al. 2024 (gated linear attention, arXiv 2312.06635)"
    arguments = (KEY, VALUE, BETA, KEY_LOG_DECAY)
    chunk = 16
    chunkwise_skips = True
    fitted_with: ClassVar[tuple[Parameter, ...]] = (WEIGHT_SCALE, KEY_FADING)
    nests: ClassVar[Nests] = {"hebbian": {"weight_scale": "rate", "key_fading": 0.0}}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return weight * event.retention[..., None, :] + per_synapse(event.gate) * outer(event.value, event.key)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        decay = ChannelDecay(events.others["log_decay"], size)
        return decayed_sum(query, events.key, events.value, write=events.gate, decay=decay, initial=weight, size=size)


RULE = KeyDecay()
