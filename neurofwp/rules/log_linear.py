"""Log-linear: the past in a hierarchy of weights, the older the coarser, and a read that weighs the levels.

After event t, level l > 0 holds the events whose number first differs from t, as binary numbers, in the l-th digit from
the right, and level 0 holds t itself: a Fenwick tree. The last level holds all that is older too, so that any number of
events fits; the initial weights count as older than all. All levels together are what scalar decay has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from neurofwp.rules.chunkwise import ScalarDecay, last, split
from neurofwp.rules.rule import Event, Rule, outer, per_synapse
from neurofwp.rules.signals import BETA, KEY, LOG_DECAY, VALUE, Argument

LEVEL_SHARE = Argument("level_share", "what a read multiplies each level by", ("level",), low=0.0)


class State(NamedTuple):
    """weight (..., post, pre), the sum of levels (..., level, post, pre); share (..., level) of the last event, and
    events (...), how many there were."""

    weight: Tensor
    levels: Tensor
    share: Tensor
    events: Tensor


def level_of(now: Tensor, then: Tensor, levels: int) -> Tensor:
    """The level at event `now` of an event `then` that is not later; whole numbers, from 0."""
    digits = torch.frexp((now ^ then).double()).exponent.long()
    return digits.clamp(max=levels - 1)


def one_hot(number: Tensor, count: int) -> Tensor:
    """(..., count), whether each is the number; torch's own would wait for a GPU."""
    return number[..., None] == torch.arange(count, device=number.device)


def places(count: Tensor, levels: int) -> Tensor:
    """An event that each level holds after `count` (...) events, (..., level); empty levels have one of another."""
    last = count[..., None] - 1
    digit = torch.arange(levels, device=count.device)
    past = ((last >> (digit - 1).clamp_min(0)) - 1) << (digit - 1).clamp_min(0)
    return torch.where(digit == 0, last, past).clamp_min(0)


def moves(count: Tensor, now: Tensor, levels: int) -> Tensor:
    """Where each level after `count` (...) events is at event `now` (...), one-hot (..., level now, level before)."""
    to = level_of(now[..., None], places(count, levels), levels)
    # the last level keeps what it has
    last = torch.arange(levels, device=to.device) == levels - 1
    return one_hot(torch.where(last, levels - 1, to), levels).mT


class LogLinear(Rule):
    """The past in a hierarchy of weights, the older the coarser, and a read that weighs the levels."""

    id = "log_linear"
    equation = "W_0 = beta v k'; older W_l <- alpha W_l, joined as in a Fenwick tree; y = sum_l share_l W_l q"
    objective = "of all levels together: -v'Wk + (1 - alpha_t)/2 |W|^2"
    signals = ("key", "value", "gate", "retention")
    reading = "memories of one age read apart from those of another"
    source = "Guo et al. 2025 (log-linear attention, arXiv 2506.04761), its Mamba-2, in which beta is 1"
    arguments = (KEY, VALUE, BETA, LOG_DECAY, LEVEL_SHARE)
    state = State
    chunkwise_skips = True
    clampable = False
    not_fitted = "all its levels together are the weights of scalar decay: only its reads tell them apart"

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        levels = event.others["level_share"].shape[-1]
        oldest = torch.arange(levels, device=weight.device) == levels - 1
        batch = weight.shape[:-2]
        share = weight.new_zeros(*batch, levels)
        return State(weight, weight[..., None, :, :] * oldest[:, None, None], share, weight.new_zeros(batch))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        write = per_synapse(event.gate) * outer(event.value, event.key)
        share, count = event.others["level_share"], state.events.round().long()
        to = moves(count, count, share.shape[-1]).to(write)
        kept = per_synapse(event.retention)
        old = kept[..., None, :, :] * torch.einsum("...mn,...nij->...mij", to, state.levels)
        newest = torch.arange(share.shape[-1], device=write.device) == 0
        levels = old + newest[:, None, None] * write[..., None, :, :]
        return State(kept * state.weight + write, levels, share.expand(state.share.shape).clone(), state.events + 1)

    def read(self, state: State, query: Tensor, p: Mapping[str, Tensor]) -> Tensor:
        return torch.einsum("...l,...lij,...j->...i", state.share, state.levels, query)

    def chunkwise(
        self, query: Tensor, events: Event, state: State, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, State]:
        length, share = query.shape[-2], events.others["level_share"]
        levels = share.shape[-1]
        decay = ScalarDecay.from_logs(events.others["log_decay"], size)
        value = split(events.gate[..., None] * events.value, size, axis=-2)
        key, query, shares = (split(each, size, axis=-2) for each in (events.key, query, share))
        mask = torch.ones_like(events.gate, dtype=torch.bool) if events.mask is None else events.mask
        happened = mask.cumsum(-1)
        count = state.events.round().long()
        number = count[..., None] + happened - 1  # of an event that is left out that of the last one before it
        reads, held, weight = [], state.levels, state.weight
        for index in range(key.shape[-3]):
            width = min(size, length - index * size)
            at = number[..., index * size : index * size + width].clamp_min(0)
            q, k, v, s = (each[..., index, :width, :] for each in (query, key, value, shares))
            left = decay.left[..., index, :width, :width]
            between = level_of(at[..., :, None], at[..., None, :], levels)  # (..., t, s)
            to = moves(count[..., None], at, levels).to(q)  # (..., t, level, level)
            within = left * s.expand(*between.shape[:-1], levels).gather(-1, between) * (q @ k.mT)
            started = decay.start[..., index, :width]
            old = torch.einsum("...tl,...tlm,...mij,...tj->...ti", s, to, held, q)
            reads.append(within @ v + started[..., None] * old)
            new = one_hot(between[..., -1, :], levels).to(q).mT * left[..., -1:, :]  # (..., level, s)
            wrote = (new[..., None] * v[..., None, :, :]).mT @ k[..., None, :, :]
            held = (
                per_synapse(started[..., -1])[..., None, :, :]
                * torch.einsum("...mn,...nij->...mij", to[..., -1, :, :], held)
                + wrote
            )
            weight = per_synapse(started[..., -1]) * weight + wrote.sum(-3)
            count = number[..., index * size + width - 1] + 1
        newest = last(share, state.share, events.mask)
        return torch.cat(reads, dim=-2), State(weight, held, newest, state.events + happened[..., -1])


RULE = LogLinear()
