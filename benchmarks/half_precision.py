"""How far a fused kernel is from its rule: half precision against the recurrent form in double precision.

Both get the same signals, rounded to half precision. A difference is relative: RMS of the difference over RMS of what
is right. Half precision alone makes some 5e-4 (float16) or 4e-3 (bfloat16).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.contenders import Size
from neurofwp import rules
from neurofwp.rate import run
from neurofwp.rate.evaluation import Result, evaluate
from neurofwp.rules import Argument

SIZES = {
    "one event": Size(batch=2, time=1, heads=2, d_k=16, d_v=16),
    "one chunk": Size(batch=1, time=33, heads=2, d_k=16, d_v=16),
    "several chunks": Size(batch=1, time=130, heads=1, d_k=32, d_v=16),
    "odd": Size(batch=1, time=33, heads=2, d_k=20, d_v=12),
}
TOLERANCE = {torch.float16: 2e-3, torch.bfloat16: 1.6e-2}  # of reads and weights; gradients pass through twice

Signals = dict[str, Tensor]


def draw(rule: str, size: Size, seed: int) -> Signals:
    """What a rule takes, and weights before the first event; keys and queries of norm one, decays of about 0.95."""
    random = torch.Generator().manual_seed(seed)
    each = (size.batch, size.time, size.heads)
    dims = {"pre": size.d_k, "post": size.d_v}

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64)

    def signal(argument: Argument) -> Tensor:
        drawn = normal(*each, *(dims[dim] for dim in argument.dims))
        if argument.name == "key":
            return functional.normalize(drawn, dim=-1)
        if argument.name == "log_decay":
            return functional.logsigmoid(3 + drawn)
        return drawn.sigmoid() if argument.name == "beta" else drawn

    made = {argument.name: signal(argument) for argument in rules.get(rule).arguments}
    made["query"] = functional.normalize(normal(*each, size.d_k), dim=-1)
    return made | {"initial": normal(size.batch, size.heads, size.d_v, size.d_k)}


def differences(
    rule: str, size: Size, device: torch.device, dtype: torch.dtype, *, gradients: bool = True
) -> dict[str, float]:
    """Of reads, of the last weights, and of the gradients of all signals, each relative to the RMS of what is right."""
    half = {name: signal.to(device, dtype) for name, signal in draw(rule, size, seed=0).items()}
    half["initial"] = half["initial"].float()
    exact = {name: signal.double() for name, signal in half.items()}
    for signal in (*half.values(), *exact.values()):
        signal.requires_grad_(gradients)
    right, got = _run(rule, exact), _kernel(rule, half)
    found = {"read": _relative(got.read, right.read), "weight": _relative(got.weight, right.weight)}
    if gradients:
        upstream = torch.randn(right.read.shape, generator=torch.Generator().manual_seed(1)).to(device, dtype)
        wanted = torch.autograd.grad(right.read, list(exact.values()), upstream.double())
        made = torch.autograd.grad(got.read, list(half.values()), upstream)
        for name, mine, its in zip(half, made, wanted, strict=True):
            found[f"gradient of {name}"] = _relative(mine, its)
    return found


def _run(rule: str, signals: dict[str, Any]) -> Result:
    return run(rule, mode="recurrent", **signals)


def _kernel(rule: str, signals: Signals) -> Result:
    """The kernel, whatever `run` would choose here."""
    made = rules.get(rule)
    arguments = {name: signal for name, signal in signals.items() if name not in ("query", "initial")}
    query, initial = signals["query"], signals["initial"]
    heads = torch.arange(query.shape[2], dtype=torch.float32, device=query.device)
    numbers = {p.name: p.by_head(heads) if p.by_head else torch.full_like(heads, p.default) for p in made.parameters}
    return evaluate(made, query, arguments, numbers, {"weight": initial}, backend="flash-linear-attention")


def _relative(a: Tensor, b: Tensor) -> float:
    a, b = a.detach().double(), b.detach().double()
    return float((a - b).square().mean().sqrt() / b.square().mean().sqrt())
