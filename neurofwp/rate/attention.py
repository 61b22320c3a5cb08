"""Causal attention: with a softmax the reference, without one a Hebbian fast weight memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofwp.errors import InputError

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
    """Causal softmax attention with one head, in place of a FastWeightLayer: (batch, time, d_model), both ways.

    Scores are scaled by d_key^-1/2 and lowered by a learned slope times the distance (Press et al. 2022): like fast
    weights that forget, and unlike attention by content alone, it can tell the last of two values from the first.

    Parameters
    ----------
    d_model : of input and output. size : d_key and d_value. generator : of all initial weights.
    """

    def __init__(self, d_model: int, size: int, generator: torch.Generator) -> None:
        super().__init__()
        self.d_model = d_model
        self.signals = nn.utils.skip_init(nn.Linear, d_model, 3 * size, bias=False)
        self.out = nn.utils.skip_init(nn.Linear, size, d_model, bias=False)
        for linear in (self.signals, self.out):
            nn.init.uniform_(linear.weight, -(linear.in_features**-0.5), linear.in_features**-0.5, generator=generator)
        self.slope = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.signals(x)[:, :, None].chunk(3, dim=-1)
        query = query * query.shape[-1] ** -0.5
        # slope x (position of the key): the position of the query is the same for all scores, and softmax drops it
        position = torch.arange(x.shape[1], dtype=x.dtype, device=x.device)[:, None, None].expand_as(key[..., :1])
        query = torch.cat([query, self.slope.expand_as(query[..., :1])], dim=-1)
        key = torch.cat([key, position], dim=-1)
        read: Tensor = self.out(softmax_attention(query, key, value)[:, :, 0])
        return read
