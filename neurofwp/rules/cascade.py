"""Cascade: the weight is the first of a chain of variables, each slower than the last, that level each other out.

A chain of beakers joined by tubes (Benna & Fusi 2016): each beaker n times larger than the one before, each tube n
times narrower, the last one open to the rest of the world. What a write leaves in the weight falls as the inverse
square root of time until it has reached the end of the chain. One event is one step of Euler's method, as in the
published simulations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from neurofwp.rules.chunkwise import filtered_sum
from neurofwp.rules.parameter import SHARE, Parameter
from neurofwp.rules.rule import Event, Nests, Rule, outer, per_post, per_synapse


class State(NamedTuple):
    """weight (..., post, pre), hidden (..., depth - 1, post, pre), the variables behind it."""

    weight: Tensor
    hidden: Tensor


class Cascade(Rule):
    """The weight is the first of a chain of variables, each slower than the last, that level each other out."""

    id = "cascade"
    parameters = (
        Parameter("rate", 1.0, 0.0, 10.0, "size of a write", weight_power=1),
        Parameter("flow", 0.125, 0.0, 0.5, "share of the weight that flows on in an event", domain=(0.0, 0.5)),
        Parameter("ratio", 0.5, 0.2, 0.9, "1/n, width of a tube relative to the one before", domain=SHARE),
    )
    equation = "u_1 = W; C_k (u_k - u_k old) = g_(k-1) (u_(k-1) - u_k) - g_k (u_k - u_(k+1)), and W + rate beta v k'"
    objective = "-v'Wk, and the squared differences between neighbours in the chain"
    signals = ("key", "value", "gate", "synapse trace")
    reading = "consolidation within a synapse, over time constants from one event to hundreds"
    source = "Benna & Fusi 2016, with C_k = n^(k-1) and g_k = flow n^(1-k); n = 2 and 1/8 as in Kaplanis et al. 2018"
    state = State
    chunk = 32
    chunkwise_skips = True
    nests: ClassVar[Nests] = {"hebbian": {"flow": 0.0}}
    elementwise = True
    cost = 2
    depth: ClassVar[int] = 5

    def transition(self, p: Mapping[str, Tensor]) -> Tensor:
        """What one event does to the variables by itself, (..., depth, depth): the identity plus the flow."""
        order = torch.arange(self.depth, dtype=p["ratio"].dtype, device=p["ratio"].device)  # k - 1
        ratio, first = p["ratio"][..., None], p["flow"][..., None]
        forward = first * ratio ** (2 * order)  # g_k / C_k
        backward = first * ratio ** (2 * order - 1).clamp_min(0) * (order > 0)  # g_(k-1) / C_k
        kept = torch.diag_embed(1 - forward - backward)
        return kept + torch.diag_embed(forward[..., :-1], 1) + torch.diag_embed(backward[..., 1:], -1)

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        *batch, post, pre = weight.shape
        return State(weight, weight.new_zeros(*batch, self.depth - 1, post, pre))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        every = torch.cat([state.weight[..., None, :, :], state.hidden], dim=-3)
        moved = torch.einsum("...mn,...nij->...mij", self.transition(p), every)
        write = per_synapse(p["rate"] * event.gate) * outer(event.value, event.key)
        return State(moved[..., 0, :, :] + write, moved[..., 1:, :, :].contiguous())

    def chunkwise(
        self, query: Tensor, events: Event, state: State, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, State]:
        time = events.gate.shape[-1]
        transition = self.transition(p)[..., None, :, :]
        strength = per_post(p["rate"]) * events.gate
        write = torch.nn.functional.pad(strength[..., None], (0, self.depth - 1))
        read, every = filtered_sum(
            query, events.key, events.value, transition=transition.expand(*transition.shape[:-3], time, -1, -1),
            write=write, mask=events.mask, initial=torch.cat([state.weight[..., None, :, :], state.hidden], dim=-3),
            size=size,
        )  # fmt: skip
        return read, State(*(each.contiguous() for each in (every[..., 0, :, :], every[..., 1:, :, :])))


RULE = Cascade()
