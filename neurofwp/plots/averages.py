"""Choosing what to draw, with a clear sentence where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from neurofwp.errors import InputError
from neurofwp.metrics import average as mean_sem  # for experiments that import it from here

__all__ = ["at", "mean_sem", "needs"]


def at(data: xr.Dataset, what: str, **index: int) -> xr.Dataset:
    """`data.isel`, as InputError where a position does not exist."""
    for dim, position in index.items():
        size = data.sizes.get(dim, 0)
        if not -size <= position < size:
            raise InputError(f"{dim} {position} cannot be drawn: the {what} has {size} of them, counted from 0")
    return data.isel(index)


def needs(data: xr.Dataset, what: str, variables: Mapping[str, tuple[str, ...]]) -> None:
    """Raise InputError unless `data` has these variables with these dims, in any order."""
    for name, dims in variables.items():
        if name not in data.variables:
            raise InputError(f"this figure needs {name!r} with dims {dims}, which the {what} does not have")
        if set(data[name].dims) != set(dims):
            raise InputError(f"{name} of the {what} has dims {data[name].dims}, but this figure needs {dims}")
