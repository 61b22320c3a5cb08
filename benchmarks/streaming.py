"""One event at a time: a layer's step against a naive loop of the same maps.

Both are made of the same linear maps, batch 1, float32, nothing kept for a backward pass. The loop is what one would
write in PyTorch for this rule alone: no checks, no state but the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.contenders import RULES
from neurofwp.rate import FastWeightLayer
from neurofwp.runtime.cost import time_interleaved

D_MODEL, HEADS, STEPS = 256, 4, 200
Write = Callable[[Tensor, dict[str, Tensor]], Tensor]


def measure(rules: tuple[str, ...] = RULES, *, repeats: int = 5, steps: int = STEPS, seed: int = 0) -> dict[str, Any]:
    """Seconds of one step, ours and naive, and `stream.RULE`, how many times longer ours takes, with its quartiles."""
    numbers: dict[str, Any] = {}
    for rule in rules:
        layer = FastWeightLayer(
            rule, D_MODEL, D_MODEL // HEADS, D_MODEL // HEADS, HEADS, generator=torch.Generator().manual_seed(seed)
        )
        events = torch.randn(steps, 1, D_MODEL, generator=torch.Generator().manual_seed(seed + 1)) / 16
        calls = {"ours": partial(ours, layer, events), "naive": partial(naive, layer, events)}
        difference = float((calls["ours"]() - calls["naive"]()).abs().max())
        if difference > 1e-4:
            raise RuntimeError(f"{rule}: a step and the naive loop differ by {difference:.1e}")
        seconds = time_interleaved(calls, repeats)
        for name, each in seconds.items():
            numbers[f"stream.{rule}.{name}"] = float(np.median(each)) / steps
        numbers[f"stream.{rule}"] = float(np.median(seconds["ours"] / seconds["naive"]))
        numbers[f"stream.{rule}.quartiles"] = np.quantile(seconds["ours"] / seconds["naive"], (0.25, 0.75)).tolist()
    return numbers


@torch.no_grad()
def ours(layer: FastWeightLayer, events: Tensor) -> Tensor:
    """The last output (1, d_model) after events (step, 1, d_model)."""
    state = layer.begin(1)
    for x in events:
        y, state = layer.step(x, state)
    return y


@torch.no_grad()
def naive(layer: FastWeightLayer, events: Tensor) -> Tensor:
    """The same, written out."""
    write = WRITES[layer.rule.id]
    weight = torch.zeros(1, HEADS, D_MODEL // HEADS, D_MODEL // HEADS)
    for x in events:
        made = {name: linear(x).view(1, HEADS, -1) for name, linear in layer.signals.items()}
        weight = write(weight, made)
        read = (weight @ made["query"][..., None])[..., 0]
        y: Tensor = layer.out(read.flatten(1))
    return y


def _hebbian(weight: Tensor, made: dict[str, Tensor]) -> Tensor:
    gated = torch.sigmoid(made["beta"]) * made["value"]
    return weight + gated[..., :, None] * made["key"][..., None, :]


def _delta(weight: Tensor, made: dict[str, Tensor]) -> Tensor:
    error = made["value"] - (weight @ made["key"][..., None])[..., 0]
    gated = torch.sigmoid(made["beta"]) * error
    return weight + gated[..., :, None] * made["key"][..., None, :]


def _decayed(weight: Tensor, made: dict[str, Tensor]) -> Tensor:
    return torch.sigmoid(made["log_decay"])[..., None] * weight


WRITES: dict[str, Write] = {
    "hebbian": _hebbian,
    "scalar_decay": lambda weight, made: _hebbian(_decayed(weight, made), made),
    "delta": _delta,
    "gated_delta": lambda weight, made: _delta(_decayed(weight, made), made),
}
