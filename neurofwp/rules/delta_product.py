"""Delta product: several delta writes within one event, after one decay.

A product of Householder transitions can turn a state, where a single one can only mirror or shrink it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from neurofwp.rules import delta
from neurofwp.rules.chunkwise import ScalarDecay
from neurofwp.rules.rule import Event, Rule, per_synapse
from neurofwp.rules.signals import BETA, KEY, OPTIONAL_LOG_DECAY, VALUE, Argument

ARGUMENTS = (
    Argument("key", KEY.meaning + ", of each micro-step", ("micro", "pre")),
    Argument("value", VALUE.meaning + ", of each micro-step", ("micro", "post")),
    Argument("beta", BETA.meaning + " of each micro-step", ("micro",), BETA.low, BETA.high, BETA.default),
    OPTIONAL_LOG_DECAY,
)


class DeltaProduct(Rule):
    """Several delta writes within one event, after one decay."""

    id = "delta_product"
    equation = "W <- alpha W; for each micro-step W <- W + beta_n (v_n - W k_n) k_n'"
    objective = "as many gradient steps on |v_n - W k_n|^2 / 2 as there are micro-steps"
    signals = ("key", "value", "gate", "retention", "prediction")
    reading = "several calcium events within one write"
    source = "Siems et al. 2025 (DeltaProduct)"
    arguments = ARGUMENTS
    chunk = 32
    chunkwise_skips = True
    not_fitted = "an event of a Program is a single micro-step, in which it is gated delta"

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        weight = per_synapse(event.retention) * weight
        for key, value, gate in zip(event.key.unbind(-2), event.value.unbind(-2), event.gate.unbind(-1), strict=True):
            weight = delta.textbook(weight, key, value, gate)
        return weight

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        micro = events.key.shape[-2]
        # micro-steps one after the other: the first decays, the last is read
        log_decay = events.others["log_decay"]
        rest = log_decay.new_zeros(*log_decay.shape, micro - 1)
        decay = ScalarDecay.from_logs(torch.cat([log_decay[..., None], rest], dim=-1).flatten(-2), size)
        unread = query.new_zeros(*query.shape[:-1], micro - 1, query.shape[-1])
        queries = torch.cat([unread, query[..., None, :]], dim=-2).flatten(-3, -2)
        flat = Event(
            events.key.flatten(-3, -2), events.value.flatten(-3, -2), events.gate.flatten(-2), events.retention
        )
        read, weight = delta.corrected_reads(queries, flat, weight, flat.gate, flat.gate, decay, size)
        return read[..., micro - 1 :: micro, :], weight


RULE = DeltaProduct()
