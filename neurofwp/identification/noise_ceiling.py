"""How much of a Trace's weights repeats when the same Program runs again, and how many numbers the noise leaves."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurofwp import trace
from neurofwp.errors import InputError
from neurofwp.identification.preparation import observed_weights
from neurofwp.metrics import jackknife_error


def noise_ceiling(trace_a: xr.Dataset, trace_b: xr.Dataset) -> tuple[float, float]:
    """The share of weight variance that repeats over two independent runs of the same Program.

    cov(a, b) / ((var a + var b) / 2), pooled over all weights of all episodes about their common means: the R^2 that
    the expected weights would reach in explaining one run. Conductances where the Traces have them, else weights.

    Returns
    -------
    (value, sem): sem by jackknife over episodes.

    Raises
    ------
    InputError
        for Traces of different dims, the same run twice, weights that do not vary, or fewer than two episodes.
    """
    a, b = (each.values.astype(float).reshape(each.sizes["episode"], -1) for each in two_runs(trace_a, trace_b))
    if len(a) < 2:
        raise InputError("a noise ceiling needs 2 episodes or more for its standard error; these Traces have 1")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        raise InputError("the weights of a Trace are the same everywhere: they have no variance to repeat")
    sums = moments(a, b)
    return float(ceiling(sums.sum(0))), ceiling_error(sums)


def two_runs(trace_a: xr.Dataset, trace_b: xr.Dataset, observed: str = "weights") -> list[xr.DataArray]:
    """What was observed of two independent runs of the same Program: weights, or the answers to "reads".

    Raises
    ------
    InputError
        for Traces of different dims, or the same run twice.
    """
    pair = [
        each["recall"] if observed == "reads" else observed_weights(each)
        for each in map(trace.check, (trace_a, trace_b))
    ]
    if pair[0].dims != pair[1].dims or pair[0].shape != pair[1].shape:
        raise InputError(f"two runs of one Program have the same dims, but these have {pair[0].shape}, {pair[1].shape}")
    if np.array_equal(pair[0].values, pair[1].values, equal_nan=True):
        raise InputError("the two Traces are the same run: a noise ceiling needs runs with different seeds")
    return pair


def moments(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """n, sum a, sum b, sum ab, sum (a^2 + b^2)/2 of every episode; a and b are (episode, weight) -> (episode, 5)."""
    count = np.full(len(a), float(a.shape[1]))
    squares = (np.einsum("ew,ew->e", a, a) + np.einsum("ew,ew->e", b, b)) / 2
    return np.stack([count, a.sum(1), b.sum(1), np.einsum("ew,ew->e", a, b), squares], axis=1)


def ceiling(sums: np.ndarray) -> np.ndarray:
    """cov / mean variance from summed `moments` (..., 5)."""
    count, a, b, product, squares = np.moveaxis(sums, -1, 0)
    covariance = product / count - a * b / count**2
    variance = squares / count - (a**2 + b**2) / 2 / count**2
    share: np.ndarray = covariance / variance
    return share


def ceiling_error(sums: np.ndarray) -> float:
    """Jackknife standard error of `ceiling` over episodes, from their `moments` (episode, 5)."""
    return jackknife_error(ceiling(sums.sum(0) - sums))
