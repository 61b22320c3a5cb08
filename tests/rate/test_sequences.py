"""Padded, left-padded and packed sequences give what each gives alone: reads, last states, gradients."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate import FastWeightLayer, FastWeightStack, Result, run
from neurofwp.rules import RULES, Argument, Rule

from .forms import EACH_MODE
from .sizes import SIZES

Stream = Callable[..., dict]

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
        sizes = {
            dim: size
            for each in rule.arguments
            for dim, size in zip(reversed(each.dims), reversed(made[each.name].shape), strict=False)
        }
        shape = [sizes[dim] for dim in rule.weight_dims]
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
    return row.index_put((wide.new_zeros(1, dtype=torch.int64), wide.nonzero()[:, 0]), signal[0])


def padded(rule: Rule, alone: Sequence[Mapping], mask: Tensor) -> dict:
    """All sequences in one batch, where the mask says."""
    micro_steps, mask = alone[0].get("micro_steps", 1), mask.to(alone[0]["query"].device)
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
    return torch.stack([((each + 0.3) ** 2).sum() for each in (read, *state.values())]).sum()


def leaves(alone: Sequence[Mapping]) -> list[Tensor]:
    found = {id(each): each for one in alone for each in one.values() if isinstance(each, Tensor)}
    return list(found.values())


def close(made: Tensor, expected: Tensor, what: str) -> None:
    scale = max(1.0, float(expected.detach().abs().max())) if expected.numel() else 1.0
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-12 * scale, msg=lambda m: f"{what}: {m}")


def compare(made: Sequence[tuple[Tensor, Mapping]], expected: Sequence[tuple[Tensor, Mapping]], inputs: list) -> None:
    gradients = []
    for results in (made, expected):
        loss = torch.stack([total(*each) for each in results]).sum()
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


def check_batch(
    rule: Rule, mode: str, lengths: list[int], seed: int, chunk: int, stream: Stream, kinds: Sequence[str]
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
        for mask in (masks(lengths, seed)[kind] for kind in kinds):
            result = run(rule, **options, **(padded(rule, alone, mask) | initial))
            compare(by_row(result, mask), expected, leaves(alone))
        result = run(rule, **options, **(packed(rule, alone, lengths) | initial))
        compare(by_length(result, lengths), expected, leaves(alone))


@EACH_MODE
def test_sequences_in_a_batch_are_sequences_alone(rule: Rule, mode: str, stream: Stream) -> None:
    # a layer, below, has padding on one side
    check_batch(rule, mode, [2, 7], 0, 3, stream, ["holes"])


@pytest.mark.slow
@EACH_MODE
@settings(max_examples=10)
@given(lengths=LENGTHS, seed=st.integers(0, 10**6), chunk=st.integers(2, 12))
def test_any_sequences_in_a_batch_are_sequences_alone(
    rule: Rule, mode: str, lengths: list[int], seed: int, chunk: int, stream: Stream
) -> None:
    check_batch(rule, mode, lengths, seed, chunk, stream, ["right", "left", "holes"])


def layer_of(rule: Rule, normaliser: str | None = None) -> FastWeightLayer:
    generator, sizes = torch.Generator().manual_seed(0), SIZES.get(rule.id)
    map_ = "softmax" if normaliser else "silu-l2"
    return FastWeightLayer(rule, 6, 4, 3, 2, map_, normaliser, sizes=sizes, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_layer_gives_each_sequence_what_it_gives_it_alone(rule: Rule) -> None:
    layer, lengths = layer_of(rule), [18, 3, 7]
    check_module(layer, lambda one: layer.advance(one), lengths)


@pytest.mark.parametrize("normaliser", ["attention", "sum"])
def test_a_layer_with_a_normaliser_does_too(normaliser: str) -> None:
    layer = layer_of(RULES[0], normaliser)
    check_module(layer, lambda one: layer.advance(one), [5, 1, 3])


def check_module(layer: FastWeightLayer, alone_of: Callable, lengths: Sequence[int]) -> None:
    generator = torch.Generator().manual_seed(1)
    alone = [torch.randn(1, n, 6, generator=generator, dtype=torch.float64, requires_grad=True) for n in lengths]
    inputs = [*alone, *layer.parameters()]
    expected = [alone_of(one) for one in alone]
    for mask in masks(lengths, seed=2).values():
        rows = [scattered(one, happens, 1) for one, happens in zip(alone, mask, strict=True)]
        y, state = layer.advance(torch.cat(rows), mask=mask)
        assert not y[~mask].any()
        made = [(y[r, mask[r]][None], {n: s[r : r + 1] for n, s in state.items()}) for r in range(len(mask))]
        compare(made, expected, inputs)
    y, state = layer.advance(torch.cat(alone, dim=1), cu_seqlens=(0, *accumulate(lengths)))
    states = [{n: s[r : r + 1] for n, s in state.items()} for r in range(len(lengths))]
    compare(list(zip(y.split(list(lengths), dim=1), states, strict=True)), expected, inputs)


@pytest.mark.parametrize("rule", ["delta", "fixed_decay", "momentum", "delta_product"])
def test_a_stack_lets_nothing_through_from_padding_nor_from_one_sequence_to_another(rule: str) -> None:
    lengths, generator = [18, 1, 7], torch.Generator().manual_seed(3)
    stack = FastWeightStack(
        9, rule, 6, 4, 3, 1, convolution=4, feature_map="silu-l2", sizes=SIZES.get(rule), generator=generator,
        dtype=torch.float64,
    )  # fmt: skip
    alone = [torch.randint(0, 9, (1, length), generator=generator) for length in lengths]
    expected = [stack.advance(one) for one in alone]
    inputs = list(stack.parameters())
    for mask in masks(lengths, seed=4).values():
        tokens = torch.randint(0, 9, mask.shape, generator=generator)
        tokens[mask] = torch.cat(alone, dim=1)[0]
        y, state = stack.advance(tokens, mask=mask)
        compare_stacks([y[row, mask[row]][None] for row in range(3)], state, expected, inputs)
    y, state = stack.advance(torch.cat(alone, dim=1), cu_seqlens=[0, *accumulate(lengths)])
    compare_stacks(list(y.split(lengths, dim=1)), state, expected, inputs)
    # and what was read as a prompt goes on token by token
    token = torch.tensor([1, 2, 3])
    later, _ = stack.step(token, state)
    for row, one in enumerate(alone):
        whole = stack(torch.cat([one, token[row : row + 1, None]], dim=1))
        close(later[row], whole[0, -1], "the next token")


def compare_stacks(logits: list[Tensor], state: list, expected: list, inputs: list) -> None:
    def flat(state: list, row: int) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for index, (past, memory) in enumerate(state):
            found |= {f"{index} {name}": each[row : row + 1] for name, each in {"past": past, **memory}.items()}
        return found

    made = [(each, flat(state, row)) for row, each in enumerate(logits)]
    compare(made, [(y, flat(after, 0)) for y, after in expected], inputs)


@pytest.mark.parametrize("mode", ["recurrent", "chunkwise"])
def test_a_sequence_without_events_keeps_its_state(mode: str, stream: Stream) -> None:
    given_ = stream("gated_delta", batch=1, time=6)
    first = torch.rand(2, 2, 3, 5).to(given_["query"])
    made = run("gated_delta", mode=mode, initial=first, cu_seqlens=(0, 6, 6), **given_)
    assert torch.equal(made.weight[1], first[1])
    mask = given_["query"].new_zeros(1, 6, dtype=torch.bool)
    assert torch.equal(run("gated_delta", mode=mode, initial=first[:1], mask=mask, **given_).weight, first[:1])


def test_a_chunkwise_form_that_knows_no_masks_is_not_used_with_one(stream: Stream) -> None:
    hebbian = RULES[0]
    careless: Rule = type("Careless", (type(hebbian),), {"id": "careless", "chunkwise_skips": False})()
    given_ = stream("hebbian", time=20)
    mask = torch.rand_like(given_["query"][..., 0, 0]) < 0.5
    assert run(careless, **given_).backend == "chunkwise"
    assert run(careless, mask=mask, **given_).backend == "recurrent"
    with pytest.raises(InputError, match="rule 'careless' has no chunkwise form that leaves out events; use mode"):
        run(careless, mask=mask, mode="chunkwise", **given_)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"mask": torch.ones(1, 7)}, "mask must be a tensor of dtype torch.bool, True where an event happens, not"),
        ({"mask": [[True]]}, "mask must be a tensor of dtype torch.bool, True where an event happens, not list"),
        ({"mask": torch.ones(7, 1, dtype=torch.bool)}, "mask must be (batch, time) = (1, 7), but its shape is (7, 1)"),
        ({"mask": torch.ones(1, 7, dtype=torch.bool), "cu_seqlens": (0, 7)}, "give mask or cu_seqlens, not both"),
        ({"cu_seqlens": (0, 3, 6)}, "where the last one ends, at 7, but they go from 0 to 6"),
        ({"cu_seqlens": torch.tensor([1, 7])}, "where the last one ends, at 7, but they go from 1 to 7"),
        ({"cu_seqlens": (0, 5, 3, 7)}, "none before another, but 3 comes after 5"),
        ({"cu_seqlens": torch.tensor([0.0, 7.0])}, "int32 or int64 (sequences + 1,), not torch.float32 (2,)"),
        ({"cu_seqlens": (0, 7.0)}, "a tensor or a sequence of two whole numbers or more, not (0, 7.0)"),
        ({"cu_seqlens": 7}, "a tensor or a sequence of two whole numbers or more, not 7"),
        ({"cu_seqlens": (0,)}, "a tensor or a sequence of two whole numbers or more, not (0,)"),
    ],
)  # fmt: skip
def test_masks_and_offsets_that_do_not_fit_are_refused(wrong: dict, sentence: str, stream: Stream) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        run("delta", **stream("delta", batch=1), **wrong)
    layer = layer_of(RULES[0])
    with pytest.raises(InputError, match=re.escape(sentence)):
        layer(torch.zeros(1, 7, 6, dtype=torch.float64), **wrong)


def test_packed_sequences_need_a_single_row_and_a_state_of_each(stream: Stream) -> None:
    with pytest.raises(InputError, match="cu_seqlens needs tensors of batch 1, .* not batch 2"):
        run("delta", cu_seqlens=(0, 3, 7), **stream("delta", batch=2))
    given_ = stream("delta", batch=1)
    first = given_["query"].new_zeros(1, 2, 3, 5)
    with pytest.raises(InputError, match="initial must begin with batch = 2 and head = 2"):
        run("delta", cu_seqlens=(0, 3, 7), initial=first, **given_)


def test_values_are_checked_where_events_happen(stream: Stream) -> None:
    given_ = stream("delta", batch=1)
    given_["beta"][0, 4] = 3
    mask = given_["query"].new_ones(1, 7, dtype=torch.bool)
    with pytest.raises(InputError, match=re.escape("beta must be in [0, 2], but beta[0, 4, 0] is 3.0")):
        run("delta", mask=mask, **given_)
    mask[0, 4] = False
    run("delta", mask=mask, **given_)
