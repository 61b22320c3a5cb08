"""The signals by which a layer's linear maps program a rule: their sizes and ranges, and how the maps begin."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofwp.errors import InputError
from neurofwp.rate.feature_maps import FeatureMap
from neurofwp.rules import Argument, Rule, self_referential

# A log decay is log sigmoid, and starts at sigmoid(4) = 0.982: half of a memory survives 38 events. From sigmoid(0)
# a thousandth is left after ten events, and hardly a gradient reaches what was written before.
SLOW_DECAY = 4.0
FEATURES = ("query", "key", "removal")  # what goes through the feature map


def range_map(argument: Argument) -> Callable[[Tensor], Tensor] | None:
    """What brings any number into the range of an argument, in as few calls as can be; None where it is in it."""
    span = (argument.low, argument.high)
    if span == (0.0, 1.0):
        return torch.sigmoid
    if span == (-math.inf, 0.0):
        return functional.logsigmoid
    return None if span == (-math.inf, math.inf) else partial(_into_span, low=argument.low, high=argument.high)


def bring_into_range(raw: Tensor, argument: Argument) -> Tensor:
    """Any number brought into the range of an argument."""
    into_range = range_map(argument)
    return raw if into_range is None else into_range(raw)


def _into_span(raw: Tensor, low: float, high: float) -> Tensor:
    if math.isfinite(low) and math.isfinite(high):
        return low + (high - low) * torch.sigmoid(raw)
    if math.isfinite(low):
        return low + functional.softplus(raw)
    return high + functional.logsigmoid(raw)


def empty_linear(inputs: int, outputs: int, *, bias: bool = False, **where: Any) -> nn.Linear:
    """A linear map whose numbers are yet to be drawn; where : its device and dtype."""
    linear: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs, bias=bias, **where)
    return linear


def linear(
    inputs: int, outputs: int, *, bias: float | None = None, generator: torch.Generator | None = None
) -> nn.Linear:
    """A linear map whose numbers are drawn; `bias` is that of all outputs."""
    made = empty_linear(inputs, outputs, bias=bias is not None)
    draw_linear(made, generator, bias or 0.0)
    return made


def draw_linear(made: nn.Linear, generator: torch.Generator | None, bias: float = 0.0) -> None:
    """Weights uniform within inputs^-1/2, as nn.Linear draws them; `bias` is that of all outputs, if they have one."""
    draw_uniform(made.weight, generator)
    if made.bias is not None:
        nn.init.constant_(made.bias, bias)


def check_sizes(**sizes: int) -> None:
    """
    Raises
    ------
    InputError
        for the first that is no whole number of 1 or more.
    """
    for name, size in sizes.items():
        if type(size) is not int or size < 1:
            raise InputError(f"{name} must be a whole number of 1 or more, not {size!r}")


def check_input(x: Tensor, d_model: int, dtype: torch.dtype) -> None:
    """
    Raises
    ------
    InputError
        for an input of a layer that is not (batch, time, d_model), or of another dtype without autocast.
    """
    if x.ndim != 3 or x.shape[-1] != d_model or x.shape[1] < 1:
        raise InputError(
            f"x must be (batch, time, d_model) with d_model = {d_model} and time >= 1, "
            f"but its shape is {tuple(x.shape)}"
        )
    if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise InputError(f"x must have the dtype of the layer, {dtype}, not {x.dtype}")


def check_weight(rule: Rule, weight: Tensor, expected: tuple[int, ...]) -> None:
    """
    Raises
    ------
    InputError
        for weights of a state that do not have the expected shape.
    """
    if weight.shape != expected:
        raise InputError(
            f"weights of the state must be (batch, head, {', '.join(rule.weight_dims)}) = {expected}, "
            f"but their shape is {tuple(weight.shape)}"
        )


@torch.no_grad()
def draw_uniform(tensor: Tensor, generator: torch.Generator | None) -> None:
    """Fill a tensor (..., inputs) with numbers uniform within inputs^-1/2: the same on every device, in any dtype."""
    bound = tensor.shape[-1] ** -0.5
    fill(tensor, torch.empty(tensor.shape, device="cpu").uniform_(-bound, bound, generator=generator))


@torch.no_grad()
def fill(tensor: Tensor, numbers: Tensor) -> None:
    """Put numbers into a tensor, unless it is on the device "meta", where there are none."""
    if not tensor.is_meta:
        tensor.copy_(numbers)


def factory(device: Any, dtype: torch.dtype | None) -> dict[str, Any]:
    """Where parameters are made, and in which precision; left out, as torch's defaults and contexts say."""
    return {
        "device": torch.get_default_device() if device is None else torch.device(device),
        "dtype": torch.get_default_dtype() if dtype is None else dtype,
    }


def initial_bias(argument: Argument) -> float | None:
    """The bias of the linear map that makes a signal: gates have one, vectors do not."""
    if argument.name in (*FEATURES, "value"):
        return None
    return SLOW_DECAY if argument.high == 0 else 0.0


def arguments_of(rule: Rule, feature_map: FeatureMap, beta_range: float) -> tuple[Argument, ...]:
    """The query, and the rule's arguments, with the range of beta that was asked for."""
    key, beta = rule.argument("key"), rule.argument("beta")
    low, high = (key.low, key.high) if key else (-math.inf, math.inf)
    if (low, high) != (-math.inf, math.inf) and not feature_map.keeps_unit:
        raise InputError(
            f"keys of rule {rule.id!r} must be in [{low:g}, {high:g}], where feature map {feature_map.id!r} "
            "does not keep them; use one that does, such as 'identity'"
        )
    bounded = list(rule.arguments)
    if beta and math.isfinite(beta.high):
        if not 0 < beta_range <= beta.high:
            raise InputError(f"beta_range must be above 0 and at most {beta.high:g}, not {beta_range:g}")
        bounded[bounded.index(beta)] = replace(beta, high=float(beta_range))
    elif beta_range != 1:
        raise InputError(f"rule {rule.id!r} has no bounded write strength, and so no beta_range")
    return (Argument("query", "what is asked for", ("pre",), low, high), *bounded)


def sizes_of(rule: Rule, pre: int, post: int, given: Mapping[str, int]) -> dict[str, int]:
    """The size of every dim that the rule has."""
    dims = {dim for argument in rule.arguments for dim in argument.dims} | set(rule.weight_dims)
    # query, key and value for each head, and one write strength, or, of self_referential, one for each block
    program = 2 * pre + post + (self_referential.BLOCKS if "program" in rule.weight_dims else 1)
    known = {"pre": pre, "post": post, "program": program}
    free = dims - set(known)
    for name in given:
        if name not in free:
            choice = f"its are {', '.join(sorted(free))}" if free else "it has none"
            raise InputError(f"sizes of rule {rule.id!r} cannot have {name!r}: {choice}")
    for name in sorted(free):
        if name not in given:
            raise InputError(f"rule {rule.id!r} needs sizes={{{name!r}: ...}}, a whole number of 1 or more")
        check_sizes(**{f"sizes[{name!r}]": given[name]})
    return known | dict(given)


@dataclass(frozen=True)
class EventSignal:
    """A signal that a linear map makes at every event.

    micro : micro-steps per event. shape : (head, *dims), before the feature map. into_range : brings any number into
    its range; None where it is in it. is_feature : whether it goes through the feature map.
    """

    name: str
    micro: int
    shape: tuple[int, ...]
    into_range: Callable[[Tensor], Tensor] | None
    is_feature: bool
    biased: bool


def event_signals(
    arguments: Sequence[Argument], sizes: Mapping[str, int], d_key: int, heads: int
) -> tuple[EventSignal, ...]:
    """The signals of every event, in the order of the arguments."""
    made = []
    for argument in arguments:
        if not argument.per_event:
            continue
        feature = argument.name in FEATURES
        own = [d_key] if feature else [sizes[dim] for dim in argument.dims if dim != "micro"]
        micro = sizes["micro"] if "micro" in argument.dims else 1
        biased = initial_bias(argument) is not None
        made.append(EventSignal(argument.name, micro, (heads, *own), range_map(argument), feature, biased))
    return tuple(made)


def trial_signals(
    arguments: Sequence[Argument], sizes: Mapping[str, int], heads: int, events: int
) -> dict[str, Tensor]:
    """Signals of these shapes and ranges, for a batch of one; vectors have norm one before they are brought into range.

    With longer keys, write strengths above 1 would make weights overflow within the trial.
    """
    made = {}
    for argument in arguments:
        micro = sizes["micro"] if "micro" in argument.dims else 1
        own = [sizes[dim] for dim in argument.dims if dim != "micro"]
        leading = (1, micro * events) if argument.per_event else ()
        made[argument.name] = bring_into_range(torch.full((*leading, heads, *own), math.prod(own) ** -0.5), argument)
    return made
