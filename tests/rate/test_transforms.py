"""Transforms of torch: vmap, grad, jvp, compile, export, autocast, precisions, and layers on the device "meta"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from neurofwp.errors import InputError
from neurofwp.rate import FastWeightLayer, FastWeightStack, run
from neurofwp.rules import RULES, Rule

from .sizes import SIZES

Stream = Callable[..., dict]
Function = Callable[..., tuple[Tensor, ...]]

FORMS = [
    (rule, mode) for rule in RULES for mode in ("recurrent", "chunkwise") if mode == "recurrent" or rule.has_chunkwise
]
EACH_MODE = pytest.mark.parametrize(("rule", "mode"), FORMS, ids=lambda each: getattr(each, "id", each))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def function_of(rule: Rule, mode: str, given: dict) -> tuple[Function, list[str], list[Tensor]]:
    """Reads and states as a function of all tensors that go in, their names, and the tensors."""
    names = [name for name, signal in given.items() if isinstance(signal, Tensor)]

    def function(*tensors: Tensor) -> tuple[Tensor, ...]:
        result = run(rule, mode=mode, chunk=3, **given | dict(zip(names, tensors, strict=True)))
        return result.read, *result.state.values()

    return function, names, [given[name] for name in names]


def squares(function: Function) -> Callable[..., Tensor]:
    def total(*tensors: Tensor) -> Tensor:
        return torch.stack([each.square().sum() for each in function(*tensors)]).sum()

    return total


def close(made: Any, expected: Any) -> None:
    torch.testing.assert_close(made, expected, rtol=1e-11, atol=1e-11)


@EACH_MODE
def test_vmap_over_runs_is_a_loop_over_runs(rule: Rule, mode: str, stream: Stream) -> None:
    function, names, one = function_of(rule, mode, stream(rule, seed=1, time=5))
    _, _, other = function_of(rule, mode, stream(rule, seed=2, time=5))
    both = [torch.stack(pair) for pair in zip(one, other, strict=True)]
    made = torch.func.vmap(function)(*both)
    for index, alone in enumerate((one, other)):
        close(tuple(each[index] for each in made), function(*alone))
    # what is shared need not be copied
    shared = [0 if name == "query" else None for name in names]
    queries = [torch.stack([tensor, tensor]) if axis == 0 else tensor for tensor, axis in zip(one, shared, strict=True)]
    close(torch.func.vmap(function, in_dims=tuple(shared))(*queries)[0][1], function(*one)[0])


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own jvp uses it
@EACH_MODE
def test_gradients_tangents_and_gradients_of_each_sample(rule: Rule, mode: str, stream: Stream) -> None:
    function, _, tensors = function_of(rule, mode, stream(rule, seed=3, time=5))
    inputs = [tensor.clone().requires_grad_() for tensor in tensors]
    expected = torch.autograd.grad(squares(function)(*inputs), inputs, allow_unused=True, materialize_grads=True)
    every = tuple(range(len(tensors)))
    close(torch.func.grad(squares(function), argnums=every)(*tensors), expected)
    # all towards smaller numbers: a log decay of zero has no larger neighbour
    tangents = tuple(-torch.ones_like(tensor) for tensor in tensors)
    _, tangent = torch.func.jvp(squares(function), tuple(tensors), tangents)
    close(tangent, -torch.stack([each.sum() for each in expected]).sum())
    samples = [torch.stack([tensor, tensor]) for tensor in tensors]
    close([each[1] for each in torch.func.vmap(torch.func.grad(squares(function), argnums=every))(*samples)], expected)


def test_gradients_of_each_sample_of_a_layer() -> None:
    layer = FastWeightLayer("gated_delta", 6, 4, 3, 2, "silu-l2", generator=seeded(), dtype=torch.float64)
    x = torch.randn(3, 20, 6, generator=seeded(1), dtype=torch.float64)
    weights = dict(layer.named_parameters())

    def loss(weights: dict[str, Tensor], one: Tensor) -> Tensor:
        made: Tensor = torch.func.functional_call(layer, weights, (one[None],))
        return made.square().sum()

    made = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))({n: w.detach() for n, w in weights.items()}, x)
    for index, one in enumerate(x):
        expected = torch.autograd.grad(layer(one[None]).square().sum(), list(weights.values()))
        close([made[name][index] for name in weights], list(expected))


def check_compiled(rule: Rule, mode: str, given: dict, backend: str) -> None:
    torch.compiler.reset()
    function, _, tensors = function_of(rule, mode, given)
    close(torch.compile(function, fullgraph=True, backend=backend)(*tensors), function(*tensors))
    settings: Any = {"mode": mode, "chunk": 3, "sizes": SIZES.get(rule.id), "dtype": torch.float64}
    layer = FastWeightLayer(rule, 6, 4, 3, 2, "silu-l2", generator=seeded(), **settings)
    x = torch.randn(2, 5, 6, generator=seeded(1), dtype=torch.float64)
    mask = torch.tensor([[True] * 5, [False, True, True, False, True]])
    weights = list(layer.parameters())
    compiled = torch.compile(layer, fullgraph=True, backend=backend)
    made, expected = compiled(x, mask), layer(x, mask)
    close(made, expected)
    gradients = [torch.autograd.grad(each.square().sum(), weights) for each in (made, expected)]
    close(*gradients)


def test_compiled_without_a_graph_break(stream: Stream) -> None:
    rule = next(rule for rule in RULES if rule.id == "gated_delta")
    check_compiled(rule, "chunkwise", stream(rule, time=5), "aot_eager")


@pytest.mark.slow
@EACH_MODE
def test_every_rule_compiles_without_a_graph_break(rule: Rule, mode: str, stream: Stream) -> None:
    check_compiled(rule, mode, stream(rule, time=5), "eager")


def test_packed_sequences_compile_with_offsets_that_are_numbers() -> None:
    stack = FastWeightStack(7, "delta", 6, 4, 3, 1, layers=1, convolution=3, feature_map="silu-l2", generator=seeded())
    tokens = torch.randint(0, 7, (1, 9), generator=seeded(1))
    torch.compiler.reset()
    compiled = torch.compile(stack, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(tokens, cu_seqlens=(0, 4, 9)), stack(tokens, cu_seqlens=(0, 4, 9)))
    with pytest.raises(InputError, match="cu_seqlens must be a tuple of whole numbers under torch.compile"):
        torch.func.vmap(lambda scale: stack.blocks[0].layer(
            scale * torch.ones(1, 9, 6), cu_seqlens=torch.tensor([0, 4, 9])
        ))(torch.ones(2))  # fmt: skip


def test_a_layer_and_a_stack_can_be_exported() -> None:
    x, tokens = torch.randn(2, 20, 6, generator=seeded(1)), torch.randint(0, 7, (2, 20), generator=seeded(2))
    layer = FastWeightLayer("gated_delta", 6, 4, 3, 2, "silu-l2", generator=seeded())
    stack = FastWeightStack(7, "delta", 6, 4, 3, 1, layers=1, convolution=3, feature_map="silu-l2", generator=seeded())
    for module, given in ((layer, x), (stack, tokens)):
        program = torch.export.export(module, (given,))
        torch.testing.assert_close(program.module()(given), module(given))


@EACH_MODE
def test_autocast_does_not_reach_in(rule: Rule, mode: str, stream: Stream) -> None:
    given = stream(rule, time=5, dtype=torch.float32)
    expected = run(rule, mode=mode, **given)
    with torch.autocast(given["query"].device.type, torch.bfloat16):
        made = run(rule, mode=mode, **given)
    torch.testing.assert_close(made.state, expected.state, rtol=0, atol=0)
    torch.testing.assert_close(made.read, expected.read, rtol=0, atol=0)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@EACH_MODE
def test_half_precision_is_computed_in_what_is_asked_for(rule: Rule, mode: str, half: Any, stream: Stream) -> None:
    given = stream(rule, time=5, dtype=half)
    made = run(rule, mode=mode, compute_dtype=torch.float32, **given)
    single = {name: each.float() if isinstance(each, Tensor) else each for name, each in given.items()}
    expected = run(rule, mode=mode, **single)
    assert (made.read.dtype, made.weight.dtype, made.compute_dtype) == (half, torch.float32, torch.float32)
    torch.testing.assert_close(made.read, expected.read.to(half), rtol=0, atol=0)
    torch.testing.assert_close(made.state, expected.state, rtol=0, atol=0)
    later = run(rule, mode=mode, compute_dtype=torch.float32, **given | {"initial": made.state})
    assert later.weight.dtype == torch.float32


def test_a_layer_in_half_precision_computes_in_what_is_asked_for() -> None:
    def make(**settings: Any) -> FastWeightLayer:
        return FastWeightLayer("gated_delta", 6, 4, 3, 2, "silu-l2", generator=seeded(), **settings)

    x = torch.randn(2, 20, 6, generator=seeded(1))
    half = make(dtype=torch.bfloat16, compute_dtype=torch.float32)
    y, state = half.advance(x.bfloat16())
    assert (y.dtype, state["weight"].dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(y.float(), make()(x), rtol=0.05, atol=0.05)
    for wrong in (torch.bfloat16, "float32"):
        with pytest.raises(InputError, match=re.escape("compute_dtype must be torch.float32 or torch.float64, not")):
            make(compute_dtype=wrong)


# of the largest entry, in float32; measured: momentum's trace 3.4e-6, mlstm's gradient of log_input 1.0e-6
LARGER = {"momentum": 5e-6, "mlstm": 2e-6}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_slow_and_instant_decays_beside_each_other(rule: Rule, stream: Stream) -> None:
    """Against the recurrence in float64: reads, states and all gradients, each relative to its largest entry."""
    given = stream(rule, time=70, batch=1, pre=6, post=5)
    if "log_decay" in given:  # of each head, or of each channel
        given["log_decay"][..., ::2] = -0.01
        given["log_decay"][..., 1::2] = -1e4
    if "key" in given:
        given["query"] = normalize(given["query"], dim=-1)
    given = {name: each.float().double() if isinstance(each, Tensor) else each for name, each in given.items()}

    def outcome(dtype: torch.dtype, mode: str) -> dict[str, Tensor]:
        inputs = {n: each.to(dtype).requires_grad_() for n, each in given.items() if isinstance(each, Tensor)}
        result = run(rule, mode=mode, **given | inputs)
        weighting = torch.randn(result.read.shape, generator=seeded(1)).to(result.read)
        loss = (result.read * weighting).sum() + result.weight.sum()
        gradients = torch.autograd.grad(loss, list(inputs.values()), allow_unused=True, materialize_grads=True)
        found = {"read": result.read, **result.state}
        return {n: each.detach().double() for n, each in (found | dict(zip(inputs, gradients, strict=True))).items()}

    expected = outcome(torch.float64, "recurrent")
    modes = ["recurrent", "chunkwise"] if rule.has_chunkwise else ["recurrent"]
    for dtype, most in ((torch.float32, LARGER.get(rule.id, 1e-6)), (torch.float64, 1e-13)):
        for mode in modes:
            for name, each in outcome(dtype, mode).items():
                off, scale = (each - expected[name]).abs().max(), expected[name].abs().max()
                assert off <= most * scale, f"{name}, {mode}, {dtype}: {off / scale:.1e}"


@pytest.mark.parametrize("rule", ["mesa", "self_referential", "recurrent_delta", "gated_delta"])
def test_a_layer_can_be_made_without_numbers_and_filled_later(rule: str) -> None:
    shape = (rule, 6, 4, 3, 2, "favor+-5" if rule == "gated_delta" else "identity")
    expected = FastWeightLayer(*shape, generator=seeded(3))
    with torch.device("meta"):
        layer = FastWeightLayer(*shape)
    assert all(tensor.is_meta for tensor in layer.state_dict().values())
    assert layer(torch.zeros(2, 20, 6, device="meta")).shape == (2, 20, 6)
    layer.to_empty(device="cpu").reset_parameters(seeded(3))
    torch.testing.assert_close(layer.state_dict(), expected.state_dict(), rtol=0, atol=0)
    x = torch.randn(2, 20, 6, generator=seeded(1))
    torch.testing.assert_close(layer(x), expected(x), rtol=0, atol=0)


def test_a_stack_can_be_made_without_numbers_and_in_any_dtype() -> None:
    def make(**settings: Any) -> FastWeightStack:
        return FastWeightStack(7, "delta", 6, 4, 3, 1, convolution=3, feature_map="silu-l2", **settings)

    tokens = torch.randint(0, 7, (2, 20), generator=seeded(2))
    single = make(generator=seeded(1))
    double = make(generator=seeded(1), dtype=torch.float64)
    empty = make(device="meta")
    assert empty(tokens.to("meta")).shape == (2, 20, 7)
    empty.to_empty(device="cpu").reset_parameters(seeded(1))
    torch.testing.assert_close(empty(tokens), single(tokens), rtol=0, atol=0)
    torch.testing.assert_close(double(tokens), single.double()(tokens), rtol=0, atol=0)
