"""Padded, left-padded and packed sequences give what each gives alone: reads, last states, gradients."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate import FastWeightLayer, FastWeightStack, Result, run
from neurofwp.rules import RULES, Argument, Rule

Stream = Callable[..., dict]

EACH_MODE = pytest.mark.parametrize(
    ("rule", "mode"),
    [
        pytest.param(rule, mode, id=f"{rule.id}-{mode}")
        for rule in RULES
        for mode in ("recurrent", "chunkwise")
        if mode == "recurrent" or rule.has_chunkwise
    ],
)
SIZES = {"delta_product": {"micro": 2}, "three_factor": {"slot": 3}}
LENGTHS = st.lists(st.integers(1, 9), min_size=2, max_size=3)


def events_of(name: str, rule: Rule) -> Argument | None:
    """The argument of that name, if it is one of every event."""
    if name == "query":
        return Argument("query", "", ("pre",))
    argument = rule.argument(name)
    return argument if argument is not None and argument.per_event else None


def steps(name: str, rule: Rule, micro_steps: int) -> int:
    argument = events_of(name, rule)
    return micro_steps if argument is not None and "micro" in argument.dims else 1


def sequences(rule: Rule, stream: Stream, lengths: Sequence[int], seed: int) -> list[dict]:
    """Signals of every sequence alone, all tensors with gradients; what is not per event is shared."""
    made = stream(rule, seed=seed, batch=len(lengths), time=max(lengths))
    if rule.reads_linearly and "key" in made:  # for normalisers
        made |= {name: 0.1 + 0.8 * made[name].abs().clamp(max=1) for name in ("query", "key")}
    generator = torch.Generator().manual_seed(seed)
    if "initial" not in made:
        shape = [{"pre": made["query"].shape[-1], "post": 3, "slot": 4}[dim] for dim in rule.weight_dims]
        made["initial"] = 0.3 * torch.rand(len(lengths), 2, *shape, generator=generator).to(made["query"])
    alone: list[dict] = [{} for _ in lengths]
    for name, signal in made.items():
        shared = signal.requires_grad_() if isinstance(signal, Tensor) else signal
        for row, (one, length) in enumerate(zip(alone, lengths, strict=True)):
            if name == "initial":
                one[name] = signal[row : row + 1].detach().requires_grad_()
            elif events_of(name, rule):
                width = steps(name, rule, made.get("micro_steps", 1))
                one[name] = signal[row : row + 1, : width * length].detach().requires_grad_()
            else:
                one[name] = shared
    return alone


def scattered(signal: Tensor, happens: Tensor, width: int) -> Tensor:
    """A row (1, time, ...) whose events that happen (time,) are those of a signal; the others are NaN."""
    wide = happens.repeat_interleave(width)
    row = signal.new_full((1, len(wide), *signal.shape[2:]), math.nan)
    return row.index_put((torch.zeros(1, dtype=torch.int64), wide.nonzero()[:, 0]), signal[0])


def padded(rule: Rule, alone: Sequence[Mapping], mask: Tensor) -> dict:
    """All sequences in one batch, where the mask says."""
    micro_steps = alone[0].get("micro_steps", 1)
    batch = dict(alone[0])
    for name in batch:
        if name == "initial":
            batch[name] = torch.cat([one[name] for one in alone])
        elif events_of(name, rule):
            width = steps(name, rule, micro_steps)
            rows = zip(alone, mask, strict=True)
            batch[name] = torch.cat([scattered(one[name], happens, width) for one, happens in rows])
    return batch | {"mask": mask}


def packed(rule: Rule, alone: Sequence[Mapping], lengths: Sequence[int]) -> dict:
    """All sequences one after the other."""
    batch = dict(alone[0])
    for name in batch:
        if name == "initial" or events_of(name, rule):
            batch[name] = torch.cat([one[name] for one in alone], dim=0 if name == "initial" else 1)
    return batch | {"cu_seqlens": torch.tensor([0, *accumulate(lengths)])}


def masks(lengths: Sequence[int], seed: int) -> dict[str, Tensor]:
    """Padding on the right, on the left, and holes anywhere."""
    length, time = torch.tensor(lengths)[:, None], torch.arange(max(lengths) + 2)
    order = torch.rand(len(lengths), len(time), generator=torch.Generator().manual_seed(seed)).argsort(1)
    return {"right": time < length, "left": time >= len(time) - length, "holes": order < length}


def total(read: Tensor, state: Mapping[str, Tensor]) -> Tensor:
    """Something that depends on every number that comes out of a sequence."""
    return sum(((each + 0.3) ** 2).sum() for each in (read, *state.values()))


def leaves(alone: Sequence[Mapping]) -> list[Tensor]:
    found = {id(each): each for one in alone for each in one.values() if isinstance(each, Tensor)}
    return list(found.values())


def close(made: Tensor, expected: Tensor, what: str) -> None:
    scale = max(1.0, float(expected.detach().abs().max())) if expected.numel() else 1.0
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-12 * scale, msg=lambda m: f"{what}: {m}")


def compare(made: Sequence[tuple[Tensor, Mapping]], expected: Sequence[tuple[Tensor, Mapping]], inputs: list) -> None:
    gradients = []
    for results in (made, expected):
        loss = sum(total(*each) for each in results)
        gradients.append(
            torch.autograd.grad(loss, inputs, retain_graph=True, materialize_grads=True, allow_unused=True)
        )
    for (read, state), (read_alone, alone) in zip(made, expected, strict=True):
        close(read, read_alone, "reads")
        for name, tensor in alone.items():
            close(state[name], tensor, name)
    for one, other in zip(*gradients, strict=True):
        close(one, other, "gradients")


def by_row(result: Result, mask: Tensor) -> list[tuple[Tensor, Mapping]]:
    assert not result.read[~mask].any()
    return [
        (result.read[row, mask[row]][None], {name: each[row : row + 1] for name, each in result.state.items()})
        for row in range(len(mask))
    ]


def by_length(result: Result, lengths: Sequence[int]) -> list[tuple[Tensor, Mapping]]:
    reads = result.read.split(list(lengths), dim=1)
    states = [{name: each[row : row + 1] for name, each in result.state.items()} for row in range(len(lengths))]
    return list(zip(reads, states, strict=True))


@EACH_MODE
@settings(max_examples=3)
@given(lengths=LENGTHS, seed=st.integers(0, 10**6), chunk=st.integers(2, 12))
def test_sequences_in_a_batch_are_sequences_alone(
    rule: Rule, mode: str, lengths: list[int], seed: int, chunk: int, stream: Stream
) -> None:
    alone = sequences(rule, stream, lengths, seed)
    options: dict = {"mode": mode, "chunk": chunk}
    for normaliser in (None, "attention", "sum") if rule.reads_linearly and "key" in alone[0] else (None,):
        options["normaliser"] = normaliser
        initial: dict = {}
        if normaliser == "attention":  # a state of its own
            before = [run(rule, **options, **one).state for one in alone]
            initial = {"initial": {name: torch.cat([each[name] for each in before]).detach() for name in before[0]}}
        expected = []
        for row, one in enumerate(alone):
            own = {"initial": {n: s[row : row + 1] for n, s in initial["initial"].items()}} if initial else {}
            result = run(rule, **options, **(one | own))
            expected.append((result.read, result.state))
        for mask in masks(lengths, seed).values():
            result = run(rule, **options, **(padded(rule, alone, mask) | initial))
            compare(by_row(result, mask), expected, leaves(alone))
        result = run(rule, **options, **(packed(rule, alone, lengths) | initial))
        compare(by_length(result, lengths), expected, leaves(alone))
