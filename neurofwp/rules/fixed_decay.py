"""Fixed decay: Hebbian writes into weights that fade by the same share at every event, reads included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from neurofwp.rules.chunkwise import ScalarDecay, decayed_sum
from neurofwp.rules.parameter import SHARE, Parameter
from neurofwp.rules.rule import Event, Nests, Rule, outer, per_post, per_synapse


def by_head(head: Tensor) -> Tensor:
    """1 - 2^-(5 + head): heads with spans of 32, 64, 128, ... events."""
    return 1 - 2.0 ** (-5 - head)


class FixedDecay(Rule):
    """Hebbian writes into weights that fade by the same share at every event, reads included."""

    id = "fixed_decay"
    parameters = (
        Parameter("rate", 1.0, 0.0, 10.0, "size of a write", weight_power=1),
        Parameter(
            "decay", 1 - 2**-5, 0.0, 1.0, "share of a weight that survives any event", by_head=by_head, domain=SHARE
        ),
    )
    equation = "decay W + rate beta v k'"
    objective = "-v'Wk + (1 - decay)/2 |W|^2"
    signals = ("key", "value", "gate")
    reading = "constitutive receptor turnover"
    source = "Sun et al. 2023 (RetNet)"
    chunk = 32
    chunkwise_skips = True
    nests: ClassVar[Nests] = {"hebbian": {"decay": 1.0}}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        written = per_synapse(p["rate"] * event.gate) * outer(event.value, event.key)
        return per_synapse(p["decay"]) * weight + written

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        write = per_post(p["rate"]) * events.gate
        share = per_post(p["decay"]).expand(*p["decay"].shape, query.shape[-2])
        if events.mask is not None:
            share = torch.where(events.mask, share, 1.0)
        decay = ScalarDecay.from_factors(share, size)
        return decayed_sum(query, events.key, events.value, write=write, decay=decay, initial=weight, size=size)


RULE = FixedDecay()
