"""All that predicts weights and is scored: the fitted rules, null models, and flexible references."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from neurofwp.identification.fit_rule import Fit, weights
from neurofwp.identification.products import Prediction
from neurofwp.identification.records import Records


def models(fits: Sequence[Fit], trained: Records, seed: int) -> dict[str, Prediction]:
    """What predicts the weights of Records, by name: rules by their ids."""
    return {fit.rule.id: partial(predict, fit) for fit in fits}


def predict(fit: Fit, records: Records) -> Tensor:
    """The weights (episode, pool, event, post, pre) of a fitted rule."""
    point = {name: records.key.new_full((1, 1), number) for name, number in fit.parameters.items()}
    return weights(fit.rule, records, point)
