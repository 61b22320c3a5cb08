"""The limit that no implementation can pass: every byte of the signals and results has to move once."""

from __future__ import annotations

import torch

from benchmarks.contenders import Contender
from neurofwp.runtime.cost import time_interleaved

SIZE = 2**28  # bytes, beyond any cache


def bytes_per_second(device: torch.device) -> float:
    """How fast the device copies from memory to memory: read and written bytes both count."""
    source = torch.zeros(SIZE, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = time_interleaved({"copy": lambda: target.copy_(source)}, 5, device)["copy"]
    return 2 * SIZE / float(seconds.min())


def least_bytes(contender: Contender, *, backward: bool) -> int:
    """Signals in and reads out; for the backward pass signals and upstream gradient in, all gradients out."""
    signals = sum(signal.nbytes for signal in contender.signals.values())
    reads = contender.upstream.nbytes
    return signals + reads + (2 * signals + reads if backward else 0)
