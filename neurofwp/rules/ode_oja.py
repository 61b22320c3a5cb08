"""Oja ODE: dW/dt = beta v (k - W'v)' through an event of one unit of time, its signals constant.

Along v the back-projection W'v relaxes to k at the rate beta |v|^2, in closed form as in the delta ODE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules import oja
from neurofwp.rules.chunkwise import NoDecay
from neurofwp.rules.free import OJA_RATE, OJA_SCALE
from neurofwp.rules.ode_delta import relax
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Independent, Rule


class OjaFlow(Rule):
    """dW/dt = beta v (k - W'v)' through an event of one unit of time, its signals constant."""

    id = "ode_oja"
    equation = "dW/dt = beta v (k - W'v)'"
    objective = "-v'Wk + |W'v|^2 / 2, by gradient flow"
    signals = ("key", "value", "gate", "back-projection", "value norm")
    reading = "a conductance with postsynaptically gated loss throughout an event"
    source = "Irie, Faccio & Schmidhuber 2022 (arXiv 2206.01649)"
    chunk = 32
    chunkwise_skips = True
    independent = Independent.COLUMNS
    fitted_with: ClassVar[tuple[Parameter, ...]] = (OJA_RATE, OJA_SCALE)
    approaches = ("hebbian",)  # rate to 0 at the same rate * weight_scale

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return oja.textbook(weight, event.key, event.value, relax(event.gate, event.value))

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        strength = relax(events.gate, events.value)
        return oja.corrected_reads(query, events.key, events.value, strength, weight, NoDecay(), size)


RULE = OjaFlow()
