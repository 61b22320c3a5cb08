"""Brian2 quantities that users give, understood without importing Brian2 where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofwp.errors import InputError


def is_quantity(values: Any) -> bool:
    """Whether these are Brian2 quantities, or a list of them."""
    if isinstance(values, (list, tuple)):
        return bool(values) and is_quantity(values[0])
    return hasattr(values, "dim") and type(values).__module__.startswith("brian2")


def in_ms(values: ArrayLike, what: str) -> ArrayLike:
    """Quantities of time as numbers in ms; plain numbers as they are.

    Raises
    ------
    InputError
        for quantities of something else.
    """
    if not is_quantity(values):
        return values
    from brian2 import Quantity, get_dimensions, get_unit, have_same_dimensions, ms

    values = Quantity(values)
    if not have_same_dimensions(values, ms):
        raise InputError(f"{what} must be a time, like 500*ms, not in {get_unit(get_dimensions(values))!s}")
    plain: NDArray[np.float64] = np.asarray(values / ms, dtype=float)
    return plain


def check_times(values: Any, what: str) -> None:
    """InputError for quantities of something else than time."""
    from brian2 import get_dimensions, get_unit, have_same_dimensions, second

    if not have_same_dimensions(values, second):
        raise InputError(f"{what} are in {get_unit(get_dimensions(values))!s}: they need a unit of time, like ms")


def refuse_quantity(values: Any, what: str, instead: str) -> None:
    """InputError for quantities, whose plain numbers would be in SI units: `instead` is what to give."""
    if is_quantity(values):
        from brian2 import get_dimensions, get_unit

        raise InputError(f"{what} is a Brian2 quantity in {get_unit(get_dimensions(values))!s}: give {instead}")
