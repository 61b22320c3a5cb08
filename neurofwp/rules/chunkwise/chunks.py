"""Cutting the time axis into chunks, and putting it together again."""

from __future__ import annotations

import torch
from torch import Tensor


def split(sequence: Tensor, size: int, *, axis: int, fill: float = 0.0) -> Tensor:
    """(..., time, *dims) -> (..., chunk, size, *dims), `axis` (negative) the time axis; the last chunk is filled up."""
    missing = -sequence.shape[axis] % size
    if missing:
        shape = list(sequence.shape)
        shape[axis] = missing
        sequence = torch.cat([sequence, sequence.new_full(shape, fill)], dim=axis)
    # one copy here, where time lies behind the head, spares one in every matrix product
    chunks: Tensor = sequence.unflatten(axis, (-1, size))
    return chunks.contiguous()


def join(chunks: Tensor, length: int) -> Tensor:
    """(..., chunk, size, dim) -> (..., time, dim), without what `split` filled up."""
    if chunks.requires_grad:
        chunks.register_hook(_contiguous)  # again one copy for all products, of the gradient
    return chunks.flatten(-3, -2)[..., :length, :]


def _contiguous(gradient: Tensor | None) -> Tensor | None:
    return None if gradient is None else gradient.contiguous()
