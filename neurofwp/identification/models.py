"""All that predicts weights and is scored: the fitted rules, null models, and flexible references."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from neurofwp.identification.fit_rule import Fit, predict
from neurofwp.identification.products import Prediction
from neurofwp.identification.records import Records


def models(fits: Sequence[Fit], trained: Records, seed: int) -> dict[str, Prediction]:
    """What predicts the weights of Records, by name: rules by their ids."""
    return {fit.rule.id: partial(predict, fit) for fit in fits}
