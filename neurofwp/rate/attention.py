"""Causal attention: with a softmax the reference, without one a Hebbian fast weight memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofwp.errors import InputError
from neurofwp.rate.sequences import Sequences

Weighting = Callable[[Tensor, Tensor], Tensor]
"""Scores (batch, head, t, s), and where s <= t -> weights (batch, head, t, s)."""


def softmax_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """y_t = sum over s <= t of softmax_s(q_t.k_s) v_s (Vaswani et al. 2017), without any scaling of q.

    Parameters
    ----------
    query, key : (batch, time, head, d_k). value : (batch, time, head, d_v).

    Returns
    -------
    Tensor (batch, time, head, d_v). Time and memory grow with the square of the length.

    Raises
    ------
    InputError
        for shapes that do not fit each other.
    """
    shapes = [tuple(each.shape) for each in (query, key, value)]
    if query.ndim != 4 or shapes[0] != shapes[1] or shapes[2][:-1] != shapes[0][:-1]:
        raise InputError(
            "query and key must be (batch, time, head, d_k), value (batch, time, head, d_v), "
            f"but their shapes are {shapes[0]}, {shapes[1]} and {shapes[2]}"
        )
    query, key, value = (each.transpose(1, 2) for each in (query, key, value))
    scores = query @ key.mT
    future = torch.ones_like(scores[0, 0], dtype=torch.bool).triu(1)
    return (scores.masked_fill(future, -torch.inf).softmax(-1) @ value).transpose(1, 2)


def fused_softmax_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """`softmax_attention` by torch's own fused form; the same shapes."""
    query, key, value = (each.transpose(1, 2) for each in (query, key, value))
    read = functional.scaled_dot_product_attention(query, key, value, is_causal=True, scale=1.0)
    return read.transpose(1, 2)


def by_softmax(scores: Tensor, past: Tensor) -> Tensor:
    """Weights that sum to one over s <= t (Vaswani et al. 2017)."""
    return scores.masked_fill(~past, -torch.inf).softmax(-1)


def by_score(scores: Tensor, past: Tensor) -> Tensor:
    """The softmax taken away."""
    return scores * past


def by_sum(scores: Tensor, past: Tensor) -> Tensor:
    """Scores divided by their sum over s <= t (Katharopoulos et al. 2020)."""
    return scores * past / (scores * past).sum(-1, keepdim=True)


def attention_matrix(query: Tensor, key: Tensor, weighting: Weighting) -> Tensor:
    """What the read at t gives to the value of s: query and key (batch, time, head, d_k) -> (batch, head, t, s)."""
    scores = torch.einsum("bthd,bshd->bhts", query, key)
    return weighting(scores, torch.ones_like(scores[0, 0], dtype=torch.bool).tril())


class SoftmaxLayer(nn.Module):
    """Causal softmax attention in place of the FastWeightLayer of a `Block`: (batch, time, d_model), both ways.

    Scores are scaled by d_key^-1/2 and lowered by a learned slope of each head times the distance (Press et al. 2022):
    like fast weights that forget, and unlike attention by content alone, it can tell the last of two values from the
    first. Its state is all keys and values so far.

    Parameters
    ----------
    d_model : of input and output. size : d_key and d_value of a head. generator : of all initial weights. heads : their
        number.

    Raises
    ------
    InputError
        when called with a mask or with packed sequences, which it does not take.
    """

    def __init__(self, d_model: int, size: int, generator: torch.Generator, heads: int = 1) -> None:
        super().__init__()
        self.d_model, self.size, self.heads = d_model, size, heads
        self.signals = nn.utils.skip_init(nn.Linear, d_model, 3 * heads * size, bias=False)
        self.out = nn.utils.skip_init(nn.Linear, heads * size, d_model, bias=False)
        for linear in (self.signals, self.out):
            nn.init.uniform_(linear.weight, -(linear.in_features**-0.5), linear.in_features**-0.5, generator=generator)
        self.slope = nn.Parameter(torch.zeros(heads))

    def forward(self, x: Tensor) -> Tensor:
        return self.advance_sequences(x, None, None)[0]

    def begin(self, batch: int) -> dict[str, Tensor]:
        """The state before the first event: no keys (batch, 0, head, size), and no values."""
        none = self.out.weight.new_zeros(batch, 0, self.heads, self.size)
        return {"key": none, "value": none}

    def advance_sequences(
        self, x: Tensor, state: dict[str, Tensor] | None, sequences: Sequences | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """`forward` behind the events of a state, and the state after it."""
        if sequences is not None:
            raise InputError("a SoftmaxLayer takes neither mask nor cu_seqlens: give it sequences of one length")
        past = self.begin(len(x)) if state is None else state
        query, key, value = self.signals(x).unflatten(-1, (3, self.heads, self.size)).unbind(2)
        key, value = torch.cat([past["key"], key], dim=1), torch.cat([past["value"], value], dim=1)
        # slope x (position of the key): the position of the query is the same for all scores, and softmax drops it
        position = torch.arange(key.shape[1], dtype=x.dtype, device=x.device)
        seen = torch.ones(x.shape[1], key.shape[1], dtype=torch.bool, device=x.device).tril(key.shape[1] - x.shape[1])
        nearness = self.slope[:, None, None] * (position - position[-1])
        bias = torch.where(seen, nearness, -torch.inf)
        read = functional.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), attn_mask=bias
        )
        return self.out(read.transpose(1, 2).flatten(2)), {"key": key, "value": value}

    def step(self, x: Tensor, state: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        """One event (batch, d_model), both ways, behind those of a state."""
        y, after = self.advance_sequences(x[:, None], state, None)
        return y[:, 0], after
