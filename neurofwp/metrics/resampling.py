"""Means and their standard errors."""

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


def mean_and_sem(name: str, values: xr.DataArray, dim: str) -> dict[str, xr.DataArray]:
    """Variables `name`, the mean along `dim`, and `name`_sem, its standard error (NaN for fewer than two numbers)."""
    count = values.notnull().sum(dim)
    sem = values.std(dim, ddof=1) / np.sqrt(count)
    units = {"units": values.attrs.get("units", "1")}
    return {name: values.mean(dim).assign_attrs(units), f"{name}_sem": sem.where(count > 1).assign_attrs(units)}
