"""mLSTM: exponential gates, and a read that is divided by how much was written under similar keys.

The gates' exponents are taken relative to their running maximum m, so that nothing overflows: `weight` and `normaliser`
are exp(-m) times what the plain recurrence would hold, and reads are the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from neurofwp.rules.chunkwise import ScalarDecay, decayed_sum, split
from neurofwp.rules.chunkwise.decay import largest_log, segment_sums
from neurofwp.rules.rule import Event, Rule, outer, per_post, per_synapse, product
from neurofwp.rules.signals import KEY, LOG_DECAY, VALUE, Argument

LOG_INPUT = Argument("log_input", "log of the input gate", rest=-math.inf)


class State(NamedTuple):
    """weight (..., post, pre), normaliser (..., pre), maximum (...)."""

    weight: Tensor
    normaliser: Tensor
    maximum: Tensor


def divide(read: Tensor, written: Tensor, maximum: Tensor) -> Tensor:
    """C q / max(|n.q|, exp(-m)): read (..., post), written and maximum (...)."""
    least = (-maximum).clamp(max=largest_log(maximum.dtype) - 1).exp()
    return read / per_post(torch.maximum(written.abs(), least))


def newer(new: Tensor, old: Tensor) -> Tensor:
    """The larger of both; where they tie the gradient belongs to the newer, so that all forms agree on it."""
    return torch.where(new >= old, new, old)


def running_maximum(log_input: Tensor, log_forget: Tensor, start: Tensor, size: int) -> Tensor:
    """m_t = max(log f_t + m_{t-1}, log i_t), (..., time), from m_0 (...)."""
    inputs, forgets = (split(each, size, axis=-1) for each in (log_input, log_forget))
    past = torch.ones(size, size, dtype=torch.bool, device=inputs.device).tril()
    candidates = torch.where(past, segment_sums(forgets) + inputs[..., None, :], -torch.inf)
    newest = size - 1 - candidates.flip(-1).argmax(-1, keepdim=True)
    within = candidates.gather(-1, newest)[..., 0]
    chunks = []
    for total, own in zip(forgets.cumsum(-1).unbind(-2), within.unbind(-2), strict=True):
        chunks.append(newer(own, total + per_post(start)))
        start = chunks[-1][..., -1]
    return torch.cat(chunks, dim=-1)[..., : log_input.shape[-1]]


class MLSTM(Rule):
    """Exponential gates, and a read that is divided by how much was written under similar keys."""

    id = "mlstm"
    equation = "C <- f C + i v k'; n <- f n + i k; y = C q / max(|n.q|, exp(-m)), all relative to exp(m)"
    objective = "-i v'Wk + (1 - f)/2 |W|^2"
    signals = ("key", "value", "gate", "retention")
    reading = "gated write with divisive normalisation"
    source = "Beck et al. 2024 (xLSTM)"
    arguments = (KEY, VALUE, LOG_INPUT, LOG_DECAY)
    state = State
    chunk = 32
    chunkwise_skips = True
    clampable = False
    not_fitted = "its weights, but for the factor exp(-m), are those of scalar decay: only its reads are divided"

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        shape = weight.shape
        return State(weight, weight.new_zeros(*shape[:-2], shape[-1]), weight.new_zeros(shape[:-2]))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        log_input, log_forget = event.others["log_input"], event.others["log_decay"]
        maximum = newer(log_input, log_forget + state.maximum)
        write = (log_input - maximum).exp()
        forget = (log_forget + state.maximum - maximum).exp()
        return State(
            per_synapse(forget) * state.weight + per_synapse(write) * outer(event.value, event.key),
            per_post(forget) * state.normaliser + per_post(write) * event.key,
            maximum,
        )

    def read(self, state: State, query: Tensor, p: Mapping[str, Tensor]) -> Tensor:
        return divide(product(state.weight, query), (state.normaliser * query).sum(-1), state.maximum)

    def chunkwise(
        self, query: Tensor, events: Event, state: State, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, State]:
        log_input, log_forget = events.others["log_input"], events.others["log_decay"]
        maximum = running_maximum(log_input, log_forget, state.maximum, size)
        before = torch.cat([state.maximum.expand(maximum.shape[:-1])[..., None], maximum[..., :-1]], dim=-1)
        decay = ScalarDecay.from_logs(log_forget + before - maximum, size)
        # the normaliser is what the rule would store for a value of 1
        value = torch.cat([events.value, torch.ones_like(events.value[..., :1])], dim=-1)
        both = torch.cat([state.weight, state.normaliser[..., None, :]], dim=-2)
        read, last = decayed_sum(
            query, events.key, value, write=(log_input - maximum).exp(), decay=decay, initial=both, size=size
        )
        end = State(last[..., :-1, :], last[..., -1, :], maximum[..., -1])
        return divide(read[..., :-1], read[..., -1], maximum), end


RULE = MLSTM()
