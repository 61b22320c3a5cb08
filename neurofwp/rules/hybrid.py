"""Hybrid: fast weights beside a window of softmax attention, which keeps the last keys and values as they are.

Both get every event: the synchronous form; `delayed_hybrid` is the other one. The share of the fast weights in a read
is a gate of each postsynaptic cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from neurofwp.rules import delta
from neurofwp.rules.chunkwise import NoDecay, last, last_ones, left_aligned, unaligned, windowed_attention
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule, product
from neurofwp.rules.signals import BETA, KEY, VALUE, Argument

FAST_SHARE = Argument("fast_share", "share of the fast weights in a read", ("post",), low=0.0, high=1.0)
LAG_BIAS = Argument(
    "lag_bias", "added to the scores of the window, the newest event first: its size", ("window",), per_event=False
)


class State(NamedTuple):
    """weight (..., post, pre); keys (..., window, pre), values (..., window, post) and filled (..., window), 1 where
    there is one, the newest first; output (..., post), the last read."""

    weight: Tensor
    keys: Tensor
    values: Tensor
    filled: Tensor
    output: Tensor


def push(window: Tensor, new: Tensor) -> Tensor:
    """The window (..., window, dim) with the new one in front and without its oldest."""
    newest = new[..., None, :].expand(*window.shape[:-2], 1, window.shape[-1])
    return torch.cat([newest, window[..., :-1, :]], dim=-2)


def attend(query: Tensor, keys: Tensor, values: Tensor, filled: Tensor, bias: Tensor, sharpness: Tensor) -> Tensor:
    """softmax(sharpness q.k + bias) v over the window: query (..., pre), keys (..., window, pre), reads (..., post)."""
    scores = sharpness[..., None] * product(keys, query) + bias
    return product(values.mT, scores.masked_fill(filled < 0.5, -torch.inf).softmax(-1))


class Hybrid(Rule):
    """Fast weights beside a window of softmax attention; both get every event."""

    id = "hybrid"
    parameters = (Parameter("sharpness", 1.0, 0.0, 100.0, "what multiplies the scores of the window"),)
    equation = "delta; y = g * W q + (1 - g) * sum_s softmax(sharpness q.k_s + bias) v_s over the last events"
    objective = "|v - W k|^2 / 2"
    signals = ("key", "value", "gate", "prediction")
    reading = "synaptic memory beside a short-term store that keeps items apart"
    source = "Irie, Yau & Gershman 2025 (arXiv 2506.00744), synchronous"
    arguments = (KEY, VALUE, BETA, FAST_SHARE, LAG_BIAS)
    state = State
    chunk = 32
    chunkwise_skips = True
    clampable = False
    not_fitted = "its weights are those of delta: only its reads tell them apart"
    delayed: ClassVar[bool] = False

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        *batch, post, pre = weight.shape
        size = event.others["lag_bias"].shape[-1]
        shapes = ((size, pre), (size, post), (size,), (post,))
        return State(weight, *(weight.new_zeros(*batch, *shape) for shape in shapes))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        assert event.query is not None
        key, value = (state.keys[..., -1, :], state.values[..., -1, :]) if self.delayed else (event.key, event.value)
        weight = delta.textbook(state.weight, key, value, event.gate)
        keys, values = push(state.keys, event.key), push(state.values, event.value)
        filled = push(state.filled[..., None], torch.ones_like(event.gate)[..., None])[..., 0]
        bias, share = event.others["lag_bias"], event.others["fast_share"]
        recalled = attend(event.query, keys, values, filled, bias, p["sharpness"])
        return State(weight, keys, values, filled, share * product(weight, event.query) + (1 - share) * recalled)

    def read(self, state: State, query: Tensor, p: Mapping[str, Tensor]) -> Tensor:
        return state.output

    def chunkwise(
        self, query: Tensor, events: Event, state: State, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, State]:
        mask, gate, share = events.mask, events.gate[..., None], events.others["fast_share"]
        key, value = events.key, events.value
        if mask is not None:
            query, gate, key, value = (left_aligned(each, mask) for each in (query, gate, key, value))
        # the oldest first, as time goes on; what lies behind the last event sees itself: none sees it
        old, new = (state.keys, state.values, state.filled[..., None]), (key, value, torch.ones_like(gate))
        keys, values, filled = lines = [
            torch.cat([before.flip(-2), added], dim=-2) for before, added in zip(old, new, strict=True)
        ]
        recalled = windowed_attention(
            query, keys, values, filled[..., 0], events.others["lag_bias"], p["sharpness"], size
        )
        if self.delayed:
            key, value = (line[..., : query.shape[-2], :] for line in lines[:2])
        written = Event(key, value, gate[..., 0], events.retention)
        fast, weight = delta.corrected_reads(query, written, state.weight, written.gate, written.gate, NoDecay(), size)
        if mask is not None:
            fast, recalled = unaligned(fast, mask), unaligned(recalled, mask)
        read = share * fast + (1 - share) * recalled
        keys, values, filled = (last_ones(line, state.filled.shape[-1], mask).flip(-2) for line in lines)
        return read, State(weight, keys, values, filled[..., 0], last(read, state.output, mask))


RULE = Hybrid()
