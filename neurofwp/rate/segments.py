"""The chunkwise form over segments of a sequence, each from the state that the last one left.

A chunkwise form holds all that it makes of all its chunks at once. In segments only the signals, the reads and what a
backward pass needs grow with the length, and what is made is still in the cache when it is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from neurofwp.rate.sequences import Sequences
from neurofwp.rules import Event, Rule, State

EVENTS = 4096  # of an input of a layer, in a segment
NUMBERS = 2**17  # of all keys of a segment: half a MiB in single precision


def are_many(x: Tensor) -> bool:
    """Whether a layer takes events (batch, time, d_model) in segments: a GPU has more use of all of them at once."""
    return not torch.compiler.is_compiling() and x.device.type == "cpu" and x.shape[1] > EVENTS


def parts(x: Tensor, sequences: Sequences | None) -> Iterator[tuple[Tensor, Sequences | None]]:
    """Segments of events (batch, time, d_model), and of the mask of their sequences."""
    if sequences is None or sequences.mask is None:
        yield from ((part, None) for part in x.split(EVENTS, dim=1))
    else:
        masks = sequences.mask.split(EVENTS, dim=1)
        yield from ((part, Sequences(mask=mask)) for part, mask in zip(x.split(EVENTS, dim=1), masks, strict=True))


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
        return torch.split(signal, segment, dim=-1 - dims)

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
