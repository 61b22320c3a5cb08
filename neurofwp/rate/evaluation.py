"""A rule run over signals that are right by construction: what `run` does behind its checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neurofwp.rate import kernels, segments
from neurofwp.rate.backends import Backend
from neurofwp.rate.events import first_state, make_events
from neurofwp.rate.normalisers import Normaliser, by_attention, key_sums
from neurofwp.rate.scan import Bounds, states
from neurofwp.rate.sequences import Sequences
from neurofwp.rules import Event, Rule, State, weight_of


@dataclass(frozen=True)
class Result:
    """What a rule did. Unpacks as ``read, weight``.

    read : (batch, time, head, d_v), in the dtype of `query`; zero where a mask says that there is no event.
    weight : (batch, head, post, pre), after the last event; mlstm's is relative to exp(state["maximum"]). Of packed
        sequences each has a state of its own, (sequence, head, post, pre).
    state : all that the rule remembers, for `initial`. backend : what ran. compute_dtype : in what precision.
    """

    read: Tensor
    weight: Tensor
    state: dict[str, Tensor]
    backend: Backend
    compute_dtype: torch.dtype

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.read, self.weight))


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
    sequences: Sequences | None = None,
    refuse_zero: bool = True,
) -> Result:
    """`run` without its checks, for signals that are right by construction; `parameters` are complete.

    initial : the fields of the rule's state, or only `weight`, or nothing.
    refuse_zero : whether to look for zeros among what a normaliser divides by, which raise InputError.
    """
    run_rows = partial(
        _evaluate_rows, rule, query, arguments, parameters,
        backend=backend, normaliser=normaliser, bounds=bounds, chunk=chunk, micro_steps=micro_steps,
        refuse_zero=refuse_zero,
    )  # fmt: skip
    if sequences is None or sequences.mask is not None:
        return run_rows(initial, sequences)
    groups = sequences.groups()
    # rows one by one: a list of indices would be copied to a GPU, which waits
    before = [{n: torch.stack([part[m] for m in group.members]) for n, part in initial.items()} for group in groups]
    results = [run_rows(state, group) for state, group in zip(before, groups, strict=True)]
    each = [one for group, result in zip(groups, results, strict=True) for one in group.events(result.read)]
    order = [member for group in groups for member in group.members]
    back = sorted(range(len(order)), key=order.__getitem__)
    last = {name: [row for result in results for row in result.state[name].unbind()] for name in results[0].state}
    state = {name: torch.stack([rows[place] for place in back]) for name, rows in last.items()}
    read = torch.cat([each[place] for place in back])[None]
    return replace(results[0], read=read, weight=state["weight"], state=state)


def _evaluate_rows(
    rule: Rule,
    query: Tensor,
    arguments: Mapping[str, Tensor],
    parameters: Mapping[str, Tensor],
    initial: Mapping[str, Tensor],
    sequences: Sequences | None,
    *,
    backend: Backend,
    normaliser: Normaliser | None,
    bounds: Bounds | None,
    chunk: int | None,
    micro_steps: int | None,
    refuse_zero: bool,
) -> Result:
    """`evaluate`, but reads of packed sequences are rows, padded."""
    mask = None
    if sequences is not None:
        mask = sequences.happens(query)
        query = sequences.rows(query)
        arguments = _rows(rule, arguments, micro_steps, sequences)
    with _without_autocast(query.device.type):
        events = make_events(rule, query, arguments, micro_steps, normaliser, mask, refuse_zero=refuse_zero)
        state = first_state(rule, events, parameters, initial)
        read, state = _write_and_read(rule, events, state, parameters, backend, bounds, chunk)
        made = {"weight": state} if isinstance(state, Tensor) else dict(state._asdict())
        if normaliser == "attention":
            assert events.query is not None
            keys = events.key.sum(-2) if micro_steps else events.key
            keys = keys if events.mask is None else torch.where(events.mask[..., None], keys, 0.0)
            sums = key_sums(keys, initial.get("key_sum"))
            read = by_attention(read, events.query, sums, events.mask, refuse_zero=refuse_zero)
            made["key_sum"] = sums[..., -1, :]
    read = read.transpose(1, 2)
    if sequences is not None and sequences.mask is not None:
        read = sequences.without_padding(read)
    computed = torch.float32 if query.dtype in kernels.HALF else query.dtype
    return Result(read, weight_of(state), made, backend, computed)


def _rows(
    rule: Rule, arguments: Mapping[str, Tensor], micro_steps: int | None, sequences: Sequences
) -> dict[str, Tensor]:
    """The arguments with one row for each sequence."""
    made = dict(arguments)
    for argument in rule.arguments:
        if argument.per_event and argument.name in arguments:
            steps = (micro_steps or 1) if "micro" in argument.dims else 1
            made[argument.name] = sequences.rows(arguments[argument.name], steps)
    return made


def _without_autocast(device: str) -> AbstractContextManager[Any]:
    """In half precision fast weights would lose what they gather."""
    if device == "meta" or not torch.is_autocast_enabled(device):
        return nullcontext()
    return torch.autocast(device, enabled=False)


def _write_and_read(
    rule: Rule,
    events: Event,
    state: State,
    parameters: Mapping[str, Tensor],
    backend: Backend,
    bounds: Bounds | None,
    chunk: int | None,
) -> tuple[Tensor, State]:
    """Reads (batch, head, time, post), and the last state."""
    assert events.query is not None
    if backend == "flash-linear-attention":
        return kernels.run(rule, events, state, parameters)
    if backend == "chunkwise":
        size = chunk or even_chunk(rule.chunk, events.query.shape[-2])
        return segments.chunkwise(rule, events, state, parameters, size)
    reads = []
    after = states(rule, parameters, events, state, bounds)
    for each, asked in zip(after, events.query.unbind(-2), strict=True):
        reads.append(rule.read(each, asked, parameters))
        state = each
    return torch.stack(reads, dim=-2), state


def even_chunk(size: int, events: int) -> int:
    """The size of chunks of at most `size` that are as even as can be: what fills up the last one costs as much."""
    return -(-events // -(-events // size))
