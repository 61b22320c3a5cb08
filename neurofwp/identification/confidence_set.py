"""The rules that are not worse than the best one: a confidence set for the best rule.

For every pair, t_rs = (u_r - u_s) / se(u_r - u_s), paired over episodes. Rule r stays unless max_s t_rs lies above the
95 % quantile of the same maximum where all rules are equally good: multiple comparisons with the best (Hsu 1984, Ann
Stat 12:1136), a maximum over all rivals at once. The best rule is then in the set with 95 % probability, whatever the
others are and however their scores are correlated. The quantile comes from multipliers: Gaussian weights of the
episodes' influence on u, over the spread that they themselves would show.
"""

from __future__ import annotations

import numpy as np

from neurofwp.identification import scores
from neurofwp.identification.products import Products

DRAWS = 4000
RESOLUTION = 1e-3  # of u: rules closer than this are not told apart, since fits end within about as much


def confidence_set(products: Products, seed: int = 0) -> np.ndarray:
    """Whether each model (model,) is not worse than the best; with a single episode, all are."""
    value, terms = scores.unexplained(products), scores.influence(products)
    count, models = terms.shape
    if count < 2:
        return np.ones(models, dtype=bool)
    multipliers = _multipliers(count, seed)
    return np.array([_stays(rule, value, terms, multipliers) for rule in range(models)])


def _stays(rule: int, value: np.ndarray, terms: np.ndarray, multipliers: np.ndarray) -> bool:
    """Whether no rival beats it by more than its luck would explain."""
    count = len(terms)
    difference = terms[:, [rule]] - terms  # (episode, rival)
    spread = difference.std(axis=0, ddof=1)
    rivals = spread > 1e-12 * max(1.0, float(np.abs(terms).max()))
    ahead = value[rule] - value
    if np.any(ahead[~rivals] > RESOLUTION):  # the same difference in every episode
        return False
    if not rivals.any():
        return True
    draws = multipliers @ (difference[:, rivals] / spread[rivals]) / np.sqrt(count)
    critical = np.quantile(draws.max(axis=1), scores.LEVEL)
    beaten = ahead[rivals] / (spread[rivals] / np.sqrt(count)) > critical
    return not np.any(beaten & (ahead[rivals] > RESOLUTION))


def _multipliers(count: int, seed: int) -> np.ndarray:
    """(draw, episode): centred Gaussian weights over a chi distributed spread, so that one rival gives Student's t."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((DRAWS, count))
    weights -= weights.mean(axis=1, keepdims=True)
    weights *= np.sqrt(count / (count - 1))
    spread = np.sqrt(rng.chisquare(count - 1, (DRAWS, 1)) / (count - 1))
    found: np.ndarray = weights / spread
    return found
