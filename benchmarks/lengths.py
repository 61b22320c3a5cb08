"""A layer over longer and longer sequences: seconds and bytes of one event, which should not depend on the length.

One sequence, float32, nothing kept for a backward pass. Bytes are the most that tensors hold at once during a call,
the output included, over the number of events.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.contenders import RULES
from neurofwp.rate import FastWeightLayer
from neurofwp.runtime.cost import peak_bytes, time_interleaved

D_MODEL, HEADS = 256, 4
LENGTHS = (1024, 4096, 16384, 65536)


def measure(
    rules: tuple[str, ...] = RULES, *, lengths: tuple[int, ...] = LENGTHS, repeats: int = 5, seed: int = 0
) -> dict[str, Any]:
    """Of one event `event.RULE.LENGTH.seconds` and `.bytes`, and `event.RULE`, how many times longer one takes at the
    last length than at the second, with the quartiles of the ratios within a round."""
    numbers: dict[str, Any] = {"event.lengths": list(lengths)}
    for rule in rules:
        size = D_MODEL // HEADS
        layer = FastWeightLayer(rule, D_MODEL, size, size, HEADS, generator=torch.Generator().manual_seed(seed))
        x = torch.randn(1, lengths[-1], D_MODEL, generator=torch.Generator().manual_seed(seed + 1)) / D_MODEL**0.5
        calls = {str(length): partial(_run_all, layer, x, length) for length in lengths}
        seconds = time_interleaved(calls, repeats)
        for length in lengths:
            held = peak_bytes(partial(_run_all, layer, x[:, :length], length))
            numbers[f"event.{rule}.{length}.seconds"] = float(np.median(seconds[str(length)])) / lengths[-1]
            numbers[f"event.{rule}.{length}.bytes"] = held / length
        short, long = seconds[str(lengths[1])], seconds[str(lengths[-1])]
        numbers[f"event.{rule}"] = float(np.median(long / short))
        numbers[f"event.{rule}.quartiles"] = np.quantile(long / short, (0.25, 0.75)).tolist()
    return numbers


@torch.no_grad()
def _run_all(layer: FastWeightLayer, x: Tensor, length: int) -> list[Tensor]:
    """All events (1, time, d_model), in sequences of this length."""
    return [layer(part) for part in x.split(length, dim=1)]
