"""The arguments of `run`, checked: nothing is broadcast, cast or ignored in silence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from neurofwp import errors
from neurofwp.errors import InputError
from neurofwp.rate import kernels
from neurofwp.rate.events import QUERY
from neurofwp.rate.normalisers import NORMALISERS
from neurofwp.rate.ranges import Range
from neurofwp.rate.scan import Bounds
from neurofwp.rate.sequences import behind
from neurofwp.rules import Argument, Rule
from neurofwp.rules.known import Numbers

LEADING = ("batch", "time", "head")


def check_arguments(rule: Rule, query: Any, arguments: Mapping[str, Any], micro_steps: int | None) -> dict[str, int]:
    """The size of each dim, if the types and shapes of all arguments fit the rule and each other.

    Raises
    ------
    InputError
        that names the argument, what is wrong with it, where, and what would be right.
    """
    known = {argument.name: argument for argument in rule.arguments}
    for name in arguments:
        if name not in known:
            takes = ", ".join(["query", *known, *(["micro_steps"] if takes_micro_steps(rule) else [])])
            raise InputError(f"rule {rule.id!r} does not use {name}; it takes {takes}")
    _check_micro_steps(rule, micro_steps)
    given = {"query": QUERY} | known
    tensors = {"query": query} | {name: tensor for name, tensor in arguments.items() if tensor is not None}
    for name, argument in known.items():
        if argument.required and name not in tensors:
            raise InputError(f"rule {rule.id!r} needs {name}, {argument.meaning}: {shape_of(argument)}")
    sizes: dict[str, int] = {} if micro_steps is None else {"micro": micro_steps}
    for name, tensor in tensors.items():
        _check_type(name, tensor, query)
        _check_shape(given[name], tensor, sizes)
    return sizes


def argument_ranges(
    rule: Rule, query: Tensor, arguments: Mapping[str, Tensor | None], mask: Tensor | None
) -> Iterator[Range]:
    """In what range each argument should be; what a mask leaves out may be any number."""
    for argument in (QUERY, *rule.arguments):
        tensor = query if argument is QUERY else arguments.get(argument.name)
        if tensor is not None:
            seen = tensor if mask is None or not argument.per_event else _within_mask(argument, tensor, mask)
            yield Range(argument.name, seen, argument.low, argument.high)


def _within_mask(argument: Argument, tensor: Tensor, mask: Tensor) -> Tensor:
    """A signal (batch, time, ...) or (batch, micro_steps x time, ...), within its range where a mask leaves it out."""
    happens = mask.repeat_interleave(tensor.shape[1] // mask.shape[1], dim=1)
    return torch.where(behind(happens, tensor), tensor, min(max(0.0, argument.low), argument.high))


def takes_micro_steps(rule: Rule) -> bool:
    return any("micro" in argument.dims for argument in rule.arguments)


def _check_micro_steps(rule: Rule, micro_steps: int | None) -> None:
    if micro_steps is None and takes_micro_steps(rule):
        raise InputError(f"rule {rule.id!r} needs micro_steps, the number of writes per event: 1 or more")
    if micro_steps is not None:
        if not takes_micro_steps(rule):
            raise InputError(f"rule {rule.id!r} does not use micro_steps")
        if type(micro_steps) is not int or micro_steps < 1:
            raise InputError(f"micro_steps must be a whole number of 1 or more, not {micro_steps!r}")


def shape_of(argument: Argument) -> str:
    """The shape of an argument in words."""
    if not argument.per_event:
        return "(" + ", ".join(("head", *argument.dims)) + ")"
    time = "micro_steps x time" if "micro" in argument.dims else "time"
    return "(" + ", ".join(("batch", time, "head", *(dim for dim in argument.dims if dim != "micro"))) + ")"


def _check_type(name: str, tensor: Any, query: Any) -> None:
    if not isinstance(tensor, Tensor):
        raise InputError(f"{name} must be a torch.Tensor, not {type(tensor).__name__}")
    if not tensor.is_floating_point():
        raise InputError(f"{name} must be of a floating-point dtype, such as torch.float32, not {tensor.dtype}")
    if tensor.layout != torch.strided:
        raise InputError(f"{name} must be a dense tensor, not {tensor.layout}; see to_dense()")
    if tensor.dtype != query.dtype:
        raise InputError(f"{name} must have the dtype of query, {query.dtype}, not {tensor.dtype}")
    if tensor.device != query.device:
        raise InputError(f"{name} must be on the device of query, {query.device}, not {tensor.device}")


def _check_shape(argument: Argument, tensor: Tensor, sizes: dict[str, int]) -> None:
    dims = (*(LEADING if argument.per_event else ("head",)), *(dim for dim in argument.dims if dim != "micro"))
    if tensor.ndim != len(dims):
        raise InputError(
            f"{argument.name} must have {len(dims)} dims, {shape_of(argument)}, but its shape is {tuple(tensor.shape)}"
        )
    for dim, size in zip(dims, tensor.shape, strict=True):
        expected = sizes.setdefault(dim, size)
        if dim == "time" and "micro" in argument.dims:
            expected *= sizes["micro"]
        if size != expected:
            raise InputError(
                f"{argument.name} must be {shape_of(argument)} with {dim} = {expected}, "
                f"but its shape is {tuple(tensor.shape)}"
            )
        if size == 0:
            raise InputError(f"{argument.name} must not be empty, but its shape is {tuple(tensor.shape)}")


def check_parameters(rule: Rule, parameters: Mapping[str, Any], heads: int, like: Tensor) -> Numbers:
    """All parameters as tensors, () or (head,): those given, and the rule's defaults.

    Raises
    ------
    InputError
        for a parameter that the rule does not have, or one that is neither a number nor one per head.
    """
    known = rule.defaults()
    # a kernel in half precision takes parameters in float32: a decay next to 1 would be rounded to 1
    dtype = torch.float32 if like.dtype in kernels.HALF else like.dtype
    if not isinstance(parameters, Mapping):
        raise InputError(f"parameters must be a mapping from names to numbers, not {type(parameters).__name__}")
    for name in parameters:
        if name not in known:
            raise errors.unknown(f"parameter of rule {rule.id!r},", str(name), known)
    made, plain = {}, {}
    for parameter in rule.parameters:
        number = parameters.get(parameter.name)
        if isinstance(number, Real) or (number is None and not parameter.by_head):
            plain[parameter.name] = parameter.default if number is None else float(number)
        if number is None:
            by_head = parameter.by_head
            # filled where it is needed: a number that is copied to a GPU waits for it
            default = torch.full((), parameter.default, dtype=dtype, device=like.device)
            made[parameter.name] = by_head(torch.arange(heads, device=like.device).to(default)) if by_head else default
            continue
        try:
            tensor = _number(number, dtype, like.device)
        except (TypeError, ValueError, RuntimeError):
            raise InputError(f"{parameter.name} must be a number or one per head, not {number!r}") from None
        if tensor.dtype != dtype:
            raise InputError(f"{parameter.name} must be of dtype {dtype}, not {tensor.dtype}")
        if tensor.shape not in ((), (heads,)):
            raise InputError(
                f"{parameter.name} must be a number or one per head, ({heads},), but its shape is {tuple(tensor.shape)}"
            )
        made[parameter.name] = tensor
    return Numbers(made, plain)


def _number(given: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    if isinstance(given, Tensor):
        return given.to(device)
    if isinstance(given, Real):
        return torch.full((), float(given), dtype=dtype, device=device)
    numbers = torch.as_tensor(given, dtype=dtype)
    if device.type == "cpu" or numbers.ndim != 1 or not len(numbers):
        return numbers.to(device)
    return torch.stack([torch.full((), number, dtype=dtype, device=device) for number in numbers.tolist()])


def parameter_ranges(rule: Rule, given: Mapping[str, Any], numbers: Mapping[str, Tensor]) -> Iterator[Range]:
    """The domains of the parameters that are given, from all of them as `check_parameters` makes them."""
    for parameter in rule.parameters:
        if given.get(parameter.name) is not None:
            yield Range(parameter.name, numbers[parameter.name], *parameter.domain)


def check_compute_dtype(compute_dtype: Any) -> None:
    """
    Raises
    ------
    InputError
        for what is neither None nor a precision in which rules compute.
    """
    if compute_dtype not in (None, torch.float32, torch.float64):
        raise InputError(f"compute_dtype must be torch.float32 or torch.float64, not {compute_dtype!r}")


def check_normaliser(rule: Rule, normaliser: str | None) -> None:
    """
    Raises
    ------
    InputError
        for an unknown normaliser, or a rule with a read-out of its own.
    """
    if normaliser is None:
        return
    if normaliser not in NORMALISERS:
        raise errors.unknown("normaliser", str(normaliser), NORMALISERS)
    if not rule.reads_linearly:
        raise InputError(f"rule {rule.id!r} has a read-out of its own, which takes no normaliser")


def check_bounds(rule: Rule, bounds: Bounds | None) -> None:
    """
    Raises
    ------
    InputError
        for a rule whose weights cannot be clamped, or bounds that are not (low, high).
    """
    if bounds is None:
        return
    if not rule.clampable:
        raise InputError(f"rule {rule.id!r} takes no bounds: its weights follow from other variables")
    numbers = isinstance(bounds, tuple) and len(bounds) == 2 and all(isinstance(bound, Real) for bound in bounds)
    if not (numbers and bounds[0] < bounds[1]):
        raise InputError(f"bounds must be (low, high) with low < high, not {bounds!r}")
