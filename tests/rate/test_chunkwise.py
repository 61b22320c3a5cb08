"""The chunkwise forms against the recurrence: reads, last states, and gradients of all that goes in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from neurofwp.rate import Result, run
from neurofwp.rules import RULES, Rule

Stream = Callable[..., dict]

EACH = pytest.mark.parametrize("rule", [rule for rule in RULES if rule.has_chunkwise], ids=lambda rule: rule.id)
EXTREME = pytest.mark.parametrize("extreme", [False, True], ids=["usual", "extreme"])


def test_all_rules_that_the_algebra_is_known_to_let_have_a_chunkwise_form() -> None:
    decaying = {"hebbian", "interpolating", "fixed_decay", "scalar_decay", "key_decay", "mlstm", "ode_hebb", "mesa"}
    correcting = {"delta", "gated_delta", "key_gated_delta", "delta_product", "implicit_delta", "momentum", "ode_delta"}
    transposed = {"oja", "gated_oja", "ode_oja"}
    assert decaying | correcting | transposed <= {rule.id for rule in RULES if rule.has_chunkwise}


def case(rule: Rule, stream: Stream, seed: int, **sizes: object) -> dict:
    """A stream with weights to start from, and parameters of every head where the chunkwise form takes them."""
    made = stream(rule, seed=seed, **sizes)
    batch, _, head, pre = made["query"].shape
    generator = torch.Generator().manual_seed(seed)
    initial = torch.randn(batch, head, made["value"].shape[-1], pre, generator=generator, dtype=torch.float64)
    made["initial"] = 0.5 * initial.to(made["query"])
    free = [parameter for parameter in rule.parameters if parameter.name not in rule.chunkwise_at]
    drawn = {p: 0.7 + 0.3 * torch.rand(head, generator=generator, dtype=torch.float64) for p in free}
    spans = {p: p.domain[1] - p.domain[0] for p in free}
    shares = {
        p.name: p.domain[0] + spans[p] * number if math.isfinite(spans[p]) else number.clamp(*p.domain)
        for p, number in drawn.items()
    }
    made["parameters"] = {name: share.to(made["query"]) for name, share in shares.items()}
    return made


def leaves(given: Mapping) -> dict[str, Tensor]:
    """All tensors that go in, by name."""
    flat = {name: each for name, each in given.items() if isinstance(each, Tensor)}
    return flat | {f"parameter {name}": each for name, each in given["parameters"].items()}


def rebuilt(given: Mapping, tensors: Mapping[str, Tensor]) -> dict:
    made = {name: tensors.get(name, each) for name, each in given.items()}
    made["parameters"] = {name: tensors[f"parameter {name}"] for name in given["parameters"]}
    return made


def with_gradients(rule: Rule, given: Mapping, **mode: object) -> tuple[Result, dict[str, Tensor]]:
    """What comes out, and the gradient of a random weighting of all of it with respect to all that goes in."""
    inputs = {name: each.detach().clone().requires_grad_() for name, each in leaves(given).items()}
    made = run(rule, **mode, **rebuilt(given, inputs))
    generator = torch.Generator().manual_seed(0)
    total = sum(
        (each * torch.randn(each.shape, generator=generator, dtype=torch.float64).to(each)).sum()
        for each in (made.read, *made.state.values())
    )
    gradients = torch.autograd.grad(total, list(inputs.values()), allow_unused=True, materialize_grads=True)
    return made, dict(zip(inputs, gradients, strict=True))


def compare(one: tuple[Result, dict[str, Tensor]], two: tuple[Result, dict[str, Tensor]], most: float) -> None:
    made, expected = (
        {"read": r.read} | r.state | {f"gradient of {n}": g for n, g in grads.items()} for r, grads in (one, two)
    )
    assert made.keys() == expected.keys()
    for name, each in expected.items():
        off = float((made[name].detach() - each.detach()).abs().max())
        scale = max(1e-3, float(each.detach().abs().max()))
        assert off <= most * scale, f"{name}: off by {off:.1e}, of {scale:.1e}"


@EACH
@EXTREME
@pytest.mark.parametrize("time", [1, 63, 64, 100, 257])
def test_chunkwise_is_the_recurrence(rule: Rule, time: int, extreme: bool, stream: Stream) -> None:
    given = case(rule, stream, seed=time, time=time, extreme=extreme, batch=1)
    reference = with_gradients(rule, given, mode="recurrent")
    for chunk in (None, 7):
        compare(with_gradients(rule, given, mode="chunkwise", chunk=chunk), reference, 1e-9)


@EACH
@settings(max_examples=20)
@given(
    sizes=st.fixed_dictionaries(
        {
            "batch": st.integers(1, 3), "time": st.integers(1, 34), "head": st.integers(1, 3),
            "pre": st.integers(1, 6), "post": st.integers(1, 6), "micro": st.integers(1, 3),
        }
    ),
    chunk=st.integers(1, 40),
    extreme=st.booleans(),
    seed=st.integers(0, 10**6),
)  # fmt: skip
def test_at_any_size_and_any_chunk(
    rule: Rule, sizes: dict, chunk: int, extreme: bool, seed: int, stream: Stream
) -> None:
    given_ = case(rule, stream, seed, extreme=extreme, **sizes)
    made = with_gradients(rule, given_, mode="chunkwise", chunk=chunk)
    compare(made, with_gradients(rule, given_, mode="recurrent"), 1e-9)


@EACH
@EXTREME
def test_float32_is_right_to_its_precision(rule: Rule, extreme: bool, stream: Stream) -> None:
    exact = case(rule, stream, seed=3, time=100, extreme=extreme, batch=1)
    single = {name: each.float() if isinstance(each, Tensor) else each for name, each in exact.items()}
    single["parameters"] = {name: each.float() for name, each in exact["parameters"].items()}
    rounded = {name: each.double() if isinstance(each, Tensor) else each for name, each in single.items()}
    rounded["parameters"] = {name: each.double() for name, each in single["parameters"].items()}
    made = with_gradients(rule, single, mode="chunkwise")
    assert made[0].read.dtype == torch.float32
    compare(made, with_gradients(rule, rounded, mode="recurrent"), 1e-4)


@EACH
def test_gradients_are_those_of_finite_differences(rule: Rule, stream: Stream) -> None:
    given = case(rule, stream, seed=4, time=5, batch=1, head=1, pre=3, post=2)
    names = list(leaves(given))

    def reads_and_weights(*inputs: Tensor) -> tuple[Tensor, ...]:
        made = run(rule, mode="chunkwise", chunk=2, **rebuilt(given, dict(zip(names, inputs, strict=True))))
        return made.read, *made.state.values()

    inputs = [each.detach().clone().requires_grad_() for each in leaves(given).values()]
    assert torch.autograd.gradcheck(reads_and_weights, inputs, nondet_tol=1e-12)
