"""The signals by which a layer's linear maps program a rule: their sizes and ranges, and how the maps begin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

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


def bring_into_range(raw: Tensor, argument: Argument) -> Tensor:
    """Any number brought into the range of an argument."""
    low, high = argument.low, argument.high
    if math.isfinite(low) and math.isfinite(high):
        return low + (high - low) * torch.sigmoid(raw)
    if math.isfinite(low):
        return low + functional.softplus(raw)
    return high + functional.logsigmoid(raw) if math.isfinite(high) else raw


def linear(
    inputs: int, outputs: int, *, bias: float | None = None, generator: torch.Generator | None = None
) -> nn.Linear:
    """A linear map, its weights uniform within inputs^-1/2 as nn.Linear draws them; `bias` is that of all outputs."""
    made: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs, bias=bias is not None)
    draw_uniform(made.weight, generator)
    if bias is not None:
        nn.init.constant_(made.bias, bias)
    return made


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


def draw_uniform(tensor: Tensor, generator: torch.Generator | None) -> Tensor:
    """Fill a tensor (..., inputs) with numbers uniform within inputs^-1/2, and return it."""
    bound = tensor.shape[-1] ** -0.5
    return nn.init.uniform_(tensor, -bound, bound, generator=generator)


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
