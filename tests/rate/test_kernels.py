"""The adapter to flash-linear-attention, against stand-ins in its conventions: time before the head, W transposed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor

from neurofwp import rules
from neurofwp.rate import kernels, run
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


STAND_INS = {
    "fla.ops.simple_gla": ("chunk_simple_gla", "head", False),
    "fla.ops.gla": ("chunk_gla", "channel", False),
    "fla.ops.delta_rule": ("chunk_delta_rule", None, True),
    "fla.ops.gated_delta_rule": ("chunk_gated_delta_rule", "head", True),
    "fla.ops.kda": ("chunk_kda", "channel", True),
}


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (function, decays, corrects) in STAND_INS.items():
        module = ModuleType(name)
        setattr(module, function, stand_in(decays, corrects))
        monkeypatch.setitem(sys.modules, name, module)


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

    class OnGpu:
        is_cuda = True

        def __init__(self, dtype: torch.dtype) -> None:
            self.dtype = dtype

    assert not kernels.serve(rule, OnGpu(torch.float32), textbook)
    half = OnGpu(torch.bfloat16)
    assert not kernels.serve(rules.get("oja"), half, {})
    assert kernels.serve(rule, half, textbook) == kernels.is_installed()
    assert not kernels.serve(rule, half, textbook | {"prediction_gain": torch.tensor(0.5)})


@pytest.mark.skipif(find_spec("fla") is None, reason="flash-linear-attention is not installed")
@pytest.mark.parametrize("rule", kernels.KERNELS)
def test_the_installed_library_takes_these_arguments(rule: str) -> None:
    module, function, _ = kernels.KERNELS[rule]
    spec = find_spec("fla")
    assert spec is not None
    assert spec.submodule_search_locations
    source = Path(spec.submodule_search_locations[0], *module.split(".")[1:], "chunk.py").read_text()
    (found,) = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef) and n.name == function)
    takes = {argument.arg for argument in (*found.args.args, *found.args.kwonlyargs)}
    needed = {"q", "k", "v", "scale", "initial_state", "output_final_state"}
    gates = {"fixed_decay": {"g_gamma"}, "delta": {"beta"}, "hebbian": set()}.get(rule)
    if gates is None:
        gates = {"g", "beta"} if "delta" in rule else {"g"}
    assert needed | gates <= takes
