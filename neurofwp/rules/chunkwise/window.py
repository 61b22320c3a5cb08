"""Softmax attention to the last events alone: chunkwise."""

from __future__ import annotations

import torch
from torch import Tensor

from neurofwp.rules.chunkwise.chunks import join, split


def windowed_attention(
    query: Tensor, keys: Tensor, values: Tensor, filled: Tensor, bias: Tensor, sharpness: Tensor, size: int
) -> Tensor:
    """At every event softmax(sharpness q.k + bias) v over the last ones, itself among them.

    Parameters
    ----------
    query : (..., time, pre). keys (..., window + time, pre), values (..., window + time, post) and filled
        (..., window + time), whether there is one: of the window before the first event, the oldest first, and of all
        events, each of which is there. bias : (..., window), the newest event first. sharpness : (...).
    size : of a chunk, whose events see what they share of the past by one product.

    Returns
    -------
    Tensor (..., time, post).
    """
    window, length = bias.shape[-1], query.shape[-2]
    query = split(query, size, axis=-2)
    inside = torch.arange(size, device=query.device)[:, None]
    blocks = -(-(size + window - 1) // size)
    lag = inside + window - 1 - torch.arange(blocks * size, device=query.device)  # (size, past of a chunk)
    visible = (lag >= 0) & (lag < window)
    # what fills up the last chunk sees what fills up its past: nothing, but a softmax over none is no number
    keys, values, filled = (
        _pasts(each[..., 1:, :], query.shape[-3], size, blocks) for each in (keys, values, filled[..., None])
    )
    visible = visible & (filled.mT > 0.5)
    scores = sharpness[..., None, None, None] * (query @ keys.mT)
    scores = scores + bias[..., lag.clamp(0, window - 1)][..., None, :, :]
    return join(scores.masked_fill(~visible, -torch.inf).softmax(-1) @ values, length)


def _pasts(line: Tensor, chunks: int, size: int, blocks: int) -> Tensor:
    """What each chunk may see of a line (..., events, dim): (..., chunk, blocks x size, dim)."""
    missing = (chunks + blocks - 1) * size - line.shape[-2]
    filled = torch.cat([line, line.new_ones(*line.shape[:-2], missing, line.shape[-1])], dim=-2)
    cut = filled.unflatten(-2, (-1, size))
    return torch.cat([cut[..., first : first + chunks, :, :] for first in range(blocks)], dim=-2)
