"""The numbers of a rule: what they are by default, and what a fit may try."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Parameter:
    """One number of a rule.

    `low` and `high` bound what a fit may try, for read-outs W k of order one, active key cells of activity one and
    keys and values of norm one; otherwise a fit multiplies them by (typical read-out W k) ** weight_power, (typical key
    of one active cell) ** key_power, (typical |k|) ** norm_power and (typical |v|) ** value_power. The weight power is
    exact: a rule does the same if all weights, and each parameter to its power, are scaled together. The others are
    rough.

    by_head : the default of every head, from their numbers 0, 1, ... (head,); left out, all heads have `default`.
    domain : the values for which the rule means anything, both ends included.
    """

    name: str
    default: float
    low: float
    high: float
    meaning: str
    weight_power: int = 0
    key_power: int = 0
    value_power: int = 0
    norm_power: int = 0
    by_head: Callable[[Tensor], Tensor] | None = None
    domain: tuple[float, float] = (-math.inf, math.inf)


SHARE = (0.0, 1.0)
POSITIVE = (float(torch.finfo(torch.float32).tiny), math.inf)
