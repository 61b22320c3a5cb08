"""Standard errors by resampling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr


def jackknife(data: xr.Dataset, dim: str, statistic: Callable[[xr.Dataset], float]) -> tuple[float, float]:
    """A statistic of all data, and its standard error by leaving out one of `dim` at a time (Efron & Stein 1981).

    The error is NaN where the statistic is, whichever one is left out.
    """
    count = data.sizes[dim]
    without = np.array([statistic(data.drop_isel({dim: left_out})) for left_out in range(count)])
    return statistic(data), float(np.sqrt((count - 1) * without.var()))
