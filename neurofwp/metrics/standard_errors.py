"""Means and their standard errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray


def jackknife(data: xr.Dataset, dim: str, statistic: Callable[[xr.Dataset], float]) -> tuple[float, float]:
    """A statistic of all data, and its standard error by leaving out one of `dim` at a time (Efron & Stein 1981).

    The error is NaN where the statistic is, whichever one is left out.
    """
    without = [statistic(data.drop_isel({dim: left_out})) for left_out in range(data.sizes[dim])]
    return statistic(data), jackknife_error(np.array(without))


def jackknife_error(without: NDArray[np.float64]) -> float:
    """Standard error of a statistic from its values (n,) with each one of n left out."""
    return float(np.sqrt((len(without) - 1) * without.var()))


class Average(NamedTuple):
    """A mean, its standard error (NaN for fewer than two numbers), and `n`, the largest count behind any mean."""

    mean: xr.DataArray
    sem: xr.DataArray
    n: int


def average(values: xr.DataArray, dim: str) -> Average:
    """The mean along `dim` and its standard error; NaN does not count."""
    count = values.notnull().sum(dim)
    mean = values.mean(dim)
    variance = ((values - mean) ** 2).sum(dim) / (count - 1).where(count > 1)
    return Average(mean, (variance / count) ** 0.5, int(count.max()))


def mean_and_sem(name: str, values: xr.DataArray, dim: str) -> dict[str, xr.DataArray]:
    """`average` as the variables `name` and `name`_sem of a table, with the units of `values`."""
    mean, sem, _ = average(values, dim)
    units = {"units": values.attrs.get("units", "1")}
    return {name: mean.assign_attrs(units), f"{name}_sem": sem.assign_attrs(units)}
