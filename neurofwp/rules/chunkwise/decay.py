"""What is left, at one event of a chunk, of what an earlier one wrote: nothing lost, one share, or one per channel.

With a_t what survives event t, B[t, s] = a_{s+1} a_{s+2} ... a_t for s <= t and 0 for s > t. It is built from sums (or
products) over each segment by itself: ratios of two running products would be 0/0 after strong decay.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from neurofwp.rules.chunkwise.chunks import split


class Decay(Protocol):
    """The B of every chunk, and the products with it that reads and writes need.

    Vectors are (..., chunk, size, dim); `dim` is the one along which channels decay.
    """

    def pairs(self, late: Tensor, early: Tensor) -> Tensor:
        """sum_d late[t, d] B[t, s, d] early[s, d], (..., chunk, size, size), 0 for s > t."""

    def combine(self, share: Tensor, early: Tensor) -> Tensor:
        """sum_s share[t, s] B[t, s, d] early[s, d], (..., chunk, size, dim)."""

    def from_start(self, late: Tensor) -> Tensor:
        """Each vector times what is left, at its event, of the chunk's beginning."""

    def to_end(self, early: Tensor) -> Tensor:
        """Each vector times what is left of it after the chunk."""

    def across(self, index: int) -> Tensor | None:
        """What a whole chunk leaves of the weights before it: broadcasts against (..., post, pre)."""


def products(factors: Tensor) -> Tensor:
    """B (..., size, size) from factors a (..., size) that may be anything, zero and negative too."""
    size = factors.shape[-1]
    later = torch.ones(size, size, dtype=torch.bool, device=factors.device).tril(-1)
    # column s holds 1, ..., 1, a_{s+1}, a_{s+2}, ...: its running product is B[:, s]
    columns = torch.where(later, factors[..., :, None], 1.0)
    return columns.cumprod(-2).tril()


def segment_sums(logs: Tensor) -> Tensor:
    """log B for s <= t, 0 for s > t: (..., size, size) from log a (..., size)."""
    size = logs.shape[-1]
    later = torch.ones(size, size, dtype=torch.bool, device=logs.device).tril(-1)
    return torch.where(later, logs[..., :, None], 0.0).cumsum(-2)


def exponentials(logs: Tensor) -> Tensor:
    """B (..., size, size) from log a (..., size)."""
    return segment_sums(logs).exp().tril()


class NoDecay:
    """Nothing is lost."""

    def pairs(self, late: Tensor, early: Tensor) -> Tensor:
        return (late @ early.mT).tril()

    def combine(self, share: Tensor, early: Tensor) -> Tensor:
        return share.tril() @ early

    def from_start(self, late: Tensor) -> Tensor:
        return late

    def to_end(self, early: Tensor) -> Tensor:
        return early

    def across(self, index: int) -> Tensor | None:
        return None


class ScalarDecay:
    """One share for all weights: `left` is B (..., chunk, size, size), `first` is a at each chunk's first event."""

    def __init__(self, left: Tensor, first: Tensor) -> None:
        self.left = left
        self.start = first[..., None] * left[..., :, 0]  # (..., chunk, size)

    @classmethod
    def from_logs(cls, log_decay: Tensor, size: int) -> ScalarDecay:
        """log_decay (..., time), all <= 0."""
        logs = split(log_decay, size, axis=-1)
        return cls(exponentials(logs), logs[..., 0].exp())

    @classmethod
    def from_factors(cls, factors: Tensor, size: int) -> ScalarDecay:
        """factors (..., time): any numbers."""
        chunks = split(factors, size, axis=-1, fill=1.0)
        return cls(products(chunks), chunks[..., 0])

    def pairs(self, late: Tensor, early: Tensor) -> Tensor:
        return (late @ early.mT) * self.left

    def combine(self, share: Tensor, early: Tensor) -> Tensor:
        return (share * self.left) @ early

    def from_start(self, late: Tensor) -> Tensor:
        return self.start[..., None] * late

    def to_end(self, early: Tensor) -> Tensor:
        return self.left[..., -1, :, None] * early

    def across(self, index: int) -> Tensor | None:
        return self.start[..., index, -1, None, None]


class ChannelDecay:
    """One share per channel: log_decay (..., time, dim), all <= 0."""

    def __init__(self, log_decay: Tensor, size: int) -> None:
        logs = split(log_decay, size, axis=-2)
        self.left = exponentials(logs.mT)  # (..., chunk, dim, size, size)
        self.start = logs.cumsum(-2).exp()  # (..., chunk, size, dim)

    def pairs(self, late: Tensor, early: Tensor) -> Tensor:
        return torch.einsum("...td,...dts,...sd->...ts", late, self.left, early)

    def combine(self, share: Tensor, early: Tensor) -> Tensor:
        return torch.einsum("...ts,...dts,...sd->...td", share, self.left, early)

    def from_start(self, late: Tensor) -> Tensor:
        return self.start * late

    def to_end(self, early: Tensor) -> Tensor:
        return self.left[..., -1, :].mT * early

    def across(self, index: int) -> Tensor | None:
        return self.start[..., index, -1, None, :]


def largest_log(dtype: torch.dtype) -> float:
    """The largest number whose exponential is finite."""
    return math.log(torch.finfo(dtype).max)
