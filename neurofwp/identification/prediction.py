"""The weights that a rule predicts for Records."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from neurofwp.identification.competing import VALUE_OFFSET, free_parameters
from neurofwp.identification.records import Records
from neurofwp.rate import scan
from neurofwp.rules import Rule


def weights(rule: Rule, records: Records, parameters: Mapping[str, Tensor]) -> Tensor:
    """Weights that the rule predicts, (..., episode, pool, event, post, pre), for parameters (..., 1, 1).

    The rule runs freely from the initial weights. For a rule whose keys are limited to 1, the largest, they are in units
    of the typical key of an active cell.
    """
    own = {parameter.name: parameters[parameter.name] for parameter in free_parameters(rule) if parameter != VALUE_OFFSET}
    key, value = records.key, records.value
    if VALUE_OFFSET.name in parameters:
        value = value + parameters[VALUE_OFFSET.name][..., None, None]
    taken = rule.argument("key")
    if taken is not None and math.isfinite(taken.high):
        key = key / records.activity
    initial = records.initial.expand(*records.initial.shape[:-2], *records.weight.shape[-2:])
    bounds = (0.0, torch.inf) if records.nonnegative else None
    return scan(rule, own, key, value, records.gate, records.retention, initial, bounds)
