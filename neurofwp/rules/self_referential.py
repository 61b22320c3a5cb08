"""Self-referential: one matrix makes its own output, key, query and write strengths, and rewrites itself with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rules.rule import Event, Independent, Rule, outer, product

BLOCKS = 4  # output, query, key, write strengths


class State(NamedTuple):
    """weight (..., rows, d), its rows [y, q, k, beta] d_y + d + d + 4; output (..., d_y)."""

    weight: Tensor
    output: Tensor


class SelfReferential(Rule):
    """One matrix makes its own output, key, query and write strengths, and rewrites itself with them."""

    id = "self_referential"
    equation = "[y, q, k, beta] = W x; W + sigmoid(beta) (W softmax(q) - W softmax(k)) softmax(k)'"
    objective = "|W softmax(q) - W softmax(k)|^2 / 2, the first term held fixed, on itself"
    signals = ("everything",)
    reading = "weights that program themselves"
    source = "Irie et al. 2022 (arXiv 2202.05780)"
    arguments = ()
    state = State
    weight_dims = ("program", "pre")
    independent = Independent.NEITHER
    not_fitted = "it makes its keys and values itself, from an input that a Program lacks"

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        rows, size = weight.shape[-2:]
        outputs = rows - 2 * size - BLOCKS
        if outputs < 1:
            raise InputError(
                f"initial must have d_y + 2 d + 4 rows (output, query, key, write strengths), which is more than "
                f"{2 * size + BLOCKS} at d = {size}, but has {rows}"
            )
        return State(weight, weight.new_zeros(*weight.shape[:-2], outputs))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        assert event.query is not None
        weight, size = state.weight, state.weight.shape[-1]
        blocks = [state.output.shape[-1], size, size, BLOCKS]
        output, query, key, beta = product(weight, event.query).split(blocks, dim=-1)
        query, key = query.softmax(-1), key.softmax(-1)
        # one write strength for the rows of each block
        strength = torch.cat(
            [
                one.expand(*one.shape[:-1], rows)
                for one, rows in zip(beta.sigmoid().split(1, dim=-1), blocks, strict=True)
            ],
            dim=-1,
        )
        change = product(weight, query) - product(weight, key)
        return State(weight + outer(strength * change, key), output)

    def read(self, state: State, query: Tensor, p: Mapping[str, Tensor]) -> Tensor:
        return state.output


RULE = SelfReferential()
