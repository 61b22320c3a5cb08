"""Key-gated delta: the weights of each presynaptic cell decay at a rate of its own, then the delta rule writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules import delta
from neurofwp.rules.chunkwise import ChannelDecay
from neurofwp.rules.free import DELTA_RATE, KEY_FADING, WEIGHT_SCALE
from neurofwp.rules.key_decay import KEY_LOG_DECAY
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule
from neurofwp.rules.signals import BETA, KEY, VALUE


class KeyGatedDelta(Rule):
    """The weights of each presynaptic cell decay at a rate of its own, then the delta rule writes."""

    id = "key_gated_delta"
    equation = "W <- W diag(alpha); W + beta (v - W k) k'"
    objective = "decay, then |v - W k|^2 / 2"
    signals = ("key", "value", "gate", "retention of pre", "prediction")
    reading = "error correction with loss specific to a presynaptic cell"
    source = "Kimi Team 2025 (Kimi delta attention, arXiv 2510.26692)"
    arguments = (KEY, VALUE, BETA, KEY_LOG_DECAY)
    chunk = 16
    chunkwise_skips = True
    fitted_with: ClassVar[tuple[Parameter, ...]] = (DELTA_RATE, WEIGHT_SCALE, KEY_FADING)

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return delta.textbook(weight * event.retention[..., None, :], event.key, event.value, event.gate)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        decay = ChannelDecay(events.others["log_decay"], size)
        return delta.corrected_reads(query, events, weight, events.gate, events.gate, decay, size)


RULE = KeyGatedDelta()
