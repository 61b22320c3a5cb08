"""Hebbian ODE: dW/dt = beta v k' through an event of one unit of time, its signals constant.

The closed form of that flow is the Hebbian write itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules import hebbian
from neurofwp.rules.rule import Event, Rule


class HebbianFlow(Rule):
    """dW/dt = beta v k' through an event of one unit of time, its signals constant."""

    id = "ode_hebb"
    equation = "dW/dt = beta v k'"
    objective = "-v'Wk, by gradient flow"
    signals = ("key", "value", "gate")
    reading = "a conductance that grows throughout a coincidence"
    source = "Irie, Faccio & Schmidhuber 2022 (arXiv 2206.01649)"
    chunkwise_skips = True
    not_fitted = "its flow through an event is the Hebbian write itself"

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return hebbian.RULE.step(weight, event, {"rate": event.gate.new_ones(())})

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        return hebbian.RULE.chunkwise(query, events, weight, {"rate": events.gate.new_ones(())}, size)


RULE = HebbianFlow()
