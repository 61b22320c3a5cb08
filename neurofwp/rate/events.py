"""The signals of all events of a run, as rules take them, and the state before the first one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate.normalisers import Normaliser, by_sum
from neurofwp.rules import Argument, Event, Rule, State

QUERY = Argument("query", "what is asked for", ("pre",))
# not zero, which normaliser "sum" would divide by; what does not happen writes nothing, whatever its key is
RESTING_KEY = 1.0


def make_events(
    rule: Rule,
    query: Tensor,
    arguments: Mapping[str, Tensor],
    micro_steps: int | None,
    normaliser: Normaliser | None,
    mask: Tensor | None = None,
    *,
    refuse_zero: bool = True,
) -> Event:
    """The signals with the head before time, so that all leading dims are batch.

    mask : (batch, time), which events happen; signals of others are replaced by what changes nothing.
    refuse_zero : whether normaliser "sum" looks for sums of 0, which raise InputError.
    """
    batch, time, head, pre = query.shape
    sizes = {"pre": pre} | _sizes(rule, arguments)
    if micro_steps is not None:
        sizes["micro"] = micro_steps
    happens = None if mask is None else mask[:, None].expand(batch, head, time)
    signals: dict[str, Tensor] = {}
    for argument in (QUERY, *rule.arguments):
        tensor = query if argument is QUERY else arguments.get(argument.name)
        if tensor is None and argument.like:
            signals[argument.name] = signals[argument.like]
            continue
        if tensor is None:
            assert argument.default is not None
            shape = (batch, head, time, *(sizes[dim] for dim in argument.dims))
            tensor = query.new_full((), argument.default).expand(shape)
        elif not argument.per_event:
            signals[argument.name] = tensor
            continue
        else:
            tensor = _head_first(argument, tensor, time)
        signals[argument.name] = tensor if happens is None else rest(argument, tensor, happens)
    if normaliser == "sum":
        for name in ("query", "key"):
            signals[name] = by_sum(name, signals[name], refuse_zero=refuse_zero)
    one = query.new_ones(()).expand(batch, head, time)
    log_decay = signals.get("log_decay")
    named = {"query", "key", "value", "beta"}
    return Event(
        key=signals.get("key", signals["query"]),
        value=signals.get("value", signals["query"]),
        gate=signals.get("beta", one),
        retention=one if log_decay is None else log_decay.exp(),
        query=signals["query"],
        others={name: tensor for name, tensor in signals.items() if name not in named},
        mask=happens,
        ungated="beta" not in arguments and happens is None,
    )


def _head_first(argument: Argument, tensor: Tensor, time: int) -> Tensor:
    """(batch, head, time, ...), micro-steps behind time."""
    if "micro" in argument.dims:
        tensor = tensor.unflatten(1, (time, -1)).movedim(2, 3)  # (batch, time, head, micro, ...)
    return tensor.transpose(1, 2)


def rest(argument: Argument, signal: Tensor, happens: Tensor) -> Tensor:
    """A signal (batch, head, time, ...) that is at rest where nothing happens (batch, head, time)."""
    number = RESTING_KEY if argument.name in ("query", "key") else argument.at_rest()
    return torch.where(happens.reshape(*happens.shape, *[1] * (signal.ndim - happens.ndim)), signal, number)


def _sizes(rule: Rule, signals: Mapping[str, Tensor]) -> dict[str, int]:
    """The sizes of the last dims of signals, which are the rule's own but for micro-steps."""
    return {
        dim: size
        for argument in rule.arguments
        if argument.name in signals
        for dim, size in zip(reversed(argument.dims), reversed(signals[argument.name].shape), strict=False)
        if dim != "micro"
    }


def first_state(rule: Rule, events: Event, parameters: Mapping[str, Tensor], initial: Mapping[str, Tensor]) -> State:
    """The state before the first event; initial : the fields of the rule's state, or only `weight`, or nothing."""
    weight = initial.get("weight")
    if weight is None:
        sizes = {"pre": events.key.shape[-1], "post": events.value.shape[-1]} | _sizes(rule, events.others)
        shape = [sizes[dim] for dim in rule.weight_dims]
        weight = events.key.new_zeros(*events.gate.shape[:2], *shape)
    if rule.state is None:
        return weight
    fresh = rule.begin(weight, events, parameters)
    if not set(fresh._fields) <= set(initial):
        return fresh
    for name, like in fresh._asdict().items():
        if initial[name].shape != like.shape:
            raise InputError(
                f"initial[{name!r}] must be {tuple(like.shape)} for these weights and arguments, "
                f"but its shape is {tuple(initial[name].shape)}"
            )
    return type(fresh)(**{name: initial[name] for name in fresh._fields})
