"""Closed forms that simulations of fast weights are held to.

In-context regression: examples x ~ N(0, I) in d dimensions with targets y = w.x, w ~ N(0, I), no noise. A memory
estimates w from N of them, and the expected squared error of predicting w.x for a new x is E|w - estimate|^2.

One-pass capacity: N pairs of a random key of norm one in d dimensions and a value of +-1, each written once; the error
of reading a pair back, averaged over all of them. Or a sparse binary key of a few active cells out of d.

Associative retrieval: S keys bound to S one-hot values; half the squared error of a read.

Every result is derived in the docstring of its function, those of regression and capacity from two moments:
E[x x' A x x'] = A + A' + tr(A) I for x ~ N(0, I), and the same over d (d + 2) for x uniform on the sphere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr
from scipy.stats import binom

from neurofwp.errors import InputError

Floats = NDArray[np.float64]


def hebbian_step(examples: ArrayLike, dims: int) -> Floats:
    """The step 1/(N + d + 1) at which the sum rule's estimate, step * sum of y x, errs least."""
    return 1 / (_counts("examples", examples) + _dims(dims) + 1)


def hebbian_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d (d + 1)/(N + d + 1) of the sum rule at its best step.

    With S the sum of x x' over the examples, E|w - step S w|^2 = d - 2 step E tr S + step^2 E tr S^2, where E S = N I
    and E S^2 = (N (d + 2) + N (N - 1)) I. Raises InputError for a negative N, or d below 1.
    """
    return _dims(dims) * (dims + 1) * hebbian_step(examples, dims)


def decay_step(examples: ArrayLike, dims: int, decay: float) -> Floats:
    """The step s1/(s1^2 + (d + 1) s2) at which the decaying sum errs least; s1, s2 as in `decay_regression`."""
    first, second = _discounted(examples, decay)
    # no example leaves no weight to scale, so any step is as good: the limit N -> 0 of the expression
    return np.where(first > 0, first, 1.0) / np.where(first > 0, first**2 + (_dims(dims) + 1) * second, dims + 1)


def decay_regression(examples: ArrayLike, dims: int, decay: float) -> Floats:
    """Squared error d (1 - s1^2/(s1^2 + (d + 1) s2)) of a sum that fades by `decay` per example, at its best step.

    s1 and s2 are the sums of decay^i and decay^2i over i = 0 .. N - 1. As for `hebbian_regression`, with
    E S = s1 I and E S^2 = (s2 (d + 2) + s1^2 - s2) I.

    Raises
    ------
    InputError
        for a negative N, d below 1, or a decay outside (0, 1].
    """
    first, _ = _discounted(examples, decay)
    return _dims(dims) * (1 - first * np.where(first > 0, decay_step(examples, dims, decay), 0.0))


def delta_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d (1 - 1/(d + 2))^N of the delta rule with step 1/(d + 2), the step that errs least.

    Each example multiplies the error w - estimate by I - step x x', and its mean square by
    1 - 2 step + (d + 2) step^2. Raises InputError for a negative N, or d below 1.
    """
    return _dims(dims) * (1 - 1 / (dims + 2)) ** _counts("examples", examples)


def unit_key_delta_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d (1 - 1/d)^N of the delta rule that writes y/|x| under the key x/|x| with step 1.

    The regression is homogeneous, so x and y may be divided by the same number; predictions are for the new x as it
    is. Each example projects the error on the plane orthogonal to x. The same as a step of 1/|x|^2 with plain x:
    normalised least mean squares (Nagumo & Noda 1967). Raises InputError for a negative N, or d below 1.
    """
    return _dims(dims) * (1 - 1 / dims) ** _counts("examples", examples)


def mesa_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d max(0, 1 - N/d) of least squares with vanishing ridge.

    The error is w projected on what N random directions leave free. Raises InputError for a negative N, or d below 1.
    """
    return np.maximum(0.0, _dims(dims) - _counts("examples", examples))


def hebbian_capacity(pairs: ArrayLike, dims: int) -> tuple[Floats, Floats]:
    """Squared error (N - 1)/d of the sum rule, exact, and its sign error, for values of +-1.

    Each other pair adds an overlap of two random directions, of mean 0 and variance 1/d. The sign error
    Q(sqrt(d/(N - 1))) takes their sum for Gaussian. Raises InputError for N or d below 1.
    """
    squared = (_counts("pairs", pairs, least=1) - 1) / _dims(dims)
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
    noise = (_counts("pairs", pairs, least=1) - 1) * mean_square_overlap(active, cells)
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
    total = int(_counts("pairs", pairs, least=1))
    age = np.arange(total, dtype=float)
    keeps = 1 - 1 / _dims(dims)
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
    counts = _counts("patterns", patterns, least=1).astype(int)
    age = np.arange(counts.max())
    intact = 1 - (1 - probability * (1 - probability) ** age) ** slots
    return 0.5 + 0.5 * (np.cumsum(intact) / (age + 1))[counts - 1]


def rank_bound(pairs: ArrayLike, features: int) -> Floats:
    """Half squared error (1/2) max(0, 1 - D/S) below which no weights from D features read S different one-hot values.

    All reads together are the rows of a matrix of rank D or less, whatever the keys and queries, also if every read is
    divided by a number of its own. The values are a permutation matrix, whose singular values are all 1, and no
    matrix of rank D is nearer to it than S - D in squared Frobenius norm (Eckart & Young 1936). Raises InputError for S
    or D below 1.
    """
    if features < 1:
        raise InputError(f"features must be at least 1, but is {features}")
    return np.maximum(0.0, 1 - features / _counts("pairs", pairs, least=1)) / 2


def rebinding_plateau(pairs: int, writes: int) -> float:
    """Half squared error (1/2) (1 - 1/S) (1 - E[1/m | m >= 1]), m ~ Binomial(writes, 1/S), of a memory without order.

    Keys and one-hot values are drawn with replacement, and the last value of every key that came is to be read. What
    sums its writes sees m values v of a key and not which was last, so its best read is their mean, and
    E|v_m - mean|^2 = (1 - 1/m) E|v - E v|^2, E|v - E v|^2 = 1 - 1/S. Raises InputError for S or writes below 1.
    """
    total, writes = int(_counts("pairs", pairs, least=1)), int(_counts("writes", writes, least=1))
    times = np.arange(1, writes + 1)
    chance = binom.pmf(times, writes, 1 / total)
    return float((1 - 1 / total) * (1 - (chance / times).sum() / chance.sum()) / 2)


def _sign_error(mean: Floats, variance: Floats) -> Floats:
    """P(read < 0) of a Gaussian read with a positive mean."""
    certain = variance == 0
    return np.where(certain, 0.0, ndtr(-mean / np.sqrt(np.where(certain, 1.0, variance))))


def _discounted(examples: ArrayLike, decay: float) -> tuple[Floats, Floats]:
    """The sums of decay^i and decay^2i over i = 0 .. N - 1."""
    if not 0 < decay <= 1:
        raise InputError(f"decay must be in (0, 1], but is {decay}")
    counts = _counts("examples", examples)
    if decay == 1:
        return counts, counts
    return (1 - decay**counts) / (1 - decay), (1 - decay ** (2 * counts)) / (1 - decay**2)


def _counts(what: str, given: ArrayLike, least: int = 0) -> Floats:
    counts = np.asarray(given, dtype=float)
    wrong = counts[~((counts >= least) & (counts == np.floor(counts)))]
    if wrong.size:
        raise InputError(f"{what} must be a whole number of at least {least}, but is {wrong[0]:g}")
    return counts


def _dims(dims: int) -> int:
    if dims < 1:
        raise InputError(f"dims must be at least 1, but is {dims}")
    return dims
