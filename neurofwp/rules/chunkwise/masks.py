"""Sequences of which some events are left out: what happens moved to the front and back, and what happened last."""

from __future__ import annotations

import torch
from torch import Tensor


def left_aligned(sequence: Tensor, mask: Tensor) -> Tensor:
    """(..., time, dim) with the events that happen (..., time) first, in their order; zero what lies behind them."""
    order = mask.logical_not().to(torch.uint8).argsort(dim=-1, stable=True)
    happens = mask.gather(-1, order)
    moved = sequence.gather(-2, order[..., None].expand_as(sequence))
    return torch.where(happens[..., None], moved, 0.0)


def unaligned(aligned: Tensor, mask: Tensor) -> Tensor:
    """The inverse of `left_aligned`; what does not happen is zero."""
    place = (mask.cumsum(-1) - 1).clamp_min(0)
    return torch.where(mask[..., None], aligned.gather(-2, place[..., None].expand_as(aligned)), 0.0)


def last(sequence: Tensor, before: Tensor, mask: Tensor | None) -> Tensor:
    """Of (..., time, dim) that of the last event that happens; `before` (..., dim) where none does."""
    if mask is None:
        return sequence[..., -1, :].clone()
    place = mask.cumsum(-1).argmax(-1, keepdim=True)[..., None]
    found = sequence.gather(-2, place.expand(*place.shape[:-1], sequence.shape[-1]))[..., 0, :]
    return torch.where(mask.any(-1, keepdim=True), found, before)


def last_ones(line: Tensor, size: int, mask: Tensor | None) -> Tensor:
    """Of what came before and the events behind it, aligned left (..., size + time, dim), the last `size` so far."""
    if mask is None:
        return line[..., line.shape[-2] - size :, :]
    place = mask.sum(-1, keepdim=True) + torch.arange(size, device=line.device)
    return line.gather(-2, place[..., None].expand(*line.shape[:-2], size, line.shape[-1]))
