"""The unexplained share of what repeats, with its interval.

    u_r = sum_E (a - y_r)(b - y_r) / sum_E (a - m)(b - m),    FEVE_r = 1 - u_r

with two runs a and b of the same Programs whose randomness is independent, m their common mean, and y_r what rule r
predicts, fitted on other episodes. Noise of a and of b is independent, so that its products vanish on average: the
numerator estimates sum (E[a] - y)^2 without bias, the denominator the variance of E[a] (Schoppe et al. 2016, Front
Comput Neurosci 10:10, for responses of neurons). Without a repeat b is a, and u holds the noise too.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from neurofwp.identification.products import Products

LEVEL = 0.95


def unexplained(products: Products) -> np.ndarray:
    """u of every model (model,), the episodes taken together."""
    share: np.ndarray = products.misfit().sum(0) / products.repeatable().sum()
    return share


def influence(products: Products) -> np.ndarray:
    """What each episode adds to u, (episode, model): (N_e - u D_e) / mean D, the linear terms of the ratio N / D.

    Their mean is 0, and u varies over samples of n episodes as the mean of n such terms (Cochran 1977, Sampling
    Techniques, section 6.3).
    """
    repeatable = products.repeatable()
    terms: np.ndarray = products.misfit() - unexplained(products) * repeatable[:, None]
    terms /= repeatable.mean()
    return terms


def interval(products: Products, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Confidence limits of u (model,) for new episodes: Student's t over episodes; NaN with fewer than two."""
    value, error = unexplained(products), standard_error(products)
    count = len(products.values)
    margin = stats.t.ppf((1 + level) / 2, count - 1) * error if count > 1 else np.full_like(error, np.nan)
    return value - margin, value + margin


def standard_error(products: Products) -> np.ndarray:
    """Of u, (model,)."""
    terms = influence(products)
    if len(terms) < 2:
        return np.full(terms.shape[1], np.nan)
    error: np.ndarray = terms.std(axis=0, ddof=1) / np.sqrt(len(terms))
    return error


def r2(products: Products) -> np.ndarray:
    """1 - RSS/TSS of the run alone (model,), its noise included, TSS about the mean."""
    own = products.alone()
    share: np.ndarray = 1 - own.misfit().sum(0) / own.repeatable().sum()
    return share


def distance(products: Products) -> np.ndarray:
    """D_rs = sum_E (y_r - y_s)^2 / sum_E (a - m)(b - m), (model, model)."""
    share: np.ndarray = products.distance().sum(0) / products.repeatable().sum()
    return share


def noise_ceiling(products: Products) -> tuple[float, float]:
    """The share of variance that repeats, and its jackknife standard error; NaN without a repeat."""
    if not products.repeated:
        return np.nan, np.nan
    sums = products.ceiling()
    total = sums.sum(0)
    value = float(total[0] / total[1])
    if len(sums) < 2:
        return value, np.nan
    without = (total - sums)[:, 0] / (total - sums)[:, 1]
    count = len(sums)
    return value, float(np.sqrt((count - 1) / count * np.sum((without - without.mean()) ** 2)))
