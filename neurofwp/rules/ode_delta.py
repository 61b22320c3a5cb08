"""Delta ODE: dW/dt = beta (v - W k) k' through an event of one unit of time, its signals constant.

Along k the prediction relaxes to v at the rate beta |k|^2, so that the flow is a delta write of the strength
(1 - exp(-beta |k|^2)) / |k|^2: it never overshoots, however large beta is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from neurofwp.rules import delta
from neurofwp.rules.chunkwise import NoDecay
from neurofwp.rules.free import SATURATING_RATE, WEIGHT_SCALE
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule


def relax(gate: Tensor, direction: Tensor) -> Tensor:
    """(1 - exp(-beta |x|^2)) / |x|^2 for x (..., dim); beta for x = 0. (...)."""
    norm = direction.square().sum(-1)
    small = gate * norm < 1e-6  # there the series is exact to rounding, and finite at 0
    safe = torch.where(small, 1.0, norm)
    series = gate * (1 - gate * norm / 2 * (1 - gate * norm / 3))
    return torch.where(small, series, -torch.expm1(-gate * safe) / safe)


class DeltaFlow(Rule):
    """dW/dt = beta (v - W k) k' through an event of one unit of time, its signals constant."""

    id = "ode_delta"
    equation = "dW/dt = beta (v - W k) k'"
    objective = "|v - W k|^2 / 2, by gradient flow"
    signals = ("key", "value", "gate", "prediction", "key norm")
    reading = "a conductance that moves throughout an event until the dendritic error is gone"
    source = "Irie, Faccio & Schmidhuber 2022 (arXiv 2206.01649)"
    chunk = 32
    chunkwise_skips = True
    fitted_with: ClassVar[tuple[Parameter, ...]] = (SATURATING_RATE, WEIGHT_SCALE)
    approaches = ("hebbian",)  # rate to 0 at the same rate * weight_scale

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return delta.textbook(weight, event.key, event.value, relax(event.gate, event.key))

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        strength = relax(events.gate, events.key)
        return delta.corrected_reads(query, events, weight, strength, strength, NoDecay(), size)


RULE = DeltaFlow()
