"""The adapter to flash-linear-attention, against stand-ins in its conventions: time before the head, W transposed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest
import torch
from torch import Tensor

from neurofwp import rules
from neurofwp.errors import InputError
from neurofwp.rate import FastWeightLayer, kernels, run
from neurofwp.rate.evaluation import evaluate

BATCH, TIME, HEADS, PRE, POST = 2, 9, 3, 5, 4


def stand_in(decays: str | None, corrects: bool) -> Callable:
    """A loop over events, in the layout of the kernels: q (batch, time, head, pre), S (batch, head, pre, post)."""

    def kernel(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        *,
        scale: float,
        initial_state: Tensor,
        output_final_state: bool,
        **gates: Tensor,
    ) -> tuple[Tensor, Tensor]:
        assert output_final_state
        assert all(each.is_contiguous() for each in (q, k, v, initial_state))
        assert initial_state.dtype == torch.float32
        state, reads = initial_state.double(), []
        assert state.shape == (BATCH, HEADS, PRE, POST)
        for t in range(q.shape[1]):
            if "g_gamma" in gates:
                state = state * gates["g_gamma"].double().exp()[:, None, None]
            elif decays == "head" and "g" in gates:
                state = state * gates["g"][:, t, :, None, None].exp()
            elif decays == "channel":
                state = state * gates["g"][:, t, :, :, None].exp()
            written = v[:, t]
            if corrects:
                written = gates["beta"][:, t, :, None] * (written - torch.einsum("bhd,bhdv->bhv", k[:, t], state))
            state = state + torch.einsum("bhd,bhv->bhdv", k[:, t], written)
            reads.append(torch.einsum("bhd,bhdv->bhv", scale * q[:, t], state))
        return torch.stack(reads, dim=1), state

    return kernel


STAND_INS = {  # of each module: name, decays, corrects
    "simple_gla": ("simple_gla", "head", False),
    "gla": ("gla", "channel", False),
    "delta_rule": ("delta_rule", None, True),
    "gated_delta_rule": ("gated_delta_rule", "head", True),
    "kda": ("kda", "channel", True),
}


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, (name, decays, corrects) in STAND_INS.items():
        module = ModuleType(f"fla.ops.{folder}")
        setattr(module, f"chunk_{name}", stand_in(decays, corrects))
        monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("rule", kernels.KERNELS)
def test_a_kernel_gets_and_gives_what_the_rule_means(rule: str) -> None:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    arguments = {
        "query": normal(BATCH, TIME, HEADS, PRE),
        "key": torch.nn.functional.normalize(normal(BATCH, TIME, HEADS, PRE), dim=-1),
        "value": normal(BATCH, TIME, HEADS, POST),
        "beta": normal(BATCH, TIME, HEADS).sigmoid(),
    }
    dims = {"pre": PRE}
    decay = rules.get(rule).argument("log_decay")
    if decay is not None:
        arguments["log_decay"] = -normal(BATCH, TIME, HEADS, *(dims[dim] for dim in decay.dims)).exp()
    initial = normal(BATCH, HEADS, POST, PRE).float().double()
    expected = run(rule, mode="recurrent", initial=initial, **arguments)
    query = arguments.pop("query")
    made = rules.get(rule)
    parameters = {p.name: query.new_tensor(p.default) for p in made.parameters}
    if rule == "fixed_decay":
        parameters["decay"] = made.parameters[1].by_head(torch.arange(HEADS).double())
    got = evaluate(
        made, query, arguments, parameters, {"weight": initial}, backend="flash-linear-attention", chunk=made.chunk
    )
    assert got.backend == "flash-linear-attention"
    # the decays of fixed_decay are handed over in float32
    tolerance = 1e-6 if rule == "fixed_decay" else 1e-12
    torch.testing.assert_close(got.read, expected.read, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(got.weight, expected.weight, rtol=tolerance, atol=tolerance)


def test_no_kernel_serves_the_cpu_single_precision_or_parameters_that_it_does_not_know() -> None:
    query = torch.zeros(1, 1, 1, 1)
    rule = rules.get("delta")
    textbook = {p.name: torch.tensor(p.default) for p in rule.parameters}
    assert not kernels.serve(rule, query.bfloat16(), textbook)  # on the CPU
    assert not kernels.serve(rule, OnGpu(torch.float32), textbook)
    half = OnGpu(torch.bfloat16)
    assert not kernels.serve(rules.get("oja"), half, {})
    assert kernels.serve(rule, half, textbook) == kernels.is_installed()
    assert not kernels.serve(rule, half, textbook | {"prediction_gain": torch.tensor(0.5)})


@dataclass
class OnGpu:
    """What is asked of a query."""

    dtype: torch.dtype
    shape: tuple[int, ...] = (1, 1, 1, 64)
    is_cuda: bool = True


@pytest.fixture
def kernels_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this were a GPU with flash-linear-attention: only what depends on sizes is decided."""
    monkeypatch.setattr(kernels, "_knows", lambda rule, query, given: query.dtype in kernels.HALF)


@pytest.mark.usefixtures("kernels_everywhere")
@pytest.mark.parametrize("rule", [rule for rule, kernel in kernels.KERNELS.items() if kernel.widest < 1000])
def test_keys_too_wide_for_a_kernel_run_in_torch_in_single_precision(rule: str, stream: Callable[..., dict]) -> None:
    given = stream(rule, pre=257, time=40, dtype=torch.bfloat16)
    made = run(rule, **given)
    assert (made.backend, made.compute_dtype) == ("chunkwise", torch.float32)
    assert (made.read.dtype, made.weight.dtype) == (torch.bfloat16, torch.float32)
    exact = run(rule, **{name: signal.double() for name, signal in given.items()})
    torch.testing.assert_close(made.weight, exact.weight.float(), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(made.read.float(), exact.read.float(), rtol=1e-2, atol=1e-2)
    after = run(rule, initial=made.state, **given)
    assert after.weight.dtype == torch.float32
    with pytest.raises(InputError, match="half precision needs"):
        run(rule, mode="chunkwise", **given)


@pytest.mark.usefixtures("kernels_everywhere")
def test_a_layer_in_half_precision_whose_keys_are_too_wide_runs_in_torch() -> None:
    layer = FastWeightLayer("delta", d_model=8, d_key=300, d_value=4, heads=1, feature_map="silu-l2").bfloat16()
    x = torch.randn(2, 20, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    y, state = layer.advance(x)
    assert (y.dtype, state["weight"].dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(y.float(), layer.float()(x.float()), rtol=0.05, atol=0.02)


@pytest.mark.usefixtures("library", "kernels_everywhere")
def test_the_widest_keys_run_in_the_kernel(monkeypatch: pytest.MonkeyPatch, stream: Callable[..., dict]) -> None:
    given = stream("delta", pre=256, time=40, dtype=torch.bfloat16)
    taken = []

    def kernel(**signals: Tensor) -> tuple[Tensor, Tensor]:
        taken.append(signals["k"].shape)
        return torch.zeros_like(signals["v"]), signals["v"].new_zeros(2, 2, 256, 3)

    monkeypatch.setattr(sys.modules["fla.ops.delta_rule"], "chunk_delta_rule", kernel)
    assert run("delta", **given).backend == "flash-linear-attention"
    assert taken == [(2, 40, 2, 256)]
