"""Outstar: every active synapse moves towards its own copy of the value, whatever the other synapses predict."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule, per_post, per_synapse


class Outstar(Rule):
    """Every active synapse moves towards its own copy of the value, whatever the other synapses predict."""

    id = "outstar"
    parameters = (
        Parameter("rate", 1.0, 0.0, 2.0, "speed of the approach", key_power=-1),
        Parameter("scale", 1.0, 0.0, 20.0, "weight that a value of one is written as", weight_power=1, key_power=1),
    )
    equation = "W + rate beta k' (scale v - W), elementwise"
    objective = "sum_j k_j (scale v_i - W_ij)^2 / 2"
    signals = ("key", "value", "gate", "weight")
    reading = "overwrite by each synapse for itself"
    source = "Grossberg 1968 (outstar)"
    approaches = ("hebbian",)  # rate to 0 at the same rate * scale

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        missing = (per_post(p["scale"]) * event.value)[..., :, None] - weight
        return weight + per_synapse(p["rate"] * event.gate) * event.key[..., None, :] * missing


RULE = Outstar()
