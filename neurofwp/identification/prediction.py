"""The weights that a rule predicts for Records."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from neurofwp.identification.competing import VALUE_OFFSET, free_parameters
from neurofwp.identification.records import Records
from neurofwp.rate import scan
from neurofwp.rate.drive import relative_keys
from neurofwp.rules import Rule


def weights(rule: Rule, records: Records, parameters: Mapping[str, Tensor]) -> Tensor:
    """Weights that the rule predicts, (..., episode, pool, event, post, pre), for parameters (..., 1, 1).

    The rule runs freely from the initial weights.
    """
    own = {each.name: parameters[each.name] for each in free_parameters(rule) if each != VALUE_OFFSET}
    key, value = records.key, records.value
    if VALUE_OFFSET.name in parameters:
        value = value + parameters[VALUE_OFFSET.name][..., None, None]
    if relative_keys(rule):
        key = key / records.activity
    initial = records.initial.expand(*records.initial.shape[:-2], *records.shape[-2:])
    bounds = (0.0, torch.inf) if records.nonnegative else None
    return scan(rule, own, key, value, records.gate, records.retention, initial, bounds, records.duration)
