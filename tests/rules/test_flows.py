"""Rules that are differential equations, against a solver of such equations."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from neurofwp import rules
from neurofwp.rate import run, scan

Stream = Callable[..., dict]

FLOWS = {
    "ode_hebb": lambda w, k, v: np.outer(v, k),
    "ode_oja": lambda w, k, v: np.outer(v, k - w.T @ v),
    "ode_delta": lambda w, k, v: np.outer(v - w @ k, k),
}


@pytest.mark.parametrize("mode", ["recurrent", "chunkwise"])
@pytest.mark.parametrize("rule", FLOWS)
def test_an_event_is_one_unit_of_time_of_its_flow(rule: str, mode: str, stream: Stream) -> None:
    given = stream(rule, seed=1, batch=1, head=1, time=6)
    # weak, strong and absent activity: relaxation from hardly begun to complete
    sizes = torch.tensor([1e-4, 0.1, 1, 5, 0, 2], dtype=torch.float64, device=given["key"].device)[None, :, None, None]
    given["key"], given["value"] = sizes * given["key"], sizes.flip(1) * given["value"]
    made = run(rule, mode=mode, **given).read[0, :, 0].cpu()
    q, k, v, beta = (given[name][0, :, 0].cpu().numpy() for name in ("query", "key", "value", "beta"))
    w = np.zeros((3, 5))
    for t in range(6):

        def slope(_: float, flat: np.ndarray, t: int = t) -> np.ndarray:
            return beta[t] * FLOWS[rule](flat.reshape(3, 5), k[t], v[t]).ravel()

        w = solve_ivp(slope, (0, 1), w.ravel(), method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1].reshape(3, 5)
        np.testing.assert_allclose(made[t], w @ q[t], rtol=0, atol=1e-11)


@pytest.mark.parametrize("size", [0.0, 1e-6, 9.9e-4, 1.01e-3, 0.3, 2.0, 50.0])
def test_what_a_delta_flow_writes_saturates_without_overshoot(size: float, stream: Stream) -> None:
    given = stream("ode_delta", seed=4, time=1)
    key = size * given["key"]
    recalled = run("ode_delta", **given | {"key": key, "query": key}).read
    expected = -torch.expm1(-given["beta"] * size**2)[..., None] * given["value"]
    torch.testing.assert_close(recalled, expected, rtol=1e-12, atol=0)


BTSP = rules.get("btsp")
P = BTSP.defaults()


def logistic(x: ArrayLike, midpoint: float, slope: float) -> np.ndarray:
    return 1 / (1 + np.exp(-slope * (np.asarray(x) - midpoint)))


def rescaled(x: np.ndarray, midpoint: float, slope: float) -> np.ndarray:
    low, high = logistic(0, midpoint, slope), logistic(1, midpoint, slope)
    return (logistic(x, midpoint, slope) - low) / (high - low)


def btsp_slope(_: float, state: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The three equations, state = weights, eligibility, instructive."""
    pre, post = len(k), len(v)
    w, e, i = state[: post * pre].reshape(post, pre), state[post * pre : -post], state[-post:]
    overlap = np.outer(i, e)
    up = P["k_plus"] * rescaled(overlap, P["a_plus"], P["b_plus"])
    down = P["k_minus"] * rescaled(overlap, P["a_minus"], P["b_minus"])
    change = (P["w_max"] - w) * up - w * down
    return np.concatenate([change.ravel(), (k - e) / P["tau_e"], (v - i) / P["tau_i"]])


def test_btsp_follows_its_three_equations_and_converges_on_them_as_steps_shorten(stream: Stream) -> None:
    given = stream("btsp", seed=2, batch=1, head=1, time=8)
    keys, values = (given[name][0, :, 0].cpu().numpy() for name in ("key", "value"))
    before = torch.rand(3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    state = np.concatenate([before.numpy().ravel(), np.zeros(5 + 3)])
    for k, v in zip(keys, values, strict=True):
        solved = solve_ivp(btsp_slope, (0, 1), state, args=(k, v), method="DOP853", rtol=1e-12, atol=1e-13)
        state = solved.y[:, -1]
    errors = []
    for parts in (1, 2, 4):  # each event cut into parts, which have substeps of their own
        cut = {name: given[name].repeat_interleave(parts, dim=1) for name in ("query", "key", "value")}
        made = run("btsp", initial=before[None, None].to(cut["key"]), parameters={"duration": 1 / parts}, **cut)
        errors.append(float((made.weight.cpu().flatten() - torch.from_numpy(state[:15])).abs().max()))
        traces = torch.cat([made.state[name].flatten() for name in ("eligibility", "instructive")])
        np.testing.assert_allclose(traces.cpu(), state[15:], rtol=0, atol=1e-11)
    assert errors[0] < 2e-3
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(4, rel=0.1)  # second order


def test_one_plateau_potentiates_weak_and_depresses_strong_synapses_over_seconds() -> None:
    """The map of single pairings of Milstein et al. 2021: one spike at a time before (-) or after a plateau of 300 ms.

    A spike and the plateau drive their traces to a maximum of 1, and events are 50 ms long.
    """
    width, onset = 0.05, 4.1
    delays = torch.tensor([-4, -2, -1, 0, 1, 2], dtype=torch.float64)
    length = round((onset + 5) / width)
    p = {name: torch.tensor(number, dtype=torch.float64) for name, number in (P | {"duration": width}).items()}
    value = torch.zeros(length, 1, dtype=torch.float64)
    value[round(onset / width) : round((onset + 0.3) / width)] = 1 / (1 - np.exp(-0.3 / P["tau_i"]))
    key = torch.zeros(length, len(delays), dtype=torch.float64)
    key[((onset + delays) / width).round().long(), torch.arange(len(delays))] = 1 / (1 - np.exp(-width / P["tau_e"]))
    initial = torch.tensor([1.0, 4.0], dtype=torch.float64)[:, None, None].expand(2, 1, len(delays))
    always = torch.ones(length, dtype=torch.float64)
    change = scan(BTSP, p, key, value, always, always, initial=initial)[:, -1, 0] - initial[:, 0]
    # a spike within 50 ms is spread over them, which moves a little
    np.testing.assert_allclose(change[0, :5], [-0.01, 0.08, 0.32, 0.71, 0.01], rtol=0, atol=0.02)
    np.testing.assert_allclose(change[1], [-0.46, -1.00, -1.17, -1.23, -0.66, -0.08], rtol=0, atol=0.02)
    assert (change[0, 1:4] > 0).all()
    assert (change[1] < 0).all()


def test_no_plateau_no_plasticity_whatever_the_cell_does(stream: Stream) -> None:
    given = stream("btsp", seed=3)
    given["value"] = 0 * given["value"]
    before = torch.rand(2, 2, 3, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(given["key"])
    assert torch.equal(run("btsp", initial=before, **given).weight, before)
