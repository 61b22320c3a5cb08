"""Leaky: Hebbian writes into weights that leak at every event."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules import Event, Parameter, Rule
from neurofwp.rules.rule import outer, per_synapse


class Leaky(Rule):
    """Hebbian writes into weights that leak at every event."""

    id = "leaky"
    equation = "leak W + beta v k'"
    objective = "-v'Wk + (1 - leak)/2 |W|^2"
    reading = "receptor turnover"
    source = "a package outside neurofwp"
    signals = ("key", "value", "gate")
    parameters = (Parameter("leak", 0.9, 0.0, 1.0, "share of a weight that survives an event"),)

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return per_synapse(p["leak"]) * weight + per_synapse(event.gate) * outer(event.value, event.key)
