"""Fused GPU kernels of flash-linear-attention (the optional extra `kernels`), for the rules that it has.

They serve half precision only, which they are made for: single precision they round to TF32. Sums are kept in float32,
and so is the state that they return.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neurofwp.rate.values import are_known
from neurofwp.rules import Event, Parameter, Rule

HALF = (torch.bfloat16, torch.float16)

Arguments = Callable[[Event, Mapping[str, Tensor]], dict[str, Any]]


def _scaled_values(events: Event) -> Tensor:
    """Values times their write strength, for kernels that know none."""
    return events.gate[..., None] * events.value


def _constant_decay(events: Event, log_decay: Tensor) -> dict[str, Tensor]:
    """The log decay of every head (head,), or, where events are left out, of every event."""
    if events.mask is None:
        return {"g_gamma": log_decay}
    return {"g": torch.where(events.mask, log_decay[:, None], 0.0)}


class Kernel(NamedTuple):
    """Two functions of flash-linear-attention for one rule: in chunks, and event by event.

    module : fla.ops.MODULE, with chunk_NAME and fused_recurrent_NAME.
    arguments : theirs beside the query, in our layout with the head before time.
    widest : the greatest d_key that both take.
    log_decay : what the second calls the first one's `g`.
    """

    module: str
    name: str
    arguments: Arguments
    widest: float = math.inf
    log_decay: str = "g"


def _gated(events: Event, parameters: Mapping[str, Tensor]) -> dict[str, Any]:
    made = {"k": events.key, "v": events.value, "beta": events.gate}
    return made | ({"g": events.others["log_decay"]} if "log_decay" in events.others else {})


def _decaying(events: Event, parameters: Mapping[str, Tensor]) -> dict[str, Any]:
    return {"k": events.key, "v": _scaled_values(events), "g": events.others["log_decay"]}


KERNELS: dict[str, Kernel] = {
    "hebbian": Kernel("simple_gla", "simple_gla", lambda events, p: {"k": events.key, "v": _scaled_values(events)}),
    "fixed_decay": Kernel(
        "simple_gla",
        "simple_gla",
        lambda events, p: {
            "k": events.key,
            "v": _scaled_values(events),
            **_constant_decay(events, p["decay"].expand(events.key.shape[1]).float().log()),
        },
    ),
    "scalar_decay": Kernel("simple_gla", "simple_gla", _decaying),
    "key_decay": Kernel("gla", "gla", _decaying, log_decay="gk"),
    "delta": Kernel("delta_rule", "delta_rule", _gated, widest=256),
    "gated_delta": Kernel("gated_delta_rule", "gated_delta_rule", _gated, widest=256),
    "key_gated_delta": Kernel("kda", "kda", _gated, widest=256),
}


@cache
def is_installed() -> bool:
    """Whether flash-linear-attention is there."""
    return find_spec("fla") is not None


def serve(rule: Rule, query: Tensor, given: Mapping[str, Any]) -> bool:
    """Whether a kernel runs this rule, on this device, in this precision, with these parameters in place of its own."""
    return _knows(rule, query, given) and not _is_too_wide(rule, query)


def leave(rule: Rule, query: Tensor, given: Mapping[str, Any]) -> bool:
    """Whether a kernel would run this rule if keys had fewer channels: it then runs in torch, in single precision."""
    return _knows(rule, query, given) and _is_too_wide(rule, query)


def _is_too_wide(rule: Rule, query: Tensor) -> bool:
    return query.shape[-1] > KERNELS[rule.id].widest


def _knows(rule: Rule, query: Tensor, given: Mapping[str, Any]) -> bool:
    if rule.id not in KERNELS or not query.is_cuda or query.dtype not in HALF or not is_installed():
        return False
    tensors = [number for number in given.values() if isinstance(number, Tensor)]
    if any(tensor.requires_grad or not are_known(tensor) for tensor in tensors):
        return False
    free = {"decay"} if rule.id == "fixed_decay" else set()
    return all(is_everywhere(p, given.get(p.name), p.default) for p in rule.parameters if p.name not in free)


def is_everywhere(parameter: Parameter, given: Any, number: float) -> bool:
    """Whether a parameter is this number in all heads; `given` in place of its default, if it is not None."""
    if given is None:
        return parameter.by_head is None and parameter.default == number
    if isinstance(given, Tensor):
        return bool((given == number).all())
    return bool((np.asarray(given) == number).all())


def run(rule: Rule, events: Event, weight: Tensor, parameters: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Reads (batch, head, time, post) and the last weights (batch, head, post, pre), float32.

    The kernels want time before the head, and the transpose of W; their default would scale queries.
    """
    kernel = KERNELS[rule.id]
    assert events.query is not None
    signals = {"q": events.query, **kernel.arguments(events, parameters)}
    form = "chunk"
    # chunks of one event cost several launches; not all of the others have a backward pass
    if events.query.shape[-2] == 1 and not _has_gradient(weight, *signals.values()):
        form = "fused_recurrent"
        signals = {kernel.log_decay if key == "g" else key: tensor for key, tensor in signals.items()}
    in_time = {key: tensor if key == "g_gamma" else tensor.transpose(1, 2) for key, tensor in signals.items()}
    read, last = getattr(import_module(f"fla.ops.{kernel.module}"), f"{form}_{kernel.name}")(
        **{key: tensor.contiguous() for key, tensor in in_time.items()},
        scale=1.0,
        initial_state=weight.mT.float().contiguous(),
        output_final_state=True,
    )
    return read.transpose(1, 2), last.mT


def _has_gradient(*tensors: Tensor) -> bool:
    return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
