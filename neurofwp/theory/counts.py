"""The arguments of closed forms: whole numbers in range."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofwp.errors import InputError

Floats = NDArray[np.float64]


def check_counts(what: str, given: ArrayLike, least: int = 0) -> Floats:
    counts = np.asarray(given, dtype=float)
    wrong = counts[~((counts >= least) & (counts == np.floor(counts)))]
    if wrong.size:
        raise InputError(f"{what} must be a whole number of at least {least}, but is {wrong[0]:g}")
    return counts


def check_dims(dims: int) -> int:
    if dims < 1:
        raise InputError(f"dims must be at least 1, but is {dims}")
    return dims
