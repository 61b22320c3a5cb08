"""All that predicts weights and is scored: the fitted rules, null models, and flexible references.

Names of series: a rule's id; a null's name after "null: "; a reference's after "reference: ".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from neurofwp.identification.fit_reference import fit_reference
from neurofwp.identification.fit_rule import Fit, predict
from neurofwp.identification.nulls import nulls
from neurofwp.identification.products import Prediction
from neurofwp.identification.reference import REFERENCES, covers
from neurofwp.identification.splits import Split
from neurofwp.rules import Rule

NULL, REFERENCE = "null: ", "reference: "
LOCALITY = {False: "local", True: "local and prediction"}  # the signals of a reference


def models(fits: Sequence[Fit], halves: Split, *, references: bool, seed: int) -> dict[str, Prediction]:
    """What predicts the weights of Records, by name.

    Parameters
    ----------
    references : whether to fit the flexible ones, which takes as long as several rules.
    """
    best = max(fits, key=lambda fit: fit.r2 if fit.r2 > -math.inf else -math.inf)  # NaN is no best
    found: dict[str, Prediction] = {fit.rule.id: partial(predict, fit) for fit in fits}
    found |= {NULL + name: each for name, each in nulls(halves.trained, best, seed, halves.judged).items()}
    for prediction, locality in LOCALITY.items() if references else ():
        fit = fit_reference(halves.trained, prediction, seed, fits)
        found[REFERENCE + locality] = partial(predict, fit)
    return found


def reference_of(rule: Rule, names: Sequence[str]) -> str | None:
    """The narrowest of the fitted references that takes all the signals of a rule."""
    for prediction, locality in LOCALITY.items():
        if REFERENCE + locality in names and covers(REFERENCES[prediction], rule):
            return REFERENCE + locality
    return None
