"""Sequences of different lengths in one batch: padded, with a mask, or packed one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from neurofwp.errors import InputError
from neurofwp.rate.values import are_known

Offsets = Tensor | Sequence[int]


@dataclass(frozen=True)
class Sequences:
    """Where the events of each sequence lie.

    mask : (batch, time), which events of each row happen, where every sequence has a row of its own.
    lengths : of the sequences that lie one after the other in the single row of a batch, where there is no mask.
    members : which of those `rows` makes.
    """

    mask: Tensor | None = None
    lengths: tuple[int, ...] = ()
    members: tuple[int, ...] = ()

    @property
    def count(self) -> int | None:
        """How many sequences are packed; None where every row is one."""
        return len(self.lengths) or None

    def groups(self) -> list[Sequences]:
        """The packed sequences, those together whose lengths differ by less than a factor of two."""
        alike: dict[int, list[int]] = {}
        for index, length in enumerate(self.lengths):
            if length:
                alike.setdefault((length - 1).bit_length(), []).append(index)
        empty = [index for index, length in enumerate(self.lengths) if not length]
        next(iter(alike.values())).extend(empty)
        return [replace(self, members=tuple(members)) for members in alike.values()]

    def happens(self, like: Tensor) -> Tensor:
        """Which events of `rows` happen, (sequence, event)."""
        if self.mask is not None:
            return self.mask
        place = torch.arange(max(self.lengths[member] for member in self.members), device=like.device)
        return torch.stack([place < self.lengths[member] for member in self.members])  # copies nothing to a GPU

    def rows(self, signal: Tensor, steps: int = 1) -> Tensor:
        """(batch, steps x time, ...) -> (sequence, steps x event, ...): one row for each sequence."""
        if self.mask is not None:
            return signal
        each = signal[0].split([steps * length for length in self.lengths])
        return pad_sequence([each[member] for member in self.members], batch_first=True)

    def events(self, rows: Tensor) -> list[Tensor]:
        """What happens in each of some rows, (event, ...)."""
        return [row[: self.lengths[member]] for row, member in zip(rows.unbind(), self.members, strict=True)]

    def without_padding(self, rows: Tensor) -> Tensor:
        """Rows (batch, time, ...) that are zero where the mask leaves out an event."""
        assert self.mask is not None
        return torch.where(behind(self.mask, rows), rows, 0.0)


def behind(mask: Tensor, signal: Tensor) -> Tensor:
    """A mask (batch, time), or (batch, head, time), that broadcasts against a signal with further dims."""
    return mask.reshape(*mask.shape, *[1] * (signal.ndim - mask.ndim))


def check_sequences(mask: Any, cu_seqlens: Any, events: Tensor) -> Sequences | None:
    """How sequences lie in tensors such as events (batch, time, ...); None where all rows are full.

    Raises
    ------
    InputError
        for both, or a mask or offsets that do not fit.
    """
    if mask is not None and cu_seqlens is not None:
        raise InputError("give mask or cu_seqlens, not both: packed sequences have no padding")
    if mask is not None:
        return Sequences(mask=check_mask(mask, events))
    if cu_seqlens is not None:
        return Sequences(lengths=_check_offsets(cu_seqlens, *events.shape[:2]))
    return None


def check_mask(mask: Any, events: Tensor) -> Tensor:
    """A mask of events (batch, time, ...)."""
    batch, time = events.shape[:2]
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        kind = mask.dtype if isinstance(mask, Tensor) else type(mask).__name__
        raise InputError(f"mask must be a tensor of dtype torch.bool, True where an event happens, not {kind}")
    if tuple(mask.shape) != (batch, time):
        raise InputError(f"mask must be (batch, time) = ({batch}, {time}), but its shape is {tuple(mask.shape)}")
    if mask.device != events.device:
        raise InputError(f"mask must be on the device of the events, {events.device}, not {mask.device}")
    return mask


def _check_offsets(offsets: Any, batch: int, time: int) -> tuple[int, ...]:
    """The lengths of packed sequences."""
    wanted = f"cu_seqlens must be where each sequence starts, from 0, and where the last one ends, at {time},"
    if isinstance(offsets, Tensor):
        if offsets.dtype not in (torch.int32, torch.int64) or offsets.ndim != 1:
            raise InputError(f"{wanted} int32 or int64 (sequences + 1,), not {offsets.dtype} {tuple(offsets.shape)}")
        if not are_known(offsets):
            raise InputError(
                "cu_seqlens must be a tuple of whole numbers under torch.compile, torch.export and torch.func, "
                "which do not know the values of a tensor, and while a CUDA graph is captured"
            )
        offsets = offsets.tolist()
    whole = isinstance(offsets, Sequence) and all(type(each) is int for each in offsets)
    if not whole or len(offsets) < 2:
        raise InputError(f"{wanted} a tensor or a sequence of two whole numbers or more, not {offsets!r}")
    if batch != 1:
        raise InputError(f"cu_seqlens needs tensors of batch 1, in which all sequences are packed, not batch {batch}")
    lengths = tuple(after - before for before, after in pairwise(offsets))
    if offsets[0] != 0 or offsets[-1] != time:
        raise InputError(f"{wanted} but they go from {offsets[0]} to {offsets[-1]}")
    if min(lengths) < 0:
        first = next(index for index, length in enumerate(lengths) if length < 0)
        raise InputError(f"{wanted} none before another, but {offsets[first + 1]} comes after {offsets[first]}")
    return lengths
