"""In-context linear regression by a fast weight memory, in closed form.

Examples x ~ N(0, I) in d dimensions have targets y = w.x, w ~ N(0, I), without noise. A memory estimates w from N of
them, and the expected squared error of predicting w.x for a new x is E|w - estimate|^2.

Every result is derived in the docstring of its function from two moments: E[x x' A x x'] = A + A' + tr(A) I for
x ~ N(0, I), and the same over d (d + 2) for x uniform on the sphere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neurofwp.errors import InputError
from neurofwp.theory.counts import Floats, check_counts, check_dims


def hebbian_step(examples: ArrayLike, dims: int) -> Floats:
    """The step 1/(N + d + 1) at which the sum rule's estimate, step * sum of y x, errs least."""
    return 1 / (check_counts("examples", examples) + check_dims(dims) + 1)


def hebbian_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d (d + 1)/(N + d + 1) of the sum rule at its best step.

    With S the sum of x x' over the examples, E|w - step S w|^2 = d - 2 step E tr S + step^2 E tr S^2, where E S = N I
    and E S^2 = (N (d + 2) + N (N - 1)) I. Raises InputError for a negative N, or d below 1.
    """
    return check_dims(dims) * (dims + 1) * hebbian_step(examples, dims)


def decay_step(examples: ArrayLike, dims: int, decay: float) -> Floats:
    """The step s1/(s1^2 + (d + 1) s2) at which the decaying sum errs least; s1, s2 as in `decay_regression`."""
    first, second = _discounted_sums(examples, decay)
    # no example leaves no weight to scale, so any step is as good: the limit N -> 0 of the expression
    step: Floats = np.where(first > 0, first, 1.0) / np.where(
        first > 0, first**2 + (check_dims(dims) + 1) * second, dims + 1
    )
    return step


def decay_regression(examples: ArrayLike, dims: int, decay: float) -> Floats:
    """Squared error d (1 - s1^2/(s1^2 + (d + 1) s2)) of a sum that fades by `decay` per example, at its best step.

    s1 and s2 are the sums of decay^i and decay^2i over i = 0 .. N - 1. As for `hebbian_regression`, with
    E S = s1 I and E S^2 = (s2 (d + 2) + s1^2 - s2) I.

    Raises
    ------
    InputError
        for a negative N, d below 1, or a decay outside (0, 1].
    """
    first, _ = _discounted_sums(examples, decay)
    error: Floats = check_dims(dims) * (1 - first * np.where(first > 0, decay_step(examples, dims, decay), 0.0))
    return error


def delta_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d (1 - 1/(d + 2))^N of the delta rule with step 1/(d + 2), the step that errs least.

    Each example multiplies the error w - estimate by I - step x x', and its mean square by
    1 - 2 step + (d + 2) step^2. Raises InputError for a negative N, or d below 1.
    """
    return check_dims(dims) * (1 - 1 / (dims + 2)) ** check_counts("examples", examples)


def unit_key_delta_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d (1 - 1/d)^N of the delta rule that writes y/|x| under the key x/|x| with step 1.

    The regression is homogeneous, so x and y may be divided by the same number; predictions are for the new x as it
    is. Each example projects the error on the plane orthogonal to x. The same as a step of 1/|x|^2 with plain x:
    normalised least mean squares (Nagumo & Noda 1967). Raises InputError for a negative N, or d below 1.
    """
    return check_dims(dims) * (1 - 1 / dims) ** check_counts("examples", examples)


def unit_key_hebbian_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d (d - 1)/(N + d - 1) of the sum of u y x/|x|^2 at the best u for N, d/(N + d - 1).

    With P the sum of x x'/|x|^2, E P = (N/d) I and E P^2 = (N/d + N (N - 1)/d^2) I, so that E|w - u P w|^2 =
    d - 2 u N + u^2 N (1 + (N - 1)/d). No other g(|x|) does better: for steps g it is E[g|x|^2] that pulls the estimate
    to w, squared in the last term, and E[(g|x|^2)^2] that costs, which is least where g|x|^2 does not vary. Raises
    InputError for a negative N, or d below 1.
    """
    counts = check_counts("examples", examples)
    if check_dims(dims) == 1:
        return np.where(counts > 0, 0.0, 1.0)  # one example tells all, and N + d - 1 is 0 for none
    return dims * (dims - 1) / (counts + dims - 1)


def mesa_regression(examples: ArrayLike, dims: int) -> Floats:
    """Squared error d max(0, 1 - N/d) of least squares with vanishing ridge.

    The error is w projected on what N random directions leave free. Raises InputError for a negative N, or d below 1.
    """
    return np.maximum(0.0, check_dims(dims) - check_counts("examples", examples))


def _discounted_sums(examples: ArrayLike, decay: float) -> tuple[Floats, Floats]:
    """The sums of decay^i and decay^2i over i = 0 .. N - 1."""
    if not 0 < decay <= 1:
        raise InputError(f"decay must be in (0, 1], but is {decay}")
    counts = check_counts("examples", examples)
    if decay == 1:
        return counts, counts
    return (1 - decay**counts) / (1 - decay), (1 - decay ** (2 * counts)) / (1 - decay**2)
