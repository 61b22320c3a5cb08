"""Which of the fitted rules is left standing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurofwp.fitting.records import Records
from neurofwp.rules import Rule

UNRESOLVED = 0.005  # scores closer than this are a tie, whatever the bootstrap says


def nested(outer: Rule, inner: Rule, records: Records) -> bool:
    """Whether `outer` can do all that `inner` does on these episodes.

    A rule that reads the retention is no special case of one that does not, nor the reverse, unless it is always 1.
    """
    if inner.id not in outer.nests:
        return False
    return ("retention" in outer.signals) == ("retention" in inner.signals) or bool((records.retention == 1).all())


def embed(outer: Rule, inner: Rule, parameters: dict[str, float]) -> dict[str, float]:
    """The inner rule's parameters as a point of the outer rule."""
    as_outer = {name: parameters[to] if isinstance(to, str) else to for name, to in outer.nests[inner.id].items()}
    return parameters | as_outer


def choose(
    rules: Sequence[Rule], score: np.ndarray, resampled: np.ndarray, bic: np.ndarray, records: Records
) -> np.ndarray:
    """The rule with the highest held-out score and those tied with it, less what BIC drops among nested ones.

    A rule in the limit of another counts as nested in it.

    score (rule,), resampled (resample, rule), bic (rule,) -> bool (rule,).
    A tie: the 95 % interval of the paired difference to the top includes 0, or the difference is below .005.
    """
    top = int(np.argmax(score))
    margin = np.percentile(resampled[:, [top]] - resampled, 2.5, axis=0)
    tied = (margin <= 0) | (score[top] - score < UNRESOLVED)
    best: np.ndarray = tied.copy()
    for outer in np.flatnonzero(tied):
        for inner in np.flatnonzero(tied):
            if nested(rules[outer], rules[inner], records) or rules[inner].id in rules[outer].approaches:
                best[outer if bic[inner] <= bic[outer] else inner] = False
    return best
