"""Gated delta: the weights decay first, then the delta rule writes into what is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules import delta
from neurofwp.rules.chunkwise import ScalarDecay
from neurofwp.rules.known import is_known
from neurofwp.rules.parameter import SHARE, Parameter
from neurofwp.rules.rule import Event, Nests, Rule, per_synapse
from neurofwp.rules.signals import BETA, KEY, LOG_DECAY, VALUE


class GatedDelta(Rule):
    """The weights decay first, then the delta rule writes into what is left."""

    id = "gated_delta"
    parameters = (
        *delta.RULE.parameters,
        Parameter(
            "decay", 1.0, 0.0, 1.0, "share of a weight that survives any event, times the retention", domain=SHARE
        ),
    )
    equation = "W <- alpha decay W; then delta"
    objective = "decay, then as delta"
    signals = ("key", "value", "gate", "retention", "prediction")
    reading = "error correction with receptor turnover"
    source = "Yang et al. 2024 (gated DeltaNet, arXiv 2412.06464)"
    arguments = (KEY, VALUE, BETA, LOG_DECAY)
    chunkwise_at: ClassVar[Mapping[str, float]] = delta.LINEAR | {"decay": 1.0}
    chunk = 32
    chunkwise_skips = True
    nests: ClassVar[Nests] = {
        "hebbian": {"prediction_gain": 0.0, "decay": 1.0},
        "fixed_decay": {"prediction_gain": 0.0},
        "delta": {"decay": 1.0},
    }

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        left = event.retention if is_known(p, "decay", 1.0) else event.retention * p["decay"]
        return delta.RULE.step(per_synapse(left) * weight, event, p)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        decay = ScalarDecay.from_logs(events.others["log_decay"], size)
        return delta.corrected_reads(query, events, weight, *delta.strengths(events, p), decay, size)


RULE = GatedDelta()
