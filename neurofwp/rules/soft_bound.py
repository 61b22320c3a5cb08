"""Soft bound: potentiation that slows towards a largest weight, and depression wherever the presynaptic cell fires."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_synapse


class SoftBound(Rule):
    """Potentiation that slows towards a largest weight, and depression wherever the presynaptic cell fires."""

    id = "soft_bound"
    parameters = (
        Parameter("g_plus", 0.5, 0.0, 3.0, "speed of potentiation", key_power=-1),
        Parameter("g_minus", 0.5, 0.0, 3.0, "speed of depression", key_power=-2),
        Parameter("w_max", 1.0, 0.0, 20.0, "largest weight", weight_power=1, key_power=1),
    )
    equation = "W + beta (g_plus (w_max - W) v k' - g_minus W k^2)"
    objective = "none"
    signals = ("key", "value", "gate", "weight")
    reading = "soft-bounded LTP with presynaptically gated LTD"
    source = "Limbacher & Legenstein 2020 (H-Mem)"
    # w_max to infinity at the same g_plus w_max: an outstar where all active keys are equal, hebbian without depression
    approaches = ("hebbian", "outstar")

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        potentiation = per_synapse(p["g_plus"]) * (per_synapse(p["w_max"]) - weight) * outer(event.value, event.key)
        depression = per_synapse(p["g_minus"]) * weight * event.key[..., None, :] ** 2
        return weight + per_synapse(event.gate) * (potentiation - depression)


RULE = SoftBound()
