"""What runs a rule: event by event, in chunks, or a kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate import kernels
from neurofwp.rate.scan import Bounds
from neurofwp.rate.values import are_known
from neurofwp.rules import Rule

Mode = Literal["auto", "recurrent", "chunkwise"]
MODES: tuple[Mode, ...] = ("auto", "recurrent", "chunkwise")
Backend = Literal["recurrent", "chunkwise", "flash-linear-attention"]

WORTH_CHUNKING = 16  # events


def choose_backend(
    rule: Rule,
    query: Tensor,
    given: Mapping[str, Any],
    *,
    mode: Mode,
    bounds: Bounds | None,
    chunk: int | None,
    masked: bool = False,
) -> Backend:
    """What runs a rule on queries like these; signals in half precision that no kernel takes become float32 first.

    Parameters
    ----------
    query : (batch, time, head, d_k). given : parameters that replace the rule's own, as `run` takes them.
    masked : whether events are left out.

    Raises
    ------
    InputError
        for mode "chunkwise" where it cannot serve, or half precision without a kernel.
    """
    blocked = _why_not_chunkwise(rule, given, bounds, masked)
    if mode == "chunkwise" and blocked:
        raise InputError(f"rule {rule.id!r} has no chunkwise form {blocked}; use mode 'recurrent' or 'auto'")
    automatic = mode == "auto" and not blocked and chunk is None
    if automatic and kernels.serve(rule, query, given):
        return "flash-linear-attention"
    if query.dtype in kernels.HALF and not (automatic and kernels.leave(rule, query, given)):
        raise InputError(
            f"query must be float32 or float64, not {query.dtype}: half precision needs "
            "compute_dtype=torch.float32, or a GPU, flash-linear-attention, mode 'auto' and a rule that it has"
        )
    if mode != "auto":
        return mode
    return "recurrent" if blocked or query.shape[1] < WORTH_CHUNKING else "chunkwise"


def _why_not_chunkwise(rule: Rule, given: Mapping[str, Any], bounds: Bounds | None, masked: bool) -> str:
    """Why the chunkwise form cannot serve; empty if it can."""
    if not rule.has_chunkwise:
        return "in algebra"
    if bounds is not None:
        return "with bounds, which hold after every event"
    if masked and not rule.chunkwise_skips:
        return "that leaves out events"
    for parameter in rule.parameters:
        if parameter.name not in rule.chunkwise_at:
            continue
        number, needed = given.get(parameter.name), rule.chunkwise_at[parameter.name]
        if isinstance(number, Tensor) and number.requires_grad:
            return f"through which {parameter.name} could be learned"
        if isinstance(number, Tensor) and not are_known(number):
            return f"unless {parameter.name} is {needed:g}, which a transform does not know of a tensor: give a number"
        if not kernels.is_everywhere(parameter, number, needed):
            return f"unless {parameter.name} is {needed:g}"
    return ""
