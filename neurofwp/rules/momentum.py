"""Momentum: a trace gathers the delta rule's gradients, and goes on moving the weight after the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from torch import Tensor

from neurofwp.rules.chunkwise.momentum import momentum_sum
from neurofwp.rules.free import DECAY, DELTA_RATE, WEIGHT_SCALE
from neurofwp.rules.parameter import SHARE, Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_synapse, product
from neurofwp.rules.signals import BETA, KEY, OPTIONAL_LOG_DECAY, VALUE, Argument

KEPT = Argument("momentum", "share of the trace that survives", low=0.0, high=1.0, signal="retention")

SHARE_OF_TRACE = Parameter(KEPT.name, 0.5, 0.0, 1.0, KEPT.meaning, domain=SHARE)


class State(NamedTuple):
    """weight and trace, both (..., post, pre)."""

    weight: Tensor
    trace: Tensor


class Momentum(Rule):
    """A trace gathers the delta rule's gradients, and goes on moving the weight after the event."""

    id = "momentum"
    equation = "S <- eta S + beta (v - W k) k'; W <- alpha W + S"
    objective = "|v - W k|^2 / 2, by heavy-ball steps"
    signals = ("key", "value", "gate", "retention", "prediction", "synapse trace")
    reading = "calcium or CaMKII trace that outlives the event"
    source = "Behrouz et al. 2025 (Titans), with a linear memory"
    arguments = (KEY, VALUE, BETA, OPTIONAL_LOG_DECAY, KEPT)
    state = State
    chunk = 32
    chunkwise_skips = True
    fitted_with: ClassVar[tuple[Parameter, ...]] = (DELTA_RATE, WEIGHT_SCALE, DECAY, SHARE_OF_TRACE)

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        return State(weight, weight.new_zeros(weight.shape))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        error = event.value - product(state.weight, event.key)
        trace = per_synapse(event.others["momentum"]) * state.trace + per_synapse(event.gate) * outer(error, event.key)
        return State(per_synapse(event.retention) * state.weight + trace, trace)

    def chunkwise(
        self, query: Tensor, events: Event, state: State, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, State]:
        read, weight, trace = momentum_sum(
            query, events.key, events.value, write=events.gate, kept=events.others["momentum"],
            retention=events.retention, mask=events.mask, weight=state.weight, trace=state.trace, size=size,
        )  # fmt: skip
        return read, State(weight, trace)


RULE = Momentum()
