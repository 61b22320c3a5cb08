"""Calcium thresholds: calcium above one threshold depresses, above a higher one potentiates, both with soft bounds.

Calcium is c = k_j (drive_offset + v_i). The thresholds are logistic, so that a fit can move them; the speed of the
change is proportional to k_j (the share of the event in which the synapse has any calcium at all), so that a silent
synapse does not change, exactly. Where all active keys are equal, drive_offset and the two thresholds describe the
same thing, and only their combination can be fitted.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from neurofwp.rules.parameter import POSITIVE, Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_post, per_synapse


class CalciumThreshold(Rule):
    """Calcium above one threshold depresses, above a higher one potentiates, both with soft bounds."""

    id = "calcium_threshold"
    parameters = (
        Parameter("rate_p", 0.7, 0.0, 2.0, "speed of potentiation", key_power=-1),
        Parameter("rate_d", 0.7, 0.0, 2.0, "speed of depression", key_power=-1),
        Parameter("theta_p", 1.5, 0.0, 4.0, "calcium above which a synapse potentiates", key_power=1),
        Parameter("theta_d", 0.5, 0.0, 4.0, "calcium above which a synapse depresses", key_power=1),
        Parameter("slope", 0.05, 0.01, 1.0, "width of the thresholds", key_power=1, domain=POSITIVE),
        Parameter("drive_offset", 1.0, 0.0, 3.0, "calcium of an active synapse where nothing is taught"),
        Parameter("w_max", 1.0, 0.0, 20.0, "largest weight", weight_power=1, key_power=1),
    )
    equation = (
        "W + beta k_j (rate_p [c > theta_p] (w_max - W) - rate_d [c > theta_d] W), "
        "c = k_j (drive_offset + v_i), [ ] logistic"
    )
    objective = "none"
    signals = ("key", "value", "gate", "weight")
    reading = "two-threshold calcium control"
    source = "Graupner & Brunel 2012, in discrete events"
    absorbs_offset = True

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        calcium = outer(per_post(p["drive_offset"]) + event.value, event.key)
        slope = per_synapse(p["slope"])
        potentiation = per_synapse(p["rate_p"]) * torch.sigmoid((calcium - per_synapse(p["theta_p"])) / slope)
        depression = per_synapse(p["rate_d"]) * torch.sigmoid((calcium - per_synapse(p["theta_d"])) / slope)
        change = potentiation * (per_synapse(p["w_max"]) - weight) - depression * weight
        return weight + per_synapse(event.gate) * event.key[..., None, :] * change


RULE = CalciumThreshold()
