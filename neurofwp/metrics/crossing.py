"""Where a curve first reaches a level."""

from __future__ import annotations

import numpy as np
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
