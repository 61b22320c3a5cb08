"""Rules that remember more than weights, against plain loops over numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given as drawn, strategies as st

from neurofwp.rate import run

Stream = Callable[..., dict]
BOTH = pytest.mark.parametrize("mode", ["recurrent", "chunkwise"])


def arrays(given: dict, *names: str) -> tuple[np.ndarray, ...]:
    """One batch and head, (time, dim)."""
    return tuple(given[name][0, :, 0].double().cpu().numpy() for name in names)


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def plain_mlstm(given: dict) -> np.ndarray:
    """Reads (time, post) by the equations as they stand, without the running maximum: gates are exponentials."""
    q, k, v, log_input, log_forget = arrays(given, "query", "key", "value", "log_input", "log_decay")
    c, n, reads = np.zeros((v.shape[1], k.shape[1])), np.zeros(k.shape[1]), []
    for t in range(len(q)):
        i, f = np.exp(log_input[t]), np.exp(log_forget[t])
        c, n = f * c + i * np.outer(v[t], k[t]), f * n + i * k[t]
        reads.append(c @ q[t] / max(abs(n @ q[t]), 1))
    return np.array(reads)


@BOTH
def test_mlstm_equals_its_equations_without_stabilisation(mode: str, stream: Stream) -> None:
    given = stream("mlstm", seed=1, batch=1, head=1, time=80)
    made = run("mlstm", mode=mode, **given)
    np.testing.assert_allclose(made.read[0, :, 0].cpu(), plain_mlstm(given), rtol=1e-12, atol=1e-12)


@BOTH
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_mlstm_reads_stay_right_where_its_gates_overflow(mode: str, dtype: torch.dtype, stream: Stream) -> None:
    # exp(300) is beyond float32, and within reach of the plain equations in float64
    given = stream("mlstm", seed=2, batch=1, head=1, time=80, dtype=dtype)
    gates = 600 * torch.rand(80, generator=torch.Generator().manual_seed(2)) - 300
    gates[:5] = torch.tensor([-300.0, -300, 300, 300, -300])
    given["log_input"] = gates.to(given["query"])[None, :, None]
    made = run("mlstm", mode=mode, **given)
    assert all(tensor.isfinite().all() for tensor in (made.read, made.weight))
    tolerance = {torch.float32: 2e-4, torch.float64: 1e-11}[dtype]
    expected = plain_mlstm(given)
    np.testing.assert_allclose(made.read[0, :, 0].cpu(), expected, rtol=tolerance, atol=tolerance * abs(expected).max())


@BOTH
@drawn(shift=st.floats(-300, 300))
def test_mlstm_reads_do_not_depend_on_the_unit_of_what_is_written(mode: str, shift: float, stream: Stream) -> None:
    given = stream("mlstm", seed=3, time=20)
    given |= {name: given[name].abs() for name in ("query", "key")}
    given["log_input"] = given["log_input"] + 310  # all gates so open that max(|n.q|, 1) is |n.q|
    shifted = given | {"log_input": given["log_input"] + shift}
    reads = [run("mlstm", mode=mode, **each).read for each in (given, shifted)]
    torch.testing.assert_close(*reads, rtol=1e-11, atol=1e-11)


def test_the_bcm_threshold_follows_the_mean_square_of_activity(stream: Stream) -> None:
    given = stream("bcm", seed=4, batch=1, head=1, time=300)
    (v,) = arrays(given, "value")
    made = run("bcm", parameters={"threshold": 0.3, "memory": 20.0}, **given).state["threshold"][0, 0].cpu()
    kept = (1 - 1 / 20) ** np.arange(300)[::-1]
    np.testing.assert_allclose(made, (kept[:, None] * v**2 / 20).sum(0) + 0.95**300 * 0.3, rtol=1e-12)
    constant = given | {"value": torch.full_like(given["value"], 0.7)}
    settled = run("bcm", parameters={"memory": 5.0}, **constant).state["threshold"]
    torch.testing.assert_close(settled, torch.full_like(settled, 0.49), rtol=1e-12, atol=0)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_bcm_depresses_below_its_threshold_and_potentiates_above(threshold: float, device: torch.device) -> None:
    value = torch.linspace(0.05, 1, 20, dtype=torch.float64, device=device)[None, None, None]
    key = torch.ones(1, 1, 1, 1, dtype=torch.float64, device=device)
    change = run("bcm", query=key, key=key, value=value, parameters={"threshold": threshold}).weight.flatten()
    torch.testing.assert_close(change, (value * (value - threshold)).flatten())
    inside = (value.flatten() - threshold).abs() > 1e-12
    assert torch.equal(change.sign()[inside], (value.flatten() - threshold).sign()[inside])


def test_one_hot_slot_gates_store_pairs_exactly(stream: Stream) -> None:
    given = stream("three_factor", seed=5, time=5, slot=5, post=4)
    given["beta"] = torch.ones_like(given["beta"])
    slots = torch.tensor([3, 0, 4, 1, 2], device=given["key"].device)
    given["slot_gate"] = torch.nn.functional.one_hot(slots, 5).double()[None, :, None].expand(2, 5, 2, 5)
    given["key"] = torch.eye(5, dtype=torch.float64, device=slots.device)[None, :, None].expand(2, 5, 2, 5)
    made = run("three_factor", **given)
    assert torch.equal(made.weight[..., slots], given["value"].permute(0, 2, 3, 1))
    assert torch.equal(made.state["key_memory"][:, :, slots], given["key"].transpose(1, 2))
    asked = given | {"query": given["key"], "beta": 0 * given["beta"]}
    read = run("three_factor", initial=made.state, parameters={"sharpness": 100.0}, **asked).read
    torch.testing.assert_close(read, given["value"], rtol=1e-12, atol=1e-12)
    blunt = run("three_factor", initial=made.state, parameters={"sharpness": 0.0}, **asked).read
    torch.testing.assert_close(blunt, given["value"].mean(1, keepdim=True).expand_as(blunt), rtol=1e-12, atol=1e-12)


def test_three_factor_slots_against_a_loop(stream: Stream) -> None:
    given = stream("three_factor", seed=6, batch=1, head=1, time=12)
    q, x, v, mu, gamma = arrays(given, "query", "key", "value", "beta", "slot_gate")
    keys, values = np.zeros((4, 5)), np.zeros((3, 4))
    made = run("three_factor", parameters={"sharpness": 1.7}, **given).read[0, :, 0].cpu()
    for t in range(12):
        for i in range(4):
            keys[i] += mu[t] * gamma[t, i] * (x[t] - keys[i])
            values[:, i] += mu[t] * gamma[t, i] * (v[t] - values[:, i])
        np.testing.assert_allclose(made[t], values @ softmax(1.7 * keys @ q[t]), rtol=0, atol=1e-12)


@BOTH
def test_momentum_against_a_loop(mode: str, stream: Stream) -> None:
    given = stream("momentum", seed=7, batch=1, head=1, time=40)
    q, k, v, beta, log_decay, eta = arrays(given, "query", "key", "value", "beta", "log_decay", "momentum")
    w, s = np.zeros((2, 3, 5))
    made = run("momentum", mode=mode, **given).read[0, :, 0].cpu()
    for t in range(40):
        s = eta[t] * s + beta[t] * np.outer(v[t] - w @ k[t], k[t])
        w = np.exp(log_decay[t]) * w + s
        np.testing.assert_allclose(made[t], w @ q[t], rtol=1e-12, atol=1e-12)


def test_a_trace_goes_on_moving_the_weights_after_the_event(stream: Stream) -> None:
    # one write, then silence: the weights end at the write times 1 + eta + eta^2 + ...
    given = stream("momentum", seed=8, batch=1, head=1, time=60)
    given |= {"momentum": 0 * given["beta"] + 0.5, "log_decay": 0 * given["beta"]}
    given["beta"] = torch.nn.functional.pad(given["beta"][:, :1], (0, 0, 0, 59))
    first = run("momentum", **{name: signal[:, :1] for name, signal in given.items()}).weight
    torch.testing.assert_close(run("momentum", **given).weight, 2 * first, rtol=1e-12, atol=1e-12)


def test_self_referential_against_a_loop(stream: Stream) -> None:
    given = stream("self_referential", seed=9, batch=1, head=1, time=15, pre=4, post=3)
    (x,) = arrays(given, "query")
    w = given["initial"][0, 0].cpu().numpy().copy()
    block = np.repeat(np.arange(4), [3, 4, 4, 4])  # of each row: output, query, key, write strengths
    made = run("self_referential", **given)
    for t in range(15):
        out = w @ x[t]
        np.testing.assert_allclose(made.read[0, t, 0].cpu(), out[:3], rtol=0, atol=1e-12)
        query, key, beta = softmax(out[3:7]), softmax(out[7:11]), sigmoid(out[11:])
        old, new = w @ key, w @ query
        for row in range(len(w)):
            w[row] = w[row] + beta[block[row]] * (new[row] - old[row]) * key
    np.testing.assert_allclose(made.weight[0, 0].cpu(), w, rtol=0, atol=1e-12)


def test_recurrent_delta_against_a_loop(stream: Stream) -> None:
    given = stream("recurrent_delta", seed=10, batch=1, head=1, time=15)
    q, k, v, beta = arrays(given, "query", "key", "value", "beta")
    r = given["recurrent"][0].cpu().numpy()
    w, y = np.zeros((3, 5)), np.zeros(3)
    made = run("recurrent_delta", **given).read[0, :, 0].cpu()
    for t in range(15):
        heard = r @ np.tanh(y)
        query, key = softmax(q[t] + heard[:5]), softmax(k[t] + heard[5:10])
        w = w + sigmoid(beta[t] + heard[13]) * np.outer(v[t] + heard[10:13] - w @ key, key)
        y = w @ query
        np.testing.assert_allclose(made[t], y, rtol=0, atol=1e-12)
