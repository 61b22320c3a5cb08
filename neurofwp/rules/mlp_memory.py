"""MLP memory: a fast net with a hidden layer, both of whose layers take a gradient step at every event."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import gelu

from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Independent, Rule, outer, per_synapse, product
from neurofwp.rules.signals import BETA, KEY, VALUE, Argument

START = Argument("start", "first weights onto the hidden cells", ("hidden", "pre"), per_event=False)


class State(NamedTuple):
    """weight (..., post, hidden), onto the output, and hidden_weight (..., hidden, pre)."""

    weight: Tensor
    hidden_weight: Tensor


def slope(x: Tensor) -> Tensor:
    """The derivative of GELU."""
    density = (-x.square() / 2).exp() / math.sqrt(2 * math.pi)
    below: Tensor = torch.special.ndtr(x)
    return below + x * density


class MLPMemory(Rule):
    """A fast net with a hidden layer, both of whose layers take a gradient step at every event."""

    id = "mlp_memory"
    parameters = (Parameter("rate", 0.1, 0.0, 1.0, "size of a gradient step, which multiplies beta"),)
    equation = "e = v - W gelu(V k); W + rate beta e gelu(V k)'; V + rate beta (gelu'(V k) * W'e) k'; y = W gelu(V q)"
    objective = "|v - W gelu(V k)|^2 / 2, by a gradient step in W and V"
    signals = ("everything",)
    reading = "a circuit of two layers that learns by back-propagation"
    source = "Sun et al. 2024 (TTT-MLP, arXiv 2407.04620), without layer norm, residual and mini-batches"
    arguments = (KEY, VALUE, BETA, START)
    state = State
    weight_dims = ("post", "hidden")
    independent = Independent.NEITHER
    not_fitted = "its two layers are no weights from key to value cells"

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        start = event.others["start"]
        return State(weight, start.expand(*weight.shape[:-2], *start.shape[-2:]))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        drive = product(state.hidden_weight, event.key)
        active = gelu(drive)
        error = event.value - product(state.weight, active)
        back = slope(drive) * product(state.weight.mT, error)
        strength = per_synapse(p["rate"] * event.gate)
        return State(
            state.weight + strength * outer(error, active), state.hidden_weight + strength * outer(back, event.key)
        )

    def read(self, state: State, query: Tensor, p: Mapping[str, Tensor]) -> Tensor:
        return product(state.weight, gelu(product(state.hidden_weight, query)))


RULE = MLPMemory()
