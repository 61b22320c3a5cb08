"""Which of the fitted rules is left standing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurofwp.fitting.records import Records
from neurofwp.rules import Rule

UNRESOLVED = 0.005  # scores closer than this are a tie, whatever the bootstrap says
DECISIVE = 10.0  # difference in BIC


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
    """The rule that predicts held-out weights best, or the simplest of those that predict them alike.

    score (rule,), resampled (resample, rule), bic (rule,) -> bool (rule,).

    1. Tied with the highest score are the rules for which the 95 % interval of the paired difference includes 0, or
       the difference is below .005.
    2. Of these, a BIC that is higher by more than 10 than the lowest decides against a rule ("very strong" evidence:
       Kass & Raftery 1995, J Am Stat Assoc 90:773).
    3. Of the rest, a rule that nests another one left, or has it as a limit, is not needed.

    What remains is one rule, or several: undecided.
    """
    top = int(np.argmax(score))
    margin = np.percentile(resampled[:, [top]] - resampled, 2.5, axis=0)
    tied = (margin <= 0) | (score[top] - score < UNRESOLVED)
    left: np.ndarray = tied & (bic <= bic[tied].min() + DECISIVE)
    best = left.copy()
    for outer in np.flatnonzero(left):
        for inner in np.flatnonzero(left):
            if nested(rules[outer], rules[inner], records) or rules[inner].id in rules[outer].approaches:
                best[outer] = False
    return best


def support(rules: Sequence[Rule], resampled: np.ndarray, records: Records) -> np.ndarray:
    """Share of the resamples in which no other rule predicts better by `UNRESOLVED`, but those that contain it.

    resampled (resample, rule) -> (rule,).
    """
    made = np.empty(len(rules))
    for index, rule in enumerate(rules):
        rivals = [
            other
            for other, each in enumerate(rules)
            if other != index and not nested(each, rule, records) and rule.id not in each.approaches
        ]
        best = resampled[:, rivals].max(axis=1, initial=-np.inf)
        made[index] = np.mean(resampled[:, index] > best - UNRESOLVED)
    return made
