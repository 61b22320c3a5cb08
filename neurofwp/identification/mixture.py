"""Between two rules: the share alpha of alpha y_r + (1 - alpha) y_s that predicts best.

u is a parabola in alpha,

    u(alpha) = alpha u_r + (1 - alpha) u_s - alpha (1 - alpha) D_rs,

since sum (a - y)(b - y) is quadratic in y; its lowest point is alpha = 1/2 + (u_s - u_r) / (2 D_rs).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurofwp.identification import scores
from neurofwp.identification.products import Products

INSIDE = (0.1, 0.9)  # where the interval of alpha must lie
GAIN = 0.01  # by which u must fall


@dataclass(frozen=True)
class Mixture:
    """first, second : the rules. share : alpha of the first, from `low` to `high`. unexplained : u there, and `highest`
    its upper 95 % limit. gain : by how much less that is than with the better of the two."""

    first: str
    second: str
    share: float
    low: float
    high: float
    unexplained: float
    highest: float
    gain: float

    @property
    def holds(self) -> bool:
        """Whether both rules have a part in it that the data are sure of."""
        return INSIDE[0] < self.low and self.high < INSIDE[1] and self.gain > GAIN


def mix(products: Products, first: str, second: str) -> Mixture:
    """The best mixture of two models, its interval by Student's t over episodes.

    alpha is a ratio of sums over episodes, 1/2 + (N_s - N_r) / (2 sum (y_r - y_s)^2), so that episodes have influence
    on it as on u (`neurofwp.identification.scores.influence`).
    """
    two = products.choose([first, second])
    misfit, apart = two.misfit(), two.distance()[:, 0, 1]
    total = apart.sum()
    value = scores.unexplained(two)
    if total <= 0:
        return Mixture(first, second, np.nan, np.nan, np.nan, float(value.min()), np.inf, 0.0)
    share = 0.5 + (misfit[:, 1] - misfit[:, 0]).sum() / (2 * total)
    distance = total / two.repeatable().sum()
    mixed = share * value[0] + (1 - share) * value[1] - share * (1 - share) * distance
    terms = ((misfit[:, 1] - misfit[:, 0]) / 2 - (share - 0.5) * apart) / apart.mean()
    half = float(scores.margin(terms))
    repeatable = two.repeatable()
    left = share * misfit[:, 0] + (1 - share) * misfit[:, 1] - share * (1 - share) * apart
    highest = mixed + float(scores.margin((left - mixed * repeatable) / repeatable.mean()))
    return Mixture(first, second, share, share - half, share + half, float(mixed), highest, float(value.min() - mixed))
