"""A single event of a layer: no time axis, no chunks, no checks of what has been checked before."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rate.scan import Bounds, clamp
from neurofwp.rules import Event, Rule, State

NAMED = {"query", "key", "value", "beta"}


def write_and_read(
    rule: Rule,
    signals: Mapping[str, Tensor],
    parameters: Mapping[str, Tensor],
    one: Tensor,
    state: Mapping[str, Tensor],
    bounds: Bounds | None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The read (batch, head, post) after one event, and the state after it.

    Parameters
    ----------
    signals : the query and what the rule takes, (batch, head, *dims), by name; what it takes once has no batch.
    one : the number 1. state : all that the rule remembers, by name.
    """
    query = signals["query"]
    gate, log_decay = signals.get("beta"), signals.get("log_decay")
    event = Event(
        key=signals.get("key", query),
        value=signals.get("value", query),
        gate=one.expand(query.shape[:2]) if gate is None else gate,
        retention=one if log_decay is None else log_decay.exp(),
        query=query,
        others={name: tensor for name, tensor in signals.items() if name not in NAMED},
        ungated=gate is None,
    )
    before: State = state["weight"] if rule.state is None else rule.state(**state)
    after = rule.step(before, event, parameters)
    if bounds is not None:
        after = clamp(after, bounds)
    return rule.read(after, query, parameters), {"weight": after} if rule.state is None else after._asdict()
