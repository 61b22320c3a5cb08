"""Running a rule over events, one after the other: the reference that faster forms are tested against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from neurofwp.rate.drive import drive, extra_parameters
from neurofwp.rules import Event, Rule, State, weight_of
from neurofwp.rules.free import WEIGHT_SCALE
from neurofwp.rules.rule import per_synapse

Bounds = tuple[float, float]
Limits = Bounds | tuple[Tensor, Tensor]  # numbers, or each (..., 1, 1)


def states(
    rule: Rule, parameters: Mapping[str, Tensor], events: Event, state: State, bounds: Limits | None = None
) -> Iterator[State]:
    """The state after every event.

    Parameters
    ----------
    parameters : each broadcasts against the leading dims (...).
    events : signals of all events, each (..., time, *dims) with the dims that the rule gives them; of `others`, what
        is not per event has no time. An event that their mask leaves out leaves all of the state as it was.
    state : before the first event.
    bounds : weights are clamped to them after every event.
    """
    mask = None if events.mask is None else events.mask.unbind(-1)
    for index, event in enumerate(unbind(rule, events)):
        after = rule.step(state, event, parameters)
        if bounds is not None:
            after = clamp(after, bounds)
        state = after if mask is None else choose(mask[index], after, state)
        yield state


def unbind(rule: Rule, events: Event) -> Iterator[Event]:
    """The events one by one."""

    # not indexing: the backward pass of an index writes a whole tensor of zeros at every event
    def each(signal: Tensor, dims: int) -> tuple[Tensor, ...]:
        return signal.unbind(-1 - dims)

    length = events.gate.shape[-1 - len(rule.dims("beta"))]
    constant = {argument.name for argument in rule.arguments if not argument.per_event}
    others = {
        name: [signal] * length if name in constant else each(signal, len(rule.dims(name)))
        for name, signal in events.others.items()
    }
    key, value = (each(getattr(events, name), len(rule.dims(name) or ("any",))) for name in ("key", "value"))
    gate = each(events.gate, len(rule.dims("beta")))
    retention = each(events.retention, len(rule.dims("log_decay")))
    query = [None] * length if events.query is None else each(events.query, 1)
    for index in range(length):
        one = {name: signal[index] for name, signal in others.items()}
        yield Event(key[index], value[index], gate[index], retention[index], query[index], one)


def choose(happens: Tensor, after: State, before: State) -> State:
    """The state after an event where it happens (...), and that before it where it does not."""

    def each(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(happens.reshape(*happens.shape, *[1] * (new.ndim - happens.ndim)), new, old)

    if isinstance(after, Tensor):
        return each(after, before)
    return type(after)(*(each(new, old) for new, old in zip(after, before, strict=True)))


def clamp(state: State, bounds: Limits) -> State:
    """The state with its weights within the bounds."""
    weight = weight_of(state).clamp(*bounds)
    return weight if isinstance(state, Tensor) else state._replace(weight=weight)


def scan(
    rule: Rule,
    parameters: Mapping[str, Tensor],
    key: Tensor,
    value: Tensor,
    gate: Tensor,
    retention: Tensor,
    initial: Tensor | None = None,
    bounds: Bounds | None = None,
    duration: Tensor | None = None,
) -> Tensor:
    """Weights after every event, for a rule that a Program drives.

    Parameters
    ----------
    parameters : each broadcasts against the leading dims (...). Of `rule.fitted_with` some or none: see
        `neurofwp.rate.drive`.
    key : (..., event, pre). value : (..., event, post). gate, retention : (..., event).
        Leading dims need only broadcast against each other.
    initial : (..., post, pre), the weights before the first event; left out, zero.
    bounds : (low, high), to which weights are clamped after every event; (0, inf) for conductances.
    duration : (..., event), of each event in seconds, where it is known.

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
    events = drive(rule, parameters, key, value, gate, retention, duration)
    scale = extra_parameters(rule, parameters).get(WEIGHT_SCALE.name)
    if scale is None:
        return trajectory(rule, parameters, events, weight, bounds)
    over = per_synapse(scale.clamp_min(torch.finfo(scale.dtype).tiny))
    within: Limits | None = bounds
    if bounds is not None and bounds != (0.0, torch.inf):
        within = bounds[0] / over, bounds[1] / over
    return per_synapse(scale)[..., None] * trajectory(rule, parameters, events, weight / over, within)


def trajectory(
    rule: Rule, parameters: Mapping[str, Tensor], events: Event, weight: Tensor, bounds: Limits | None
) -> Tensor:
    """Weights after every event (..., event, post, pre), from those before the first one."""
    whole = rule.trajectory(events, weight, parameters)
    if whole is not None:
        if bounds is None:
            return whole
        low, high = (torch.as_tensor(each, dtype=whole.dtype, device=whole.device)[..., None] for each in bounds)
        return whole.clamp(low, high)
    state = rule.begin(weight, events, parameters)
    after = [weight_of(each) for each in states(rule, parameters, events, state, bounds)]
    return torch.stack(after, dim=-3)
