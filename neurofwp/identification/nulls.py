"""Null models: how well are increments predicted without any pairing of keys and values?

- nothing: weights stay as they are.
- write_counts: Delta_ij(t) = c beta_t k_jt, one constant for each pool: how often, and how strongly, the presynaptic
  cell was written, and no value.
- mean_value: Delta_ij(t) = c beta_t k_jt vbar_i, with vbar_i the mean value over all writes, whatever the key.
- permuted_values: a fitted rule that is told the values of an episode in another order.

The constants minimise the squared residuals of the increments of the training episodes.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from neurofwp.identification.fit_rule import Fit, predict
from neurofwp.identification.products import Prediction
from neurofwp.identification.records import Records


def nulls(trained: Records, best: Fit, seed: int, means: Records | None = None) -> dict[str, Prediction]:
    """What predicts the weights (episode, pool, event, post, pre) of Records, by the name of the null.

    Parameters
    ----------
    trained : what constants are fitted to. best : the rule whose values are permuted.
    means : Records of the postsynaptic cells that are to be predicted, over whose writes values are averaged; by
        default `trained`. No weight of theirs is used.
    """
    ones = trained.value.new_ones(1, 1)
    mean, shown = mean_value(trained), mean_value(means or trained)
    return {
        "nothing": partial(weights_of_counts, constant=trained.value.new_zeros(()), pattern=ones),
        "write_counts": partial(weights_of_counts, constant=coefficient(trained, ones), pattern=ones),
        "mean_value": partial(weights_of_counts, constant=coefficient(trained, mean), pattern=shown),
        "permuted_values": partial(weights_of_permuted_values, best, seed=seed),
    }


def weights_of_counts(records: Records, *, constant: Tensor, pattern: Tensor) -> Tensor:
    """Weights after initial + sum_s c beta_s k_js pattern_i, (episode, pool, event, post, pre).

    constant (pool,) or a scalar, pattern (pool, post); dims may be 1.
    """
    written = (records.gate[..., None] * records.key).cumsum(dim=2)  # (episode, 1, event, pre)
    size = constant[..., None] * pattern  # (pool, post)
    added = size[None, :, None, :, None] * written[..., None, :]
    return (records.initial[:, :, None] + added).expand(records.shape)


def coefficient(records: Records, pattern: Tensor) -> Tensor:
    """c of each pool (pool,): the projection sum(x y) / sum(x x) of what was seen, y, on x = beta k_j pattern_i."""
    cross, own = (records.weight.new_zeros(records.weight.shape[1]) for _ in range(2))
    for episode in range(len(records.key)):
        one = records.episodes([episode])
        unit = weights_of_counts(one, constant=one.value.new_ones(1), pattern=pattern)
        x, y = (each * one.counted for each in (one.observe(unit), one.observation))
        cross += (x * y).sum(dim=(0, 2, 3, 4))
        own += x.square().sum(dim=(0, 2, 3, 4))
    return cross / torch.where(own > 0, own, 1.0)


def mean_value(records: Records) -> Tensor:
    """The mean value of each postsynaptic cell over the events with an open gate, (pool, post)."""
    open_gate = (records.gate > 0).to(records.value)[..., None]
    total = (records.value * open_gate).sum(dim=(0, 2))
    return total / open_gate.sum().clamp(min=1)


def weights_of_permuted_values(fit: Fit, records: Records, *, seed: int) -> Tensor:
    """The weights that a rule predicts, (episode, pool, event, post, pre), had values come in another order."""
    return predict(fit, permute_values(records, seed))


def permute_values(records: Records, seed: int) -> Records:
    """Records in which the values of each episode are permuted among its events with an open gate, all cells alike.

    The permutation follows from the seed and the episode's own values, so that it is the same whichever other episodes
    are given.
    """
    value = records.value.clone()
    for episode, one in enumerate(records.value):
        written = torch.nonzero(records.gate[episode, 0] > 0)[:, 0]
        own = zlib.crc32(np.ascontiguousarray(one.cpu().numpy()).tobytes())
        order = np.random.default_rng([seed, own]).permutation(len(written))
        value[episode, :, written] = one[:, written[torch.as_tensor(order, device=written.device)]]
    return replace(records, value=value)
