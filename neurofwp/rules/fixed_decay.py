"""Fixed decay: Hebbian writes into weights that fade by the same share at every event, reads included."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules.base import Event, Parameter, Rule, outer, per_synapse


def step(weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
    written = per_synapse(p["rate"] * event.gate) * outer(event.value, event.key)
    return per_synapse(p["decay"]) * weight + written


RULE = Rule(
    id="fixed_decay",
    step=step,
    parameters=(
        Parameter("rate", 1.0, 0.0, 10.0, "size of a write", weight_power=1),
        Parameter("decay", 1 - 2**-5, 0.0, 1.0, "share of a weight that survives any event"),
    ),
    equation="decay W + rate beta v k'",
    objective="-v'Wk + (1 - decay)/2 |W|^2",
    signals=("key", "value", "gate"),
    reading="constitutive receptor turnover",
    source="Sun et al. 2023 (RetNet)",
    nests={"hebbian": {"decay": 1.0}},
)
