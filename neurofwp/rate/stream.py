"""Any rule on any stream of keys, values and queries, in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from neurofwp import errors, rules
from neurofwp.errors import InputError
from neurofwp.rate import kernels
from neurofwp.rate.arguments import check_arguments, check_bounds, check_normaliser, check_parameters
from neurofwp.rate.initial_state import check_initial
from neurofwp.rate.normalisers import Normaliser, by_attention, by_sum, key_sums
from neurofwp.rate.scan import Bounds, states
from neurofwp.rules import Event, Rule, State, weight_of

Mode = Literal["auto", "recurrent", "chunkwise"]
MODES: tuple[Mode, ...] = ("auto", "recurrent", "chunkwise")
Backend = Literal["recurrent", "chunkwise", "flash-linear-attention"]

WORTH_CHUNKING = 16  # events


@dataclass(frozen=True)
class Result:
    """What a rule did. Unpacks as ``read, weight``.

    read : (batch, time, head, d_v). weight : (batch, head, post, pre), after the last event; mlstm's is relative to
        exp(state["maximum"]).
    state : all that the rule remembers, for `initial`. backend : what ran.
    """

    read: Tensor
    weight: Tensor
    state: dict[str, Tensor]
    backend: Backend

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.read, self.weight))


def run(
    rule: str | Rule,
    *,
    query: Tensor,
    mode: Mode = "auto",
    normaliser: Normaliser | None = None,
    initial: Tensor | Mapping[str, Tensor] | None = None,
    bounds: Bounds | None = None,
    chunk: int | None = None,
    micro_steps: int | None = None,
    parameters: Mapping[str, float | Tensor] | None = None,
    **arguments: Tensor | None,
) -> Result:
    """Write and read at every event: W changes by the rule, then y = W q.

    Nothing is scaled, cast or broadcast in silence; all tensors have the dtype and device of `query`.

    Parameters
    ----------
    rule : id of a rule (see `neurofwp.rules.RULES`), or a Rule.
    query : (batch, time, head, d_k).
    arguments : what the rule takes, see its `arguments`: key (batch, time, head, d_k), value (batch, time, head, d_v),
        beta (batch, time, head) in [0, 2], by default 1; log_decay <= 0, one per head, or per channel; and so on. With
        micro-steps, key, value and beta are (batch, micro_steps x time, head, ...).
    mode : "recurrent", one event after the other; "chunkwise", in parallel, the same to rounding; "auto", a kernel or
        chunks wherever they can serve (very small keys and values may be faster one after the other).
    normaliser : "attention", reads are divided by z.q, z the sum of all keys so far, whatever the rule did with them;
        "sum", keys and queries are divided by their sums.
    initial : weights before the first event, (batch, head, post, pre), or a `Result.state`, to resume from; else zero.
    bounds : (low, high), to which weights are clamped after every event; (0, inf) for conductances.
    chunk : events per chunk; by default what suits the rule and the length.
    micro_steps : writes per event, for a rule that has micro-steps.
    parameters : of the rule, by name: numbers, or tensors (head,).

    Raises
    ------
    InputError
        for anything that does not fit the rule, with the name of the argument, the index of the first offender and
        what would be right; and if reads or weights are not finite.
    """
    rule = rules.get(rule)
    if mode not in MODES:
        raise errors.unknown("mode", str(mode), MODES)
    sizes = check_arguments(rule, query, arguments, micro_steps)
    numbers = check_parameters(rule, {} if parameters is None else parameters, sizes["head"], query)
    check_normaliser(rule, normaliser)
    check_bounds(rule, bounds)
    if chunk is not None and (type(chunk) is not int or chunk < 1):
        raise InputError(f"chunk must be a whole number of 1 or more, not {chunk!r}")
    before = check_initial(rule, initial, sizes, query, normaliser)
    backend = choose_backend(rule, query, numbers, mode=mode, bounds=bounds, chunk=chunk)
    present = {name: tensor for name, tensor in arguments.items() if tensor is not None}
    result = evaluate(
        rule,
        query,
        present,
        numbers,
        before,
        backend=backend,
        normaliser=normaliser,
        bounds=bounds,
        chunk=chunk,
        micro_steps=micro_steps,
    )
    _check_result(rule, result.read, result.weight)
    return result


def _check_result(rule: Rule, read: Tensor, weight: Tensor) -> None:
    """read (batch, time, head, post), weight (batch, head, post, pre).

    Raises
    ------
    InputError
        if either is not finite, though the input was.
    """
    with torch.no_grad():
        if bool(torch.isfinite(read.sum() + weight.sum())):
            return
        lost = ~read.isfinite().all(-1)
        if not bool(lost.any()) and bool(weight.isfinite().all()):
            return  # only the sum has grown beyond all numbers
        where = ""
        if bool(lost.any()):
            time = int(lost.any(-1).any(0).nonzero()[0])
            where = f" at event {time}"
    raise InputError(
        f"reads or weights of rule {rule.id!r} are not finite{where}: {rule.finite_with} would keep them so"
    )


def choose_backend(
    rule: Rule, query: Tensor, parameters: Mapping[str, Tensor], *, mode: Mode, bounds: Bounds | None, chunk: int | None
) -> Backend:
    """What runs a rule on queries like these: query (batch, time, head, d_k); `parameters` are complete.

    Raises
    ------
    InputError
        for mode "chunkwise" where it cannot serve, or half precision without a kernel.
    """
    blocked = _why_not_chunkwise(rule, parameters, bounds)
    if mode == "chunkwise" and blocked:
        raise InputError(f"rule {rule.id!r} has no chunkwise form {blocked}; use mode 'recurrent' or 'auto'")
    if mode == "auto" and not blocked and chunk is None and kernels.serve(rule, query, parameters):
        return "flash-linear-attention"
    if query.dtype in kernels.HALF:
        raise InputError(
            f"query must be float32 or float64, not {query.dtype}: half precision needs a GPU, "
            "flash-linear-attention, mode 'auto' and a rule that it has"
        )
    if mode != "auto":
        return mode
    return "recurrent" if blocked or query.shape[1] < WORTH_CHUNKING else "chunkwise"


def evaluate(
    rule: Rule,
    query: Tensor,
    arguments: Mapping[str, Tensor],
    parameters: Mapping[str, Tensor],
    initial: Mapping[str, Tensor],
    *,
    backend: Backend,
    normaliser: Normaliser | None = None,
    bounds: Bounds | None = None,
    chunk: int | None = None,
    micro_steps: int | None = None,
) -> Result:
    """`run` without its checks, for signals that are right by construction; `parameters` are complete.

    initial : the fields of the rule's state, or only `weight`, or nothing.
    """
    events = _events(rule, query, arguments, micro_steps, normaliser)
    assert events.query is not None
    state = _begin(rule, events, parameters, initial)
    if backend == "flash-linear-attention":
        read, state = kernels.run(rule, events, state, parameters)
    elif backend == "chunkwise":
        size = chunk or even_chunk(rule.chunk, events.query.shape[-2])
        read, state = rule.chunkwise(events.query, events, state, parameters, size)
    else:
        reads = []
        after = states(rule, parameters, events, state, bounds)
        for each, asked in zip(after, events.query.unbind(-2), strict=True):
            reads.append(rule.read(each, asked, parameters))
            state = each
        read = torch.stack(reads, dim=-2)
    made = {"weight": state} if isinstance(state, Tensor) else dict(state._asdict())
    if normaliser == "attention":
        keys = events.key.sum(-2) if micro_steps else events.key
        sums = key_sums(keys, initial.get("key_sum"))
        read = by_attention(read, events.query, sums)
        made["key_sum"] = sums[..., -1, :]
    return Result(read.transpose(1, 2), weight_of(state), made, backend)


def even_chunk(size: int, events: int) -> int:
    """The size of chunks of at most `size` that are as even as can be: what fills up the last one costs as much."""
    return -(-events // -(-events // size))


def _events(
    rule: Rule, query: Tensor, arguments: Mapping[str, Tensor], micro_steps: int | None, normaliser: Normaliser | None
) -> Event:
    """The signals with the head before time, so that all leading dims are batch."""
    signals: dict[str, Tensor] = {"query": query.transpose(1, 2)}
    batch, head, time, pre = signals["query"].shape
    sizes = {"pre": pre} | _sizes(rule, arguments)
    if micro_steps is not None:
        sizes["micro"] = micro_steps
    for argument in rule.arguments:
        tensor = arguments.get(argument.name)
        if tensor is None and argument.like:
            signals[argument.name] = signals[argument.like]
        elif tensor is None:
            assert argument.default is not None
            shape = (batch, head, time, *(sizes[dim] for dim in argument.dims))
            signals[argument.name] = query.new_full((), argument.default).expand(shape)
        elif not argument.per_event:
            signals[argument.name] = tensor
        else:
            if "micro" in argument.dims:
                tensor = tensor.unflatten(1, (time, -1)).movedim(2, 3)  # (batch, time, head, micro, ...)
            signals[argument.name] = tensor.transpose(1, 2)
    if normaliser == "sum":
        for name in ("query", "key"):
            signals[name] = by_sum(name, signals[name])
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
    )


def _sizes(rule: Rule, signals: Mapping[str, Tensor]) -> dict[str, int]:
    """The sizes of the last dims of signals, which are the rule's own but for micro-steps."""
    return {
        dim: size
        for argument in rule.arguments
        if argument.name in signals
        for dim, size in zip(reversed(argument.dims), reversed(signals[argument.name].shape), strict=False)
        if dim != "micro"
    }


def _begin(rule: Rule, events: Event, parameters: Mapping[str, Tensor], initial: Mapping[str, Tensor]) -> State:
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


def _why_not_chunkwise(rule: Rule, parameters: Mapping[str, Tensor], bounds: Bounds | None) -> str:
    """Why the chunkwise form cannot serve; empty if it can."""
    if not rule.has_chunkwise:
        return "in algebra"
    if bounds is not None:
        return "with bounds, which hold after every event"
    for name, needed in rule.chunkwise_at.items():
        if parameters[name].requires_grad:
            return f"through which {name} could be learned"
        if not bool((parameters[name] == needed).all()):
            return f"unless {name} is {needed:g}"
    return ""
