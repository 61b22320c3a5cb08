"""Ranges of numbers in tensors, looked at together: a GPU is waited for once, not at every tensor."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate.values import are_known


@dataclass(frozen=True)
class Range:
    """All numbers of a tensor should be finite and in [low, high]."""

    name: str
    tensor: Tensor
    low: float = -math.inf
    high: float = math.inf


def check_ranges(ranges: Iterable[Range]) -> dict[str, tuple[float, float]]:
    """The least and the greatest number of each tensor, by name, of those whose numbers can be looked at.

    Raises
    ------
    InputError
        for the first number that is not finite, or outside its range.
    """
    known = [each for each in ranges if are_known(each.tensor)]
    if not known:
        return {}
    with torch.no_grad():
        both = torch.stack([extreme for each in known for extreme in each.tensor.aminmax()]).tolist()
    extremes = list(zip(both[::2], both[1::2], strict=True))
    for each, (least, most) in zip(known, extremes, strict=True):
        # a NaN makes both NaN
        if not (each.low <= least <= most <= each.high and math.isfinite(least) and math.isfinite(most)):
            _refuse(each)
    return {each.name: pair for each, pair in zip(known, extremes, strict=True)}


def _refuse(given: Range) -> None:
    tensor = given.tensor.detach()
    bad = ~tensor.isfinite() | (tensor < given.low) | (tensor > given.high)
    where = [int(index) for index in bad.nonzero()[0]]
    number = tensor[tuple(where)].item()
    raise InputError(
        f"{given.name} must be {_in_words(given.low, given.high)}, but {given.name}{where or ''} is {number}"
    )


def _in_words(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"in [{low:g}, {high:g}]"
    if math.isfinite(high):
        return f"finite and at most {high:g}"
    if math.isfinite(low):
        return "finite and positive" if 0 < low < 1e-30 else f"finite and at least {low:g}"
    return "finite"
