"""What one event's transition can do to a memory: count modulo 2 and 3 (Grazzi et al. 2024, Siems et al. 2025)."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor

from neurofwp.rate import run

BOTH = pytest.mark.parametrize("mode", ["recurrent", "chunkwise"])


def bits(length: int, seed: int) -> Tensor:
    return torch.randint(2, (length,), generator=torch.Generator().manual_seed(seed)).double()


def counted(beta: Tensor, mode: str, device: torch.device) -> Tensor:
    """W after every event (time,), of the delta rule with k = 1, v = 0 and W_0 = 1."""
    one = torch.ones(1, len(beta), 1, 1, dtype=torch.float64, device=device)
    signals = {"query": one, "key": one, "value": 0 * one, "beta": beta.to(device)[None, :, None]}
    return run("delta", initial=one[:, :1], mode=mode, **signals).read.flatten().cpu()


@BOTH
def test_a_gate_of_two_counts_parity_exactly_over_a_thousand_events(mode: str, device: torch.device) -> None:
    for seed in range(5):
        ones = bits(1000, seed)
        parity = 1 - 2 * (ones.cumsum(0) % 2)
        assert torch.equal(counted(2 * ones, mode, device), parity)


@BOTH
@given(gates=st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_gate_up_to_one_never_turns_a_sign(mode: str, gates: list[float], device: torch.device) -> None:
    weight = counted(torch.tensor(gates, dtype=torch.float64), mode, device)
    assert weight.min() >= -1e-14  # to rounding


def transition(rule: str, keys: Tensor, beta: Tensor, **micro: int) -> Tensor:
    """What one event does to any W, from the right: keys (batch, micro, 2), beta (batch, micro)."""
    signals = {"key": keys[:, :, None], "value": torch.zeros_like(keys[:, :, None]), "beta": beta[:, :, None]}
    query = torch.zeros(len(keys), 1, 1, 2, dtype=torch.float64)
    return run(rule, query=query, initial=torch.eye(2).double().expand(len(keys), 1, 2, 2), **signals, **micro).weight[
        :, 0
    ]


def angle(degrees: float | Tensor) -> Tensor:
    radians = torch.as_tensor(degrees, dtype=torch.float64) * math.pi / 180
    return torch.stack([radians.cos(), radians.sin()], dim=-1)


THIRD = torch.stack([angle(120), angle(210)], dim=1)  # a turn by 120 degrees


def test_two_micro_steps_turn_by_120_degrees() -> None:
    # mirrors 60 degrees apart
    two = transition(
        "delta_product", torch.stack([angle(60), angle(0)])[None], torch.full((1, 2), 2.0).double(), micro_steps=2
    )
    torch.testing.assert_close(two[0], THIRD, rtol=0, atol=1e-14)


@BOTH
def test_two_micro_steps_count_modulo_three_over_a_thousand_events(mode: str, device: torch.device) -> None:
    ones = bits(1000, seed=9)
    keys = torch.stack([angle(60), angle(0)]).repeat(1000, 1)[None, :, None]
    signals = {
        "query": angle(0).expand(1, 1000, 1, 2), "key": keys, "value": torch.zeros_like(keys),
        "beta": 2 * ones.repeat_interleave(2)[None, :, None], "initial": torch.eye(2).double()[None, None],
    }  # fmt: skip
    signals = {name: signal.to(device) for name, signal in signals.items()}
    read = run("delta_product", mode=mode, micro_steps=2, **signals).read[0, :, 0].cpu()
    torch.testing.assert_close(read, angle(120 * (ones.cumsum(0) % 3)), rtol=0, atol=1e-12)


def test_one_micro_step_cannot_turn() -> None:
    # I - beta k k' is symmetric, and a turn by 120 degrees is sqrt(2) sin(120 degrees) away from any symmetric matrix;
    # with the turn's determinant, 1, it could only be the identity
    generator = torch.Generator().manual_seed(0)
    beta = 2 * torch.rand(5000, 1, generator=generator, dtype=torch.float64)
    keys = angle(360 * torch.rand(5000, 1, generator=generator, dtype=torch.float64))
    made = transition("delta", keys, beta)
    assert (made - made.mT).abs().max() < 1e-15
    distance = torch.linalg.matrix_norm(made - THIRD)
    assert distance.min() >= math.sqrt(2) * math.sin(2 * math.pi / 3) - 1e-12
    determinant, trace = torch.linalg.det(made), made.diagonal(dim1=-2, dim2=-1).sum(-1)
    torch.testing.assert_close(trace - determinant, torch.ones(5000).double())  # a turn by 120 degrees has -1 and 1


def test_gates_up_to_one_only_shrink_and_gates_up_to_two_mirror() -> None:
    generator = torch.Generator().manual_seed(1)
    keys = angle(360 * torch.rand(500, 1, generator=generator, dtype=torch.float64))
    beta = torch.rand(500, 1, generator=generator, dtype=torch.float64)
    assert torch.linalg.eigvalsh(transition("delta", keys, beta)).min() >= -1e-15
    torch.testing.assert_close(torch.linalg.det(transition("delta", keys, 0 * beta + 2)), -torch.ones(500).double())
