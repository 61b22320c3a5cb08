"""Eligibility: what fires together leaves a trace, and a neuromodulator that comes later turns traces into weights.

The modulator of an event finds the trace that earlier events have left. The published rule clips the weights: `bounds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from neurofwp.rules.chunkwise import filtered_sum
from neurofwp.rules.parameter import SHARE, Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_post, per_synapse
from neurofwp.rules.signals import KEY, VALUE, Argument

MODULATOR = Argument("beta", "neuromodulator, which may be negative", default=1.0)


class State(NamedTuple):
    """weight and trace, both (..., post, pre)."""

    weight: Tensor
    trace: Tensor


class Eligibility(Rule):
    """What fires together leaves a trace, and a neuromodulator that comes later turns traces into weights."""

    id = "eligibility"
    parameters = (
        Parameter("rate", 1.0, 0.0, 10.0, "weight that a modulator of one makes of a trace of one", weight_power=1),
        Parameter("turnover", 0.5, 0.0, 1.0, "share of the trace that is renewed in an event", domain=SHARE),
    )
    equation = "W + rate beta E; then E <- (1 - turnover) E + turnover v k'"
    objective = "-v'Wk, paid when the modulator comes"
    signals = ("gate", "synapse trace")
    reading = "synaptic eligibility, and dopamine after the event"
    source = "Miconi et al. 2019 (backpropamine, retroactive neuromodulation; ICLR)"
    arguments = (KEY, VALUE, MODULATOR)
    state = State
    chunk = 32
    chunkwise_skips = True
    elementwise = True

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        return State(weight, weight.new_zeros(weight.shape))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        weight = state.weight + per_synapse(p["rate"] * event.gate) * state.trace
        share = per_synapse(p["turnover"])
        return State(weight, (1 - share) * state.trace + share * outer(event.value, event.key))

    def chunkwise(
        self, query: Tensor, events: Event, state: State, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, State]:
        modulator = per_post(p["rate"]) * events.gate
        turnover = per_post(p["turnover"]).expand_as(modulator)
        none, one = torch.zeros_like(modulator), torch.ones_like(modulator)
        rows = (torch.stack(row, dim=-1) for row in ((one, modulator), (none, 1 - turnover)))
        read, both = filtered_sum(
            query, events.key, events.value, transition=torch.stack(tuple(rows), dim=-2),
            write=torch.stack([none, turnover], dim=-1), mask=events.mask, initial=torch.stack([*state], dim=-3),
            size=size,
        )  # fmt: skip
        return read, State(*(each.contiguous() for each in both.unbind(-3)))


RULE = Eligibility()
