"""Which of the fitted rules is left standing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurofwp.identification.records import Records
from neurofwp.rules import Rule

UNRESOLVED = 0.005  # scores closer than this are a tie, whatever the bootstrap says
DECISIVE = 10.0  # difference in BIC


def nests(outer: Rule, inner: Rule, records: Records) -> bool:
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
    return _drop_outer(tied & (bic <= bic[tied].min() + DECISIVE), rules, records)


def support(rules: Sequence[Rule], resampled: np.ndarray, records: Records) -> np.ndarray:
    """How the resamples vote: the share of those of which a rule is what remains, half a vote where two remain.

    What remains of one resample are the rules within `UNRESOLVED` of its highest score, without those that nest, or
    have as a limit, another one of them. Held-out prediction alone votes. BIC does not: its evidence is that of the
    training episodes, the same in all resamples, and where every rule misfits it is for the more parameters however
    little they explain. Nor is the luck of the training episodes, on which parameters rest, in the votes.

    resampled (resample, rule) -> (rule,), which sum to 1.
    """
    left = _drop_outer(resampled > resampled.max(axis=1, keepdims=True) - UNRESOLVED, rules, records)
    share: np.ndarray = (left / left.sum(axis=1, keepdims=True)).mean(axis=0)
    return share


def _drop_outer(left: np.ndarray, rules: Sequence[Rule], records: Records) -> np.ndarray:
    """Those of the selected rules (..., rule) that nest none of the other selected ones, nor have it as a limit."""
    beyond = [[nests(outer, inner, records) or inner.id in outer.approaches for inner in rules] for outer in rules]
    needed: np.ndarray = left & ~(left[..., None, :] & np.array(beyond)).any(axis=-1)
    return needed
