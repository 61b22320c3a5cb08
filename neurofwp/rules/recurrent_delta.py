"""Recurrent delta: the slow net hears what was read last, so that key, value, query and write strength depend on it.

Not local, though it writes as the delta rule does: softmax makes the key at one synapse depend on that of every
presynaptic cell, and every signal depends on all that was read last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rules import delta
from neurofwp.rules.rule import Event, Independent, Rule, product
from neurofwp.rules.signals import KEY, VALUE, Argument

LOGIT = Argument("beta", "logit of the write strength")
RECURRENT = Argument("recurrent", "slow weights from the last read", ("program", "post"), per_event=False)


class State(NamedTuple):
    """weight (..., post, pre), output (..., post), the last read."""

    weight: Tensor
    output: Tensor


class RecurrentDelta(Rule):
    """The slow net hears what was read last, so that key, value, query and write strength depend on it."""

    id = "recurrent_delta"
    equation = "q, k, v, beta += R tanh(y_old); then delta, with softmax(q), softmax(k) and sigmoid(beta)"
    objective = "|v - W k|^2 / 2"
    signals = ("everything",)
    reading = "a slow net that hears what the fast net recalls"
    source = "Irie et al. 2021 (arXiv 2106.06295)"
    arguments = (KEY, VALUE, LOGIT, RECURRENT)
    state = State
    independent = Independent.NEITHER
    not_fitted = "its keys and values depend on slow weights that a Program lacks, and on what was read last"

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        post, pre = weight.shape[-2:]
        rows = event.others["recurrent"].shape[-2]
        if rows != 2 * pre + post + 1:
            raise InputError(
                f"recurrent must have 2 d_k + d_v + 1 = {2 * pre + post + 1} rows (query, key, value, beta), not {rows}"
            )
        return State(weight, weight.new_zeros(weight.shape[:-1]))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        assert event.query is not None
        post, pre = state.weight.shape[-2:]
        heard = product(event.others["recurrent"], state.output.tanh())
        query, key, value, beta = heard.split([pre, pre, post, 1], dim=-1)
        query, key = (query + event.query).softmax(-1), (key + event.key).softmax(-1)
        strength = torch.sigmoid(event.gate + beta[..., 0])
        weight = delta.textbook(state.weight, key, value + event.value, strength)
        return State(weight, product(weight, query))

    def read(self, state: State, query: Tensor, p: Mapping[str, Tensor]) -> Tensor:
        return state.output


RULE = RecurrentDelta()
