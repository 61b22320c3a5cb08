"""How calcium is distributed that jumps at the spikes of independent Poisson processes and decays in between.

With rates nu_i, jumps J_i and decay tau, let k_i = nu_i tau and k their sum. The distribution function F of the
stationary calcium c solves

    c F'(c) = sum_i k_i (F(c) - F(c - J_i)),    F(c) = A c^k for c <= min J,

with A = exp(-gamma k) / (Gamma(1 + k) prod_i J_i^k_i), gamma being Euler's constant, from the large-s limit of its
Laplace transform exp(-sum_i k_i Ein(s J_i)) (Gilbert & Pollak 1960, Bell Syst Tech J 39:333). For k = J = 1 the density
is Dickman's function times exp(-gamma).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.special import gammaln

from neurofwp.errors import InputError

FINE = 4000  # points of the grid, of each kind; so many per jump where the threshold is many jumps away


def share_above(theta: float, jumps: Sequence[float], rates: Sequence[float], tau: float) -> float:
    """The share of time that calcium is above `theta`, to better than 1e-6, far better where theta is a few jumps.

    Parameters
    ----------
    jumps, rates : size (in units of theta) and rate (Hz) of each process. tau : decay, s.

    Raises
    ------
    InputError
        for a rate or jump that is negative, or a decay or threshold that is not above 0.
    """
    if min(*jumps, *rates) < 0 or not min(theta, tau) > 0:
        raise InputError(
            "calcium needs jumps and rates of 0 or more, and a decay and threshold above 0, "
            f"not jumps {list(jumps)} at {list(rates)} Hz, {tau:g} s and {theta:g}"
        )
    weights: dict[float, float] = {}
    for jump, rate in zip(jumps, rates, strict=True):
        if jump * rate > 0:
            weights[jump] = weights.get(jump, 0.0) + rate * tau
    return 1 - _below(theta, weights) if weights else 0.0


def _below(theta: float, weights: dict[float, float]) -> float:
    """F(theta); weights: k_i by J_i."""
    k, least = sum(weights.values()), min(weights)
    scale = -np.euler_gamma * k - gammaln(1 + k) - sum(each * np.log(jump) for jump, each in weights.items())

    def first(c: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(divide="ignore"):
            density: NDArray[np.float64] = np.exp(scale + k * np.log(np.clip(c, 0, least)))
        return density

    if theta <= least:
        return float(first(np.array(theta)))
    # F(c - J) is 0 until c is J, and rises steeply from there
    points = int(FINE * max(1.0, theta / least))
    beyond = [jump + np.append(0, np.geomspace(1e-15, theta, FINE)) for jump in weights]
    c = np.unique(np.concatenate([np.linspace(least, theta, points), *beyond]))
    c = c[c <= theta]
    ratio = np.full(len(c), np.exp(scale))  # F / c^k
    known = 1
    while known < len(c):
        # what came a jump before is known up to one jump ahead
        until = int(np.searchsorted(c, c[known - 1] + least, side="right"))
        here = c[known - 1 : max(until, known + 1)]
        slope = np.zeros(len(here))
        for jump, each in weights.items():
            at = here - jump
            before = np.where(at <= least, first(at), np.interp(at, c[:known], ratio[:known] * c[:known] ** k))
            slope -= each * before / here ** (k + 1)
        ratio[known - 1 : known - 1 + len(here)] = ratio[known - 1] + cumulative_trapezoid(slope, here, initial=0)
        known += len(here) - 1
    return float(ratio[-1] * theta**k)
