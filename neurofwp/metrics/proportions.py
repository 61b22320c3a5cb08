"""Confidence limits of a share that was counted."""

from __future__ import annotations

import numpy as np


def upper_limit(count: int | np.ndarray, total: int, level: float = 0.95) -> np.ndarray:
    """The largest probability at which so few of `total` are counted with 1 - `level` or more (Clopper & Pearson 1934).

    Parameters
    ----------
    count : how many, of any shape.

    Returns
    -------
    One-sided upper limits in the shape of `count`; 1 where all are counted.
    """
    from scipy.stats import beta  # takes long to import

    limit: np.ndarray = beta.ppf(level, np.add(count, 1), np.maximum(np.subtract(total, count), 1))
    return np.where(np.less(count, total), limit, 1.0)
