"""Schema: which variables a Dataset has, over which dims, in which unit and range.

Program, Trace and Task are each one Schema; a figure states what it needs of a Dataset with `require`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

import numpy as np
import xarray as xr

from neurofwp.errors import InputError

Dims = tuple[str, ...]


@dataclass(frozen=True)
class Variable:
    """One variable of a Dataset.

    Parameters
    ----------
    dims : in their order. meaning : for people, with the unit where it is not obvious.
    low, high : the range, both ends included; `above` leaves `low` itself out.
    missing : whether NaN stands for "none".
    optional : whether a Dataset may lack it.
    dtype : the only one that is allowed, where there is one. or_dims : other dims that it may have instead.
    """

    dims: Dims
    meaning: str
    units: str = ""
    low: float = -inf
    high: float = inf
    above: bool = False
    missing: bool = False
    optional: bool = False
    dtype: type | None = None
    or_dims: Dims = ()

    @property
    def has_range(self) -> bool:
        """Whether its numbers have a range, or must at least be finite."""
        return self.dtype is None

    def range_in_words(self) -> str:
        """The range in words."""
        if np.isinf(self.low) and np.isinf(self.high):
            return "finite or NaN" if self.missing else "finite"
        span = (
            f"{'>' if self.above else '>='} {self.low:g}"
            if np.isinf(self.high)
            else f"in [{self.low:g}, {self.high:g}]"
        )
        return f"{span} or NaN" if self.missing else f"finite and {span}"

    def fits(self, values: np.ndarray) -> np.ndarray:
        """Which values lie in the range."""
        over = values > self.low if self.above else values >= self.low
        within: np.ndarray = np.isfinite(values) & over & (values <= self.high)
        return within | np.isnan(values) if self.missing else within


@dataclass(frozen=True)
class Schema:
    """What makes a Dataset one of a kind.

    Parameters
    ----------
    name : as "Program". kind : the value of ``attrs["kind"]``.
    variables : by name. leading : dims that may stand before those of any variable.
    attrs : those that must be there. units : whether every variable must say its unit.
    """

    name: str
    kind: str
    variables: Mapping[str, Variable]
    leading: Dims = ()
    attrs: tuple[str, ...] = ()
    units: bool = False
    dims: dict[str, Dims] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dims", {name: variable.dims for name, variable in self.variables.items()})

    def check(self, data: xr.Dataset) -> xr.Dataset:
        """Return `data` unchanged if it is of this kind.

        Raises
        ------
        InputError
            for another kind of data, a missing variable, other dims, a missing unit or attribute, another dtype, or a
            number out of range, with where it is and what would be right.
        """
        self.check_kind(data)
        for name, variable in self.variables.items():
            if name in data.variables:
                self._check_dims(data[name], variable)
            elif not variable.optional:
                raise InputError(f"the {self.name} has no variable {name!r}, which has dims {variable.dims}")
        self._check_units(data)
        missing = [name for name in self.attrs if name not in data.attrs]
        if missing:
            raise InputError(f"the {self.name} does not say its {', '.join(missing)}")
        for name, variable in self.variables.items():
            if name in data.variables:
                check_values(data[name], variable)
        return data

    def check_kind(self, data: object) -> None:
        """
        Raises
        ------
        InputError
            unless `data` is a Dataset that says that it is of this kind.
        """
        if not isinstance(data, xr.Dataset):
            hint = ': choose a group, like tree["spikes"].to_dataset()' if isinstance(data, xr.DataTree) else ""
            raise InputError(f"a {self.name} is an xarray.Dataset, not a {type(data).__name__}{hint}")
        if data.attrs.get("kind") != self.kind:
            raise InputError(
                f"this Dataset is not a {self.name}: attrs['kind'] is {data.attrs.get('kind')!r}, not {self.kind!r}"
            )

    def _check_units(self, data: xr.Dataset) -> None:
        for name, found in data.data_vars.items():
            declared = self.variables[str(name)].units if name in self.variables else ""
            units = found.attrs.get("units")
            if units is None and self.units:
                raise InputError(f"{name} has no attrs['units']")
            if units is not None and declared and units != declared:
                raise InputError(f"{name} of the {self.name} must be in {declared!r}, not in {units!r}")

    def _check_dims(self, found: xr.DataArray, variable: Variable) -> None:
        own = tuple(dim for dim in found.dims if dim not in self.leading)
        in_front = found.dims[: found.ndim - len(own)]
        if set(in_front) <= set(self.leading) and own in (variable.dims, variable.or_dims or variable.dims):
            return
        either = f"{variable.dims} or {variable.or_dims}" if variable.or_dims else f"{variable.dims}"
        if self.leading:
            either += f", or {' and '.join(map(repr, self.leading))} before these"
        raise InputError(f"{found.name} has dims {found.dims}, but needs {either}")


def check_values(found: xr.DataArray, variable: Variable) -> None:
    """
    Raises
    ------
    InputError
        for another dtype, and for the first number out of range.
    """
    if variable.dtype is not None:
        if found.dtype != variable.dtype:
            raise InputError(f"{found.name} must be {variable.dtype.__name__}, not {found.dtype}")
        return
    refuse(found, variable.fits(found.values), variable.range_in_words())


def refuse(found: xr.DataArray, fine: np.ndarray, allowed: str) -> None:
    """
    Raises
    ------
    InputError
        that names the first value that is not `fine` (the shape of `found`), where it is, and what is `allowed`.
    """
    if not fine.all():
        index = tuple(int(i) for i in np.argwhere(~fine)[0])
        where = ", ".join(f"{dim} {i}" for dim, i in zip(found.dims, index, strict=True))
        raise InputError(f"{found.name} must be {allowed}, but is {found.values[index]:g} at {where}")


def require(data: xr.Dataset, what: str, variables: Mapping[str, Dims]) -> None:
    """
    Raises
    ------
    InputError
        unless `data` has these variables with these dims, in any order: what a figure needs of a Dataset.
    """
    for name, dims in variables.items():
        if name not in data.variables:
            raise InputError(f"this figure needs {name!r} with dims {dims}, which the {what} does not have")
        if set(data[name].dims) != set(dims):
            raise InputError(f"{name} of the {what} has dims {data[name].dims}, but this figure needs {dims}")
