"""Keys that have lost some of their active cells, or have others in their place, and what a linear read makes of them.

Keys and queries are binary here. A share s of the a active cells means b = round(s a) of them, drawn at random.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from neurofwp.errors import InputError, unknown

Floats = NDArray[np.float64]
Damage = Literal["silenced", "swapped"]
DAMAGES: tuple[Damage, ...] = ("silenced", "swapped")


def degrade(query: Floats, damage: Damage, share: float, rng: Generator) -> Floats:
    """Queries (..., pre) with that share of the active cells of each silenced, or swapped for as many silent ones.

    Raises
    ------
    InputError
        for an unknown damage, a share outside [0, 1], a query that is not binary, or too few silent cells.
    """
    _, lost = _counts(query, damage, share)
    order = np.where(query > 0, rng.random(query.shape), np.inf).argsort(-1).argsort(-1)
    result = np.where(order < lost[..., np.newaxis], 0.0, query)
    if damage == "swapped":
        order = np.where(query > 0, np.inf, rng.random(query.shape)).argsort(-1).argsort(-1)
        result = np.where(order < lost[..., np.newaxis], 1.0, result)
    return result


def linear_read(weight: Floats, query: Floats, damage: Damage, share: float) -> tuple[Floats, Floats]:
    """Mean and variance, over draws of the cells that are hit, of the read W q of a degraded query.

    What is left of the a active cells is a sample of a - b of them without replacement: the mean is (1 - b/a) W q and
    the variance (a - b) (b/a) S^2, S^2 the variance of the weights from active cells (with a - 1). Silencing thus keeps
    the direction of a read and takes a share of its gain. Swapped cells add a sample of b of the d - a silent cells: b
    times the mean of their weights, with variance b (1 - b/(d - a)) times that of these weights (Cochran 1977, Sampling
    Techniques, ch. 2).

    Parameters
    ----------
    weight : (..., post, pre). query : (..., pre), binary, undamaged; leading dims are broadcast.

    Returns
    -------
    Two arrays (..., post), in the unit of the weights and its square.

    Raises
    ------
    InputError
        as `degrade`.
    """
    active, lost = (count[..., np.newaxis].astype(float) for count in _counts(query, damage, share))
    silent = query.shape[-1] - active
    total, spread = _sum_and_variance(weight, query)
    mean, variance = (1 - lost / active) * total, (active - lost) * lost / active * spread
    if damage == "swapped":
        total, spread = _sum_and_variance(weight, 1 - query)
        mean = mean + lost / silent * total
        variance = variance + lost * (1 - lost / silent) * spread
    return mean, variance


def _sum_and_variance(weight: Floats, chosen: Floats) -> tuple[Floats, Floats]:
    """Sum over the chosen cells (..., pre) of the weights (..., post, pre), and their variance (0 for a single one)."""
    count = chosen.sum(-1)[..., np.newaxis]
    total, squares = ((power @ chosen[..., np.newaxis])[..., 0] for power in (weight, weight**2))
    return total, np.maximum(0.0, squares - total**2 / count) / np.maximum(1, count - 1)


def _counts(query: Floats, damage: str, share: float) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """How many cells of each query (...) are active, and how many of them are hit."""
    if damage not in DAMAGES:
        raise unknown("damage", damage, DAMAGES)
    if not 0 <= share <= 1:
        raise InputError(f"share must be in [0, 1], not {share:g}")
    if not np.isin(query, (0.0, 1.0)).all() or not query.any(-1).all():
        raise InputError("only binary queries with an active cell can lose a share of their active cells")
    active = query.sum(-1).astype(int)
    lost = np.round(share * active).astype(int)
    if damage == "swapped" and (lost > query.shape[-1] - active).any():
        raise InputError(f"{lost.max()} cells cannot be swapped for silent ones: there are fewer of these")
    return active, lost
