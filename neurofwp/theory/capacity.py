"""One-pass capacity of a fast weight memory, in closed form.

N pairs of a random key of norm one in d dimensions and a value of +-1 are written once each; the error is that of
reading a pair back, averaged over all of them. Keys may also be sparse and binary, of a few active cells out of d.

Every result is derived in the docstring of its function from two moments: E[x x' A x x'] = A + A' + tr(A) I for
x ~ N(0, I), and the same over d (d + 2) for x uniform on the sphere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from neurofwp.errors import InputError
from neurofwp.theory.counts import Floats, check_counts, check_dims


def hebbian_capacity(pairs: ArrayLike, dims: int) -> tuple[Floats, Floats]:
    """Squared error (N - 1)/d of the sum rule, exact, and its sign error, for values of +-1.

    Each other pair adds an overlap of two random directions, of mean 0 and variance 1/d. The sign error
    Q(sqrt(d/(N - 1))) takes their sum for Gaussian. Raises InputError for N or d below 1.
    """
    squared = (check_counts("pairs", pairs, least=1) - 1) / check_dims(dims)
    return squared, _sign_error(np.ones_like(squared), squared)


def mean_square_overlap(active: int, cells: int) -> float:
    """E[c^2] of the overlap c (cosine) of two binary keys, each of `active` cells drawn from `cells`.

    The number of shared cells is hypergeometric, with mean a^2/d and variance (a^2/d) (1 - a/d) (d - a)/(d - 1) for
    a = `active` and d = `cells`; c is that number over a. Random directions would have 1/d. Raises InputError unless
    1 <= a < d.
    """
    if not 1 <= active < cells:
        raise InputError(f"active must be at least 1 and below cells = {cells}, but is {active}")
    mean = active**2 / cells
    variance = mean * (1 - active / cells) * (cells - active) / (cells - 1)
    return (mean**2 + variance) / active**2


def sparse_hebbian_recall(pairs: ArrayLike, active: int, cells: int) -> tuple[Floats, Floats]:
    """R^2 at the best gain, and sign error, of the sum rule under sparse binary keys, for values of +-1.

    As `hebbian_capacity`, whose d is here 1/E[c^2] of `mean_square_overlap`: a read is its value plus N - 1 others,
    each times its overlap c, together of variance s = (N - 1) E[c^2]. The gain 1/(1 + s) errs least, by s/(1 + s) of
    the values' variance. The sign error Q(1/sqrt(s)) takes the sum for Gaussian. Raises InputError as those do.
    """
    noise = (check_counts("pairs", pairs, least=1) - 1) * mean_square_overlap(active, cells)
    return 1 / (1 + noise), _sign_error(np.ones_like(noise), noise)


def delta_capacity(pairs: int, dims: int) -> tuple[Floats, Floats]:
    """Squared error of the delta rule with step 1, exact, and its sign error, for values of +-1; by age of the pair.

    Both are arrays (pairs,): entry a is for the pair that was followed by a others; their means are the errors over
    all pairs. A later write with key k, value v and prediction error v - W k moves the read p of an older pair by
    (v - W k) c, c the overlap of the two keys. Averaged over k and v, p shrinks by r = 1 - 1/d, its square obeys
    E p^2 <- rho E p^2 + 1/d + E|W|^2/(d (d + 2)) with rho = 1 - 2 (d + 1)/(d (d + 2)), |W|^2 for one row of W, and
    E|W|^2 <- r E|W|^2 + 1 is d (1 - r^n) after n writes. With p = value at a = 0 this solves to

        E p^2 = 1 - r^N + r^(N-a) rho^a,    squared error = 1 - 2 r^a + E p^2,

    which tends to 2 for forgotten pairs, where the sum rule's error grows without bound. The sign error takes p for
    Gaussian. Raises InputError for N or d below 1.
    """
    total = int(check_counts("pairs", pairs, least=1))
    age = np.arange(total, dtype=float)
    keeps = 1 - 1 / check_dims(dims)
    spreads = 1 - 2 * (dims + 1) / (dims * (dims + 2))
    mean = keeps**age
    square = 1 - keeps**total + keeps ** (total - age) * spreads**age
    variance = np.maximum(0.0, square - mean**2)  # 0 for the last pair, up to rounding
    variance[0] = 0.0
    return 1 - 2 * mean + square, _sign_error(mean, variance)


def random_gating_accuracy(patterns: ArrayLike, slots: int, probability: float) -> Floats:
    """Share of right bits of a slot memory whose slots each take any pattern with the same probability p.

    A pattern followed by a others is intact in one slot with probability p (1 - p)^a, and in some slot with
    1 - (1 - p (1 - p)^a)^slots. This takes an intact pattern as read without error, and a lost one as read at chance;
    where queries resemble what is left in other slots, a lost one is read a little better.

    Raises
    ------
    InputError
        for less than one pattern or slot, or a probability outside [0, 1].
    """
    if not 0 <= probability <= 1:
        raise InputError(f"probability must be in [0, 1], but is {probability}")
    if slots < 1:
        raise InputError(f"slots must be at least 1, but is {slots}")
    counts = check_counts("patterns", patterns, least=1).astype(int)
    age = np.arange(counts.max())
    intact = 1 - (1 - probability * (1 - probability) ** age) ** slots
    accuracy: Floats = 0.5 + 0.5 * (np.cumsum(intact) / (age + 1))[counts - 1]
    return accuracy


def _sign_error(mean: Floats, variance: Floats) -> Floats:
    """P(read < 0) of a Gaussian read with a positive mean."""
    certain = variance == 0
    return np.where(certain, 0.0, ndtr(-mean / np.sqrt(np.where(certain, 1.0, variance))))
