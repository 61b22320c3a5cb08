"""The chunkwise form over segments of a sequence, each from the state that the last one left.

A chunkwise form holds all that it makes of all its chunks at once. In segments memory does not grow with the length, but
for the signals, the reads and what a backward pass needs, and what is made is still in the cache when it is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from neurofwp.rules import Event, Rule, State

NUMBERS = 2**17  # of all keys of a segment: half a MiB in single precision


def chunkwise(
    rule: Rule, events: Event, state: State, parameters: Mapping[str, Tensor], size: int
) -> tuple[Tensor, State]:
    """Reads (batch, head, time, post), and the last state, in chunks of `size` events."""
    assert events.query is not None
    segment = events_per_segment(events.query, size)
    # a compiler fuses what it is given, and takes the longer for every segment
    if torch.compiler.is_compiling() or segment >= events.query.shape[-2]:
        return rule.chunkwise(events.query, events, state, parameters, size)
    reads = []
    for part in split(rule, events, segment):
        assert part.query is not None
        read, state = rule.chunkwise(part.query, part, state, parameters, size)
        reads.append(read)
    return torch.cat(reads, dim=-2), state


def events_per_segment(query: Tensor, size: int) -> int:
    """Whole chunks of `size` events: query (batch, head, time, pre)."""
    row = math.prod(query.shape[:-2]) * query.shape[-1]
    return size * max(1, NUMBERS // (row * size))


def split(rule: Rule, events: Event, segment: int) -> Iterator[Event]:
    """The events in segments; of what is not per event each has all."""

    # not slices: the backward pass of each would write a whole tensor of zeros
    def each(signal: Tensor, dims: int) -> tuple[Tensor, ...]:
        return signal.split(segment, dim=-1 - dims)

    assert events.query is not None
    query = each(events.query, 1)
    key, value = (each(getattr(events, name), len(rule.dims(name) or ("any",))) for name in ("key", "value"))
    gate = each(events.gate, len(rule.dims("beta")))
    retention = each(events.retention, len(rule.dims("log_decay")))
    mask = [None] * len(query) if events.mask is None else each(events.mask, 0)
    constant = {argument.name for argument in rule.arguments if not argument.per_event}
    others = {
        name: [signal] * len(query) if name in constant else each(signal, len(rule.dims(name)))
        for name, signal in events.others.items()
    }
    for index, asked in enumerate(query):
        one = {name: parts[index] for name, parts in others.items()}
        yield replace(
            events, key=key[index], value=value[index], gate=gate[index], retention=retention[index], query=asked,
            others=one, mask=mask[index],
        )  # fmt: skip
