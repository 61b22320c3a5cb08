"""Rules of 2024 to 2026 against loops over the equations of their authors, and which of them were there already."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from neurofwp import rules
from neurofwp.rate import run, softmax_attention
from neurofwp.rules import Event

from .loops import BOTH, arrays, close

Stream = Callable[..., dict]


def softmax(x: np.ndarray) -> np.ndarray:
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


@BOTH
def test_erase_write_delta_against_the_equation_of_gated_deltanet_2(mode: str, stream: Stream) -> None:
    """S = (I - k (b * k)') D S + k (w * v)', S (pre, post)."""
    given = stream("erase_write_delta", seed=1, batch=1, head=1, time=40)
    given["beta"] = torch.ones_like(given["beta"])
    q, k, v, g, b, w = arrays(given, "query", "key", "value", "log_decay", "erase", "write")
    s, made = np.zeros((5, 3)), run("erase_write_delta", mode=mode, **given).read[0, :, 0]
    for t in range(40):
        s = (np.eye(5) - np.outer(k[t], b[t] * k[t])) @ np.diag(np.exp(g[t])) @ s + np.outer(k[t], w[t] * v[t])
        close(made[t], s.T @ q[t])


@BOTH
def test_one_gate_for_all_cells_makes_it_key_gated_delta(mode: str, stream: Stream) -> None:
    given = stream("erase_write_delta", seed=2, time=30)
    gate = torch.rand(2, 30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(given["beta"])
    given |= {name: gate[..., None].expand_as(given[name]) for name in ("erase", "write")}
    other = {name: each for name, each in given.items() if name not in ("erase", "write")}
    one = run("erase_write_delta", mode=mode, **given)
    two = run("key_gated_delta", mode=mode, **other | {"beta": gate * given["beta"]})
    close(one.read, two.read.cpu())
    close(one.weight, two.weight.cpu())


@BOTH
def test_rwkv7_against_its_equations(mode: str, stream: Stream) -> None:
    """Peng et al. 2025: kappa = k * xi, normalised; k~ = k * (1 + (a - 1) alpha); the state, w and a as they stand."""
    given = stream("rwkv7", seed=3, batch=1, head=1, time=40)
    given["beta"] = torch.ones_like(given["beta"])
    q, k, v, log_w, a = arrays(given, "query", "key", "value", "log_decay", "learning_rate")
    xi, alpha = np.random.default_rng(0).uniform(0.2, 1, (2, 5))
    kappa = k * xi / np.linalg.norm(k * xi, axis=1, keepdims=True)
    replacement = k * (1 + (a - 1) * alpha)
    for name, each in (("removal", kappa), ("key", replacement)):
        given[name] = torch.tensor(each)[None, :, None].to(given["key"])
    wkv, made = np.zeros((3, 5)), run("rwkv7", mode=mode, **given).read[0, :, 0]
    for t in range(40):
        transition = np.diag(np.exp(log_w[t])) - np.outer(kappa[t], a[t] * kappa[t])
        wkv = wkv @ transition + np.outer(v[t], replacement[t])
        close(made[t], wkv @ q[t])


@BOTH
def test_rwkv7_that_takes_off_its_key_and_forgets_nothing_else_is_delta(mode: str, stream: Stream) -> None:
    given = stream("delta", seed=4, time=30)
    none = torch.zeros_like(given["key"])
    made = run("rwkv7", mode=mode, log_decay=none, learning_rate=none + 1, **given)
    expected = run("delta", mode=mode, **given)
    close(made.read, expected.read.cpu())
    close(made.weight, expected.weight.cpu())


@BOTH
def test_where_active_cells_fire_alike_rwkv7_is_key_gated_delta(mode: str, stream: Stream) -> None:
    """What the key recalls is then the same before and after the decay, but for a factor."""
    given = stream("key_gated_delta", seed=14, time=30)
    active = given["key"] > given["key"].median(-1, keepdim=True).values
    key = active / active.double().sum(-1, keepdim=True).sqrt()
    given |= {"key": key, "log_decay": torch.where(active, -0.4, given["log_decay"])}
    beta = given["beta"] / 2  # from 0 to 1
    other = {name: each for name, each in given.items() if name != "beta"}
    rate = (beta * float(np.exp(-0.4)))[..., None].expand_as(key)
    instead = other | {"value": beta[..., None] * given["value"], "learning_rate": rate}
    given["beta"] = beta
    one, two = run("rwkv7", mode=mode, **instead), run("key_gated_delta", mode=mode, **given)
    close(one.read, two.read.cpu())
    close(one.weight, two.weight.cpu())


@BOTH
def test_comba_is_gated_delta_with_a_query_less_some_of_the_key(mode: str, stream: Stream) -> None:
    """Hu et al. 2025: S = S (alpha - beta~ k k') + beta v k', o = S (q - d k), with beta~ = alpha b beta as in their
    code, where b, the state feedback, and d, the output feedback, are one number of each head."""
    given = stream("gated_delta", seed=5, batch=1, head=1, time=40)
    q, k, v, beta, g = arrays(given, "query", "key", "value", "beta", "log_decay")
    b, d = 0.6, 0.02
    given["query"] = given["query"] - d * given["key"]
    s, made = np.zeros((3, 5)), run("gated_delta", mode=mode, parameters={"prediction_gain": b}, **given).read
    for t in range(40):
        alpha = np.exp(g[t])
        s = s @ (alpha * np.eye(5) - alpha * b * beta[t] * np.outer(k[t], k[t])) + beta[t] * np.outer(v[t], k[t])
        close(made[0, t, 0], s @ (q[t] - d * k[t]))


@BOTH
def test_momentum_is_titans_with_a_linear_memory(mode: str, stream: Stream) -> None:
    """Behrouz et al. 2025: S = eta S - theta grad, M = (1 - alpha) M + S, all three gates data-dependent."""
    given = stream("momentum", seed=6, batch=1, head=1, time=30)
    q, k, v = (given[name][0, :, 0] for name in ("query", "key", "value"))
    theta, eta, forget = given["beta"][0, :, 0], given["momentum"][0, :, 0], 1 - given["log_decay"][0, :, 0].exp()
    made = run("momentum", mode=mode, **given).read[0, :, 0]
    memory, surprise = torch.zeros(2, 3, 5, dtype=torch.float64, device=q.device)
    for t in range(30):
        leaf = memory.detach().requires_grad_()
        (gradient,) = torch.autograd.grad((leaf @ k[t] - v[t]).square().sum() / 2, leaf)
        surprise = eta[t] * surprise - theta[t] * gradient
        memory = (1 - forget[t]) * memory + surprise
        close(made[t], (memory @ q[t]).cpu())


def fenwick(now: int) -> list[int]:
    """Guo et al. 2025: the level of every event up to `now`: [0, now) is cut from its end into the largest blocks
    whose size is a power of two that divides where they end; a block of 2^i is of level i + 1, and `now` of level 0."""
    levels = [0] * (now + 1)
    end = now
    while end:
        size = end & -end
        levels[end - size : end] = [size.bit_length()] * size
        end -= size
    return levels


@BOTH
@pytest.mark.parametrize("chunk", [None, 5])
def test_log_linear_against_its_definition(mode: str, chunk: int | None, stream: Stream) -> None:
    given = stream("log_linear", seed=7, batch=1, head=1, time=30)  # six levels hold 32 events apart
    q, k, v, beta, g, share = arrays(given, "query", "key", "value", "beta", "log_decay", "level_share")
    made = run("log_linear", mode=mode, chunk=chunk, **given).read[0, :, 0]
    for t in range(30):
        levels = fenwick(t)
        terms = [
            share[t, levels[s]] * np.exp(g[s + 1 : t + 1].sum()) * beta[s] * v[s] * (k[s] @ q[t]) for s in range(t + 1)
        ]
        close(made[t], sum(terms))


@BOTH
def test_log_linear_with_equal_shares_reads_what_scalar_decay_has(mode: str, stream: Stream) -> None:
    given = stream("log_linear", seed=8, time=70)
    before = torch.randn(2, 2, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(given["key"])
    made = run("log_linear", mode=mode, initial=before, **given | {"level_share": 0 * given["level_share"] + 1})
    decay = {name: each for name, each in given.items() if name != "level_share"}
    expected = run("scalar_decay", mode=mode, initial=before, **decay)
    close(made.read, expected.read.cpu())
    close(made.weight, expected.weight.cpu())
    close(made.state["levels"].sum(-3), expected.weight.cpu())


def test_log_linear_keeps_what_is_older_than_its_levels_in_the_last_one(stream: Stream) -> None:
    given = stream("log_linear", seed=9, batch=1, head=1, time=50)
    given["level_share"] = given["level_share"][..., :3]
    q, k, v, beta, g, share = arrays(given, "query", "key", "value", "beta", "log_decay", "level_share")
    made = run("log_linear", mode="chunkwise", **given).read[0, :, 0]
    for t in range(50):
        levels = [min(level, 2) for level in fenwick(t)]
        terms = [
            share[t, levels[s]] * np.exp(g[s + 1 : t + 1].sum()) * beta[s] * v[s] * (k[s] @ q[t]) for s in range(t + 1)
        ]
        close(made[t], sum(terms))


@BOTH
@pytest.mark.parametrize("rule", ["hybrid", "delayed_hybrid"])
def test_hybrids_against_a_loop(rule: str, mode: str, stream: Stream) -> None:
    given = stream(rule, seed=10, batch=1, head=1, time=25)
    q, k, v, beta, share = arrays(given, "query", "key", "value", "beta", "fast_share")
    bias = given["lag_bias"][0].cpu().numpy()
    window = len(bias)
    w, made = np.zeros((3, 5)), run(rule, mode=mode, parameters={"sharpness": 1.3}, **given).read[0, :, 0]
    for t in range(25):
        written = t - window if rule == "delayed_hybrid" else t
        if written >= 0:
            w = w + beta[t] * np.outer(v[written] - w @ k[written], k[written])
        seen = range(max(0, t - window + 1), t + 1)
        weights = softmax(np.array([1.3 * k[s] @ q[t] + bias[t - s] for s in seen]))
        recalled = sum(weight * v[s] for weight, s in zip(weights, seen, strict=True))
        close(made[t], share[t] * (w @ q[t]) + (1 - share[t]) * recalled)


@BOTH
def test_a_hybrid_is_delta_or_softmax_attention_at_the_ends_of_its_share(mode: str, stream: Stream) -> None:
    given = stream("hybrid", seed=11, time=20)
    plain = {name: given[name] for name in ("query", "key", "value")}
    given["lag_bias"] = given["key"].new_zeros(2, 20)
    fast, slow = (run("hybrid", mode=mode, **given | {"fast_share": 0 * given["value"] + share}) for share in (1, 0))
    close(fast.read, run("delta", mode=mode, beta=given["beta"], **plain).read.cpu())
    close(slow.read, softmax_attention(**plain).cpu())


def test_an_mlp_memory_takes_gradient_steps_in_both_of_its_layers(stream: Stream) -> None:
    given = stream("mlp_memory", seed=12, batch=1, head=1, time=12)
    q, k, v, beta = (given[name][0, :, 0] for name in ("query", "key", "value", "beta"))
    made = run("mlp_memory", parameters={"rate": 0.2}, **given)
    layers = [torch.zeros(3, 6, dtype=torch.float64, device=q.device), given["start"][0]]
    gelu = torch.nn.functional.gelu
    for t in range(12):
        out, hidden = (layer.detach().requires_grad_() for layer in layers)
        loss = (v[t] - out @ gelu(hidden @ k[t])).square().sum() / 2
        layers = [
            layer - 0.2 * beta[t] * gradient
            for layer, gradient in zip(layers, torch.autograd.grad(loss, [out, hidden]), strict=True)
        ]
        close(made.read[0, t, 0], (layers[0] @ gelu(layers[1] @ q[t])).cpu())
    close(made.state["hidden_weight"][0, 0], layers[1].cpu())


def test_a_delayed_gate_opens_for_the_key_that_leaves_the_window(stream: Stream) -> None:
    rule, given = rules.get("delayed_hybrid"), stream("delayed_hybrid", seed=13, time=9)
    state = run(rule, **given).state
    p = {"sharpness": torch.tensor(1.0, dtype=torch.float64)}
    others = {"fast_share": given["fast_share"][:, 0], "lag_bias": given["lag_bias"]}
    after = []
    for gate, time in itertools.product((0.0, 1.0), (0, 1)):
        gates = torch.full_like(given["beta"][:, 0], gate)
        key, value = (given[name][:, time] for name in ("key", "value"))
        one = Event(key, value, gates, torch.ones_like(gates), given["query"][:, 0], others)
        after.append(rule.step(type(rule).state(**state), one, p).weight)
    assert torch.equal(after[0], state["weight"])
    assert torch.equal(after[2], after[3]), "what is new is only in the window"
    assert not torch.equal(after[2], state["weight"])
