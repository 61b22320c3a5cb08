"""Read-out normalisation: what a read is divided by, so that it is a mean of values rather than a sum."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate.values import are_known

Normaliser = Literal["attention", "sum"]
NORMALISERS: tuple[Normaliser, ...] = ("attention", "sum")


def by_sum(name: str, vectors: Tensor, *, refuse_zero: bool = True) -> Tensor:
    """Vectors (..., dim) divided by their sum (Schlag, Irie & Schmidhuber 2021, arXiv 2102.11174).

    refuse_zero : else a sum of 0 makes numbers that are not finite, and a GPU is not waited for.

    Raises
    ------
    InputError
        for a vector whose sum is 0.
    """
    total = vectors.sum(-1, keepdim=True)
    if refuse_zero:
        _refuse_zero(total[..., 0], f"normaliser 'sum' divides {name} by its sum, which is 0")
    return vectors / total


def key_sums(key: Tensor, before: Tensor | None) -> Tensor:
    """z_t, the sum of all keys up to event t: key (batch, head, time, pre); before (batch, head, pre)."""
    sums = key.cumsum(-2)
    return sums if before is None else sums + before[..., None, :]


def by_attention(
    read: Tensor, query: Tensor, sums: Tensor, mask: Tensor | None = None, *, refuse_zero: bool = True
) -> Tensor:
    """Reads y_t / (z_t.q_t) (Katharopoulos et al. 2020), all (batch, head, time, dim).

    mask : (batch, head, time), which events happen; others are divided by one. refuse_zero : as in `by_sum`.

    Raises
    ------
    InputError
        where z.q is 0.
    """
    written = (sums * query).sum(-1)
    if mask is not None:
        written = torch.where(mask, written, 1.0)
    if refuse_zero:
        message = "normaliser 'attention' divides a read by the sum of all keys times the query, which is 0"
        _refuse_zero(written, message)
    return read / written[..., None]


def _refuse_zero(numbers: Tensor, message: str) -> None:
    """numbers (batch, head, time), or (batch, head, time, micro)."""
    if not are_known(numbers):
        return
    with torch.no_grad():
        if bool((numbers == 0).any()):
            batch, head, time, *_ = (int(index) for index in (numbers == 0).nonzero()[0])
            raise InputError(f"{message} at [batch {batch}, time {time}, head {head}]; use features that are positive")
