"""Associative retrieval, in closed form: S keys bound to S one-hot values; half the squared error of a read."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom

from neurofwp.errors import InputError
from neurofwp.theory.counts import Floats, check_counts


def rank_bound(pairs: ArrayLike, features: int) -> Floats:
    """Half squared error (1/2) max(0, 1 - D/S) below which no weights from D features read S different one-hot values.

    All reads together are the rows of a matrix of rank D or less, whatever the keys and queries, also if every read is
    divided by a number of its own. The values are a permutation matrix, whose singular values are all 1, and no
    matrix of rank D is nearer to it than S - D in squared Frobenius norm (Eckart & Young 1936). Raises InputError for S
    or D below 1.
    """
    if features < 1:
        raise InputError(f"features must be at least 1, but is {features}")
    return np.maximum(0.0, 1 - features / check_counts("pairs", pairs, least=1)) / 2


def reassignment_plateau(pairs: int, writes: int) -> float:
    """Half squared error (1/2) (1 - 1/S) (1 - E[1/m | m >= 1]), m ~ Binomial(writes, 1/S), of a memory without order.

    Keys and one-hot values are drawn with replacement, and the last value of every key that came is to be read. What
    sums its writes sees m values v of a key and not which was last, so its best read is their mean, and
    E|v_m - mean|^2 = (1 - 1/m) E|v - E v|^2, E|v - E v|^2 = 1 - 1/S. Raises InputError for S or writes below 1.
    """
    total, writes = int(check_counts("pairs", pairs, least=1)), int(check_counts("writes", writes, least=1))
    times = np.arange(1, writes + 1)
    chance = binom.pmf(times, writes, 1 / total)
    return float((1 - 1 / total) * (1 - (chance / times).sum() / chance.sum()) / 2)
