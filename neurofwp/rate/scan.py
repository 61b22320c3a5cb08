"""Running a rule over events, one after the other: the reference that faster forms are tested against."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from neurofwp.rules import Event, Rule


def scan(
    rule: Rule,
    parameters: Mapping[str, Tensor],
    key: Tensor,
    value: Tensor,
    gate: Tensor,
    retention: Tensor,
    initial: Tensor | None = None,
    nonnegative: bool = False,
) -> Tensor:
    """Weights after every event.

    Parameters
    ----------
    parameters : each broadcasts against the leading dims (...).
    key : (..., event, pre). value : (..., event, post). gate, retention : (..., event).
        Leading dims need only broadcast against each other.
    initial : (..., post, pre), the weights before the first event; left out, zero.
    nonnegative : a weight cannot be negative: clamped at 0 after every event.

    Returns
    -------
    Tensor (..., event, post, pre).
    """
    if initial is None:
        initial = key.new_zeros(value.shape[-1], key.shape[-1])
    leading = [key.shape[:-2], value.shape[:-2], gate.shape[:-1], initial.shape[:-2]]
    leading += [number.shape for number in parameters.values()]
    batch = torch.broadcast_shapes(*leading)
    weight = initial.expand(*batch, *initial.shape[-2:])
    after = []
    # unbind, not indexing: the backward pass of an index writes a whole tensor of zeros at every event
    events = zip(key.unbind(-2), value.unbind(-2), gate.unbind(-1), retention.unbind(-1), strict=True)
    for event in events:
        weight = rule.step(weight, Event(*event), parameters)
        if nonnegative:
            weight = weight.clamp(min=0)
        after.append(weight)
    return torch.stack(after, dim=-3)
