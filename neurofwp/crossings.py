"""Where a curve first reaches a level, and how well that is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike


def crossing(at: ArrayLike, curve: ArrayLike, level: float) -> float:
    """Where `curve` (point,) first is at `level` or above, linear between the points `at` (point,), which rise.

    The first point if it is there already, NaN if it never is.
    """
    place, height = np.asarray(at, dtype=float), np.asarray(curve, dtype=float)
    above = np.flatnonzero(height >= level)
    if not above.size:
        return np.nan
    high = int(above[0])
    if high == 0:
        return float(place[0])
    share = (level - height[high - 1]) / (height[high] - height[high - 1])
    return float(place[high - 1] + share * (place[high] - place[high - 1]))


def jackknife(data: xr.Dataset, dim: str, statistic: Callable[[xr.Dataset], float]) -> tuple[float, float]:
    """A statistic of all data, and its standard error by leaving out one of `dim` at a time (Efron & Stein 1981).

    The error is NaN where the statistic is, whichever one is left out.
    """
    count = data.sizes[dim]
    without = np.array([statistic(data.drop_isel({dim: left_out})) for left_out in range(count)])
    return statistic(data), float(np.sqrt((count - 1) * without.var()))
