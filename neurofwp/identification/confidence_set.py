"""The rules that are not worse than the best one: a confidence set for the best rule.

For every pair, t_rs = (u_r - u_s) / se(u_r - u_s), paired over episodes. Rule r stays unless max_s t_rs lies above the
95 % quantile of the same maximum where none of its rivals is better: multiple comparisons with the best (Hsu 1984, Ann
Stat 12:1136), a maximum over all rivals at once. The best rule is then in the set with 95 % probability, whatever the
others are and however their scores are correlated.

The quantile comes from flipped signs: were r as good as s, what an episode adds to their difference would be as likely
to have the other sign, so every pattern of signs is as likely as the one that was seen, and the test is exact for a
symmetric distribution however few episodes there are (Winkler et al. 2014, NeuroImage 92:381). With fewer than `FEW`
episodes there are too few patterns: Student's t then, 5 % divided by the number of rivals, which takes the differences
to be normal.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy import stats

from neurofwp.identification import scores
from neurofwp.identification.products import Products

FEW = 8
DRAWS = 4096  # patterns of signs; all of them where there are no more
RESOLUTION = 1e-3  # of u: rules closer than this are not told apart, since fits end within about as much


def confidence_set(products: Products, seed: int = 0) -> np.ndarray:
    """Whether each model (model,) is not worse than the best."""
    value, terms = scores.unexplained(products), scores.influence(products)
    terms = terms + value  # what each episode says u is
    signs = _signs(len(terms), seed)
    return np.array([_stays(rule, terms, signs) for rule in range(terms.shape[1])])


def _stays(rule: int, terms: np.ndarray, signs: np.ndarray) -> bool:
    """Whether no rival beats it by more than its luck would explain."""
    ahead = terms[:, [rule]] - terms  # (episode, rival)
    behind = ahead.mean(axis=0) > RESOLUTION
    if len(terms) < 2 or not behind.any():
        return True
    differ = np.abs(ahead).max(axis=0) > 1e-12
    seen = _studentised(ahead[:, behind], np.ones((1, len(ahead))))
    if len(terms) < FEW:
        return not np.any(seen > stats.t.ppf(1 - (1 - scores.LEVEL) / differ.sum(), len(terms) - 1))
    luck = _studentised(ahead[:, differ], signs).max(axis=1)
    return not np.any((luck[:, None] >= seen * (1 - 1e-9)).mean(axis=0) <= 1 - scores.LEVEL)


def _studentised(terms: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Mean over its standard error (pattern, rival), of terms (episode, rival) under patterns of signs."""
    count = len(terms)
    mean = signs @ terms / count
    variance = ((terms**2).sum(axis=0) - count * mean**2) / (count - 1)
    floor = 1e-12 * (terms**2).sum(axis=0)  # every episode says the same
    found: np.ndarray = mean / np.sqrt(np.maximum(variance, floor) / count)
    return found


def _signs(count: int, seed: int) -> np.ndarray:
    """Patterns of signs (pattern, episode), the one that was seen among them."""
    if 2**count <= DRAWS:
        return np.array(list(product((1.0, -1.0), repeat=count)))
    drawn = np.random.default_rng(seed).choice([1.0, -1.0], size=(DRAWS, count))
    drawn[0] = 1.0
    return drawn
