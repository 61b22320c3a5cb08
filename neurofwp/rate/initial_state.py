"""The initial state of `run`, checked: weights alone, or all that a run of the same rule left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate import kernels
from neurofwp.rate.ranges import Range
from neurofwp.rules import Rule


def check_initial(
    rule: Rule,
    initial: Tensor | Mapping[str, Tensor] | None,
    sizes: Mapping[str, int],
    query: Tensor,
    normaliser: str | None,
) -> dict[str, Tensor]:
    """The initial state by name: empty, or `weight` alone, or all of it.

    Raises
    ------
    InputError
        for a state of another rule, or of other dims, dtype or device.
    """
    if initial is None:
        if "program" in rule.weight_dims:
            raise InputError(f"rule {rule.id!r} needs initial, (batch, head, {', '.join(rule.weight_dims)})")
        return {}
    if isinstance(initial, Tensor):
        parts, labels = {"weight": initial}, {"weight": "initial"}
    elif isinstance(initial, Mapping):
        parts, labels = dict(initial), {name: f"initial[{name!r}]" for name in initial}
        _check_names(rule, parts, normaliser)
    else:
        raise InputError(f"initial must be a torch.Tensor or the state of a Result, not {type(initial).__name__}")
    for name, part in parts.items():
        _check_part(labels[name], part, sizes, query)
    _check_weight(rule, parts["weight"], sizes)
    if "key_sum" in parts:
        _check_key_sum(parts["key_sum"], sizes)
    for name, part in parts.items():
        if part.numel() == 0:
            raise InputError(f"{labels[name]} must not be empty, but its shape is {tuple(part.shape)}")
    return parts


def state_ranges(parts: Mapping[str, Tensor], initial: Any) -> Iterator[Range]:
    """All of an initial state, as `check_initial` makes it, should be finite; named as the user gave it."""
    for name, part in parts.items():
        yield Range("initial" if isinstance(initial, Tensor) else f"initial[{name!r}]", part)


def _check_names(rule: Rule, parts: Mapping[str, Tensor], normaliser: str | None) -> None:
    """The variables of a state: those of the rule, and with a normaliser that needs it the sum of keys."""
    fields = set(rule.remembered)
    if not fields <= set(parts) <= fields | {"key_sum"}:
        raise InputError(f"initial must have {', '.join(sorted(fields))}, but has {', '.join(map(str, parts))}")
    if ("key_sum" in parts) != (normaliser == "attention"):
        has, needs = ("a key_sum", "none") if "key_sum" in parts else ("no key_sum", "one")
        raise InputError(
            f"initial has {has}, the sum of all keys so far, where normaliser {normaliser!r} needs {needs}: "
            "it comes from a run with another normaliser"
        )


def _check_part(label: str, part: Tensor, sizes: Mapping[str, int], query: Tensor) -> None:
    if not isinstance(part, Tensor):
        raise InputError(f"{label} must be a torch.Tensor, not {type(part).__name__}")
    # a kernel in half precision returns its state in float32
    if part.dtype != (torch.float32 if query.dtype in kernels.HALF else query.dtype) or part.device != query.device:
        raise InputError(
            f"{label} must have the dtype and device of query, {query.dtype} on {query.device}, "
            f"not {part.dtype} on {part.device}"
        )
    if part.shape[:2] != (sizes["batch"], sizes["head"]):
        raise InputError(
            f"{label} must begin with batch = {sizes['batch']} and head = {sizes['head']}, "
            f"but its shape is {tuple(part.shape)}"
        )


def _check_weight(rule: Rule, weight: Tensor, sizes: Mapping[str, int]) -> None:
    dims = ("batch", "head", *rule.weight_dims)
    expected = tuple(sizes.get(dim, weight.shape[axis] if axis < weight.ndim else 0) for axis, dim in enumerate(dims))
    if tuple(weight.shape) != expected:
        raise InputError(
            f"initial weights must be ({', '.join(dims)}) = {expected}, but their shape is {tuple(weight.shape)}"
        )


def _check_key_sum(key_sum: Tensor, sizes: Mapping[str, int]) -> None:
    expected = (sizes["batch"], sizes["head"], sizes["pre"])
    if tuple(key_sum.shape) != expected:
        raise InputError(
            f"initial['key_sum'] must be (batch, head, pre) = {expected}, but its shape is {tuple(key_sum.shape)}"
        )
