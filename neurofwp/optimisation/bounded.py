"""A parameter within bounds, and its place between them: 0 at the lower bound, 1 at the upper one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from neurofwp.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BoundedParameter:
    """A number in `unit` between `low` and `high`; places between them are even in the number or in its logarithm.

    Raises
    ------
    InputError
        for bounds that are not finite or not in order, and for a logarithmic scale from 0 or below.
    """

    name: str
    unit: str
    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(f"{self.name} needs finite bounds in order, not {self.low:g} to {self.high:g}")
        if self.scale == "log" and not self.low > 0:
            raise InputError(f"{self.name} needs bounds above 0 for a logarithmic scale, not {self.low:g}")

    def value(self, place: Floats | float) -> Floats:
        """The numbers at places in [0, 1], of any shape."""
        if self.scale == "log":
            return np.asarray(self.low * (self.high / self.low) ** place)
        return np.asarray(self.low + (self.high - self.low) * place)

    def place(self, value: float) -> float:
        """The place of a number; one beyond a bound (as 0, infinity) is at that bound."""
        inside = np.clip(value, self.low, self.high)
        if self.scale == "log":
            return float(np.log(inside / self.low) / np.log(self.high / self.low))
        return float((inside - self.low) / (self.high - self.low))
