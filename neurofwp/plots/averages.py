"""Choosing what to draw, with a clear sentence where there is nothing."""

from __future__ import annotations

import xarray as xr

from neurofwp.errors import InputError


def at(data: xr.Dataset, what: str, **index: int) -> xr.Dataset:
    """`data.isel`, as InputError where a position does not exist."""
    for dim, position in index.items():
        size = data.sizes.get(dim, 0)
        if not -size <= position < size:
            raise InputError(f"{dim} {position} cannot be drawn: the {what} has {size} of them, counted from 0")
    return data.isel(index)


def mean_sem(data: xr.DataArray, dim: str) -> tuple[xr.DataArray, xr.DataArray, int]:
    """Mean and standard error over `dim` (NaN for n = 1), and n: the largest count behind any mean; NaN not counted."""
    count = data.notnull().sum(dim)
    mean = data.mean(dim)
    variance = ((data - mean) ** 2).sum(dim) / (count - 1).where(count > 1)
    return mean, (variance / count) ** 0.5, int(count.max())
