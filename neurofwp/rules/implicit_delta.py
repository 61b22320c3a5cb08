"""Implicit delta: a write that saturates: the exact minimum where the delta rule takes one gradient step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules import delta
from neurofwp.rules.chunkwise import NoDecay
from neurofwp.rules.free import SATURATING_RATE, WEIGHT_SCALE
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule


def strength(event: Event) -> Tensor:
    """beta / (1 + beta |k|^2), (...): below 1 / |k|^2 however large beta is."""
    return event.gate / (1 + event.gate * event.key.square().sum(-1))


class ImplicitDelta(Rule):
    """A write that saturates: the exact minimum where the delta rule takes one gradient step."""

    id = "implicit_delta"
    equation = "W + epsilon (v - W k) k', epsilon = beta / (1 + beta |k|^2)"
    objective = "minimum of |W - W_old|^2 + beta |v - W k|^2"
    signals = ("key", "value", "gate", "prediction", "key norm")
    reading = "error-correcting write that saturates"
    source = "Liu et al. 2024 (Longhorn)"
    chunk = 32
    chunkwise_skips = True
    fitted_with: ClassVar[tuple[Parameter, ...]] = (SATURATING_RATE, WEIGHT_SCALE)
    approaches = ("hebbian",)  # rate to 0 at the same rate * weight_scale

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return delta.textbook(weight, event.key, event.value, strength(event))

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        epsilon = strength(events)
        return delta.corrected_reads(query, events, weight, epsilon, epsilon, NoDecay(), size)


RULE = ImplicitDelta()
