"""Oja: Hebbian writes with forgetting gated by the postsynaptic side, W'v, in place of the presynaptic one."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules.base import Event, Parameter, Rule, outer, per_post, per_synapse, read


def step(weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
    missing = per_post(p["scale"]) * event.key - read(weight.mT, event.value)
    return weight + per_synapse(p["rate"] * event.gate) * outer(event.value, missing)


RULE = Rule(
    id="oja",
    step=step,
    parameters=(
        Parameter("rate", 1.0, 0.0, 2.0, "speed of the approach", value_power=-2),
        Parameter("scale", 1.0, 0.0, 20.0, "back-projection W'v that a key of one is written as", 1, 0, 1),
    ),
    equation="W + rate beta v (scale k - W'v)'",
    objective="-scale v'Wk + |W'v|^2 / 2",
    signals=("key", "value", "gate", "back-projection"),
    reading="postsynaptically gated loss",
    source="Oja 1982; Irie et al. 2022 (arXiv 2206.01649)",
    approaches=("hebbian",),  # rate to 0 at the same rate * scale
    local_to="pre",
)
