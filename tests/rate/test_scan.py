"""The rate network against plain loops over numbers, written without the library's steps."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from neurofwp import program, rules
from neurofwp.rate import RateNetwork, scan
from neurofwp.rules import RULES

EPISODES, EVENTS, PRE, POST = 2, 7, 6, 4

# the rules that have a loop below
PARAMETERS = {
    "hebbian": {"rate": 0.7},
    "fixed_decay": {"rate": 0.7, "decay": 0.9},
    "scalar_decay": {"rate": 0.7, "decay_open": 0.85, "decay_closed": 0.95},
    "delta": {"rate": 0.8, "prediction_gain": 0.9, "prediction_threshold": 0.05},
    "gated_delta": {"rate": 0.8, "prediction_gain": 0.9, "prediction_threshold": 0.05, "decay": 0.93},
    "soft_bound": {"g_plus": 0.9, "g_minus": 0.6, "w_max": 1.3},
    "outstar": {"rate": 0.8, "scale": 1.4},
    "calcium_threshold": {
        "rate_p": 0.8, "rate_d": 0.5, "theta_p": 0.5, "theta_d": 0.2, "slope": 0.07, "drive_offset": 0.6, "w_max": 1.2,
    },
    "oja": {"rate": 0.4, "scale": 1.5},
    "bcm": {"threshold": 0.3, "memory": 4.0},
    "nearest_pair": {"g_plus": 0.9, "g_minus": 0.7, "saturation_pre": 1.4, "saturation_post": 2.5},
    "interpolating": {}, "key_decay": {}, "key_gated_delta": {}, "implicit_delta": {}, "gated_oja": {},
    "ode_hebb": {}, "ode_oja": {}, "ode_delta": {},
}  # fmt: skip


PROGRAM_RULES = [rule for rule in RULES if rule.runs_programs]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def soft(y: float, threshold: float) -> float:
    return math.copysign(max(abs(y) - threshold, 0.0), y)


def flown(gate: float, x: np.ndarray) -> float:
    """The strength of a write that relaxes along x for one unit of time."""
    norm = sum(each**2 for each in x)
    return (1 - math.exp(-gate * norm)) / norm if norm else gate


def step(rule: str, p: dict, w: np.ndarray, k: np.ndarray, v: np.ndarray, gate: float, retention: float) -> np.ndarray:
    """One event; BCM's thresholds are a last column of w."""
    new = np.empty_like(w)
    if rule in ("gated_delta", "key_decay", "key_gated_delta", "gated_oja"):
        w = w * (retention * p.get("decay", 1))
    # what is written, and how strongly, by rules that are another one with a strength of their own
    same = {"ode_delta": "delta", "implicit_delta": "delta", "key_gated_delta": "delta", "gated_delta": "delta",
            "ode_oja": "oja", "gated_oja": "oja", "ode_hebb": "hebbian", "key_decay": "hebbian"}  # fmt: skip
    if rule in ("ode_delta", "ode_oja"):
        gate = flown(gate, k if rule == "ode_delta" else v)
    if rule == "implicit_delta":
        gate = gate / (1 + gate * sum(each**2 for each in k))
    rule = same.get(rule, rule)
    p = {"rate": 1, "scale": 1, "prediction_gain": 1, "prediction_threshold": 0} | p
    for i in range(len(v)):
        if rule == "bcm":
            theta = w[i, -1]
            new[i, -1] = theta + (v[i] ** 2 - theta) / p["memory"]
        prediction = sum(w[i, j] * k[j] for j in range(PRE))
        for j in range(PRE):
            old = w[i, j]
            if rule == "interpolating":
                new[i, j] = (1 - gate) * old + gate * v[i] * k[j]
            elif rule == "bcm":
                new[i, j] = old + gate * v[i] * (v[i] - theta) * k[j]
            elif rule == "hebbian":
                new[i, j] = old + p["rate"] * gate * v[i] * k[j]
            elif rule == "fixed_decay":
                new[i, j] = p["decay"] * old + p["rate"] * gate * v[i] * k[j]
            elif rule == "scalar_decay":
                alpha = retention * (gate * p["decay_open"] + (1 - gate) * p["decay_closed"])
                new[i, j] = alpha * old + p["rate"] * gate * v[i] * k[j]
            elif rule == "delta":
                error = v[i] - p["prediction_gain"] * soft(prediction, p["prediction_threshold"])
                new[i, j] = old + p["rate"] * gate * error * k[j]
            elif rule == "soft_bound":
                grow = p["g_plus"] * (p["w_max"] - old) * v[i] * k[j]
                new[i, j] = old + gate * (grow - p["g_minus"] * old * k[j] ** 2)
            elif rule == "outstar":
                new[i, j] = old + p["rate"] * gate * k[j] * (p["scale"] * v[i] - old)
            elif rule == "calcium_threshold":
                c = k[j] * (p["drive_offset"] + v[i])
                up = p["rate_p"] * sigmoid((c - p["theta_p"]) / p["slope"]) * (p["w_max"] - old)
                down = p["rate_d"] * sigmoid((c - p["theta_d"]) / p["slope"]) * old
                new[i, j] = old + gate * k[j] * (up - down)
            elif rule == "nearest_pair":
                up = p["g_plus"] * k[j] / (1 + p["saturation_pre"] * abs(k[j])) * v[i]
                down = p["g_minus"] * v[i] / (1 + p["saturation_post"] * abs(v[i])) * k[j]
                new[i, j] = old + gate * (up - down)
            elif rule == "oja":
                back = sum(w[m, j] * v[m] for m in range(len(v)))
                new[i, j] = old + p["rate"] * gate * v[i] * (p["scale"] * k[j] - back)
            else:
                raise NotImplementedError(rule)
    return new


def task(seed: int = 0) -> xr.Dataset:
    """Overlapping graded keys, rewritten, with gates and retentions between 0 and 1, reads on every other event."""
    rng = np.random.default_rng(seed)
    keys = rng.random((EPISODES, 3, PRE)) * (rng.random((EPISODES, 3, PRE)) < 0.7)
    keys[:, :, 0] = 0.5
    which = np.arange(EVENTS) % 3
    query = keys[:, which] * (np.arange(EVENTS) % 2)[:, None]
    return program.from_arrays(
        keys[:, which],
        rng.uniform(-1, 1, (EPISODES, EVENTS, POST)),
        query=query,
        write_gate=rng.random((EPISODES, EVENTS)),
        retention=rng.uniform(0.8, 1, (EPISODES, EVENTS)),
    )


def loop(
    rule: str, given: xr.Dataset, on_off: bool, nonnegative: bool, unit_keys: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (episode, event, polarity, post, pre) and reads (episode, event, post)."""
    pools = (lambda v: ((1 + v) / 2, (1 - v) / 2)) if on_off else (lambda v: (v,))
    weight = np.zeros((EPISODES, EVENTS, 2 if on_off else 1, POST, PRE))
    recall = np.full((EPISODES, EVENTS, POST), np.nan)
    for e in range(EPISODES):
        now = [np.zeros((POST, PRE)) for _ in range(weight.shape[2])]
        if rule == "bcm":
            now = [np.c_[w, np.full(POST, PARAMETERS[rule]["threshold"])] for w in now]
        for t in range(EVENTS):
            signals = given.isel(episode=e, event=t)
            k, q = (signals[name].values.copy() for name in ("key", "query"))
            if unit_keys:
                k, q = (x / math.sqrt(sum(x**2)) if any(x) else x for x in (k, q))
            for pool, v in enumerate(pools(signals["value"].values)):
                now[pool] = step(
                    rule, PARAMETERS[rule], now[pool], k, v, float(signals["write_gate"]), float(signals["retention"])
                )
                if nonnegative:
                    now[pool] = np.maximum(now[pool], 0)
                weight[e, t, pool] = now[pool][:, :PRE]
            if any(q):
                pools_now = weight[e, t]
                signed = pools_now[0] - pools_now[1] if on_off else pools_now[0]
                recall[e, t] = [sum(signed[i] * q) for i in range(POST)]
    return weight, recall


@pytest.mark.parametrize("unit_keys", [True, False])
@pytest.mark.parametrize("nonnegative", [True, False])
@pytest.mark.parametrize("on_off", [True, False])
@pytest.mark.parametrize("rule", PARAMETERS)
def test_weights_and_reads_equal_a_loop_over_numbers(
    rule: str, on_off: bool, nonnegative: bool, unit_keys: bool, device: torch.device
) -> None:
    given = task()
    network = RateNetwork(
        rule, parameters=PARAMETERS[rule], on_off=on_off, bounds=(0, math.inf) if nonnegative else None,
        unit_keys=unit_keys, device=device.type,
    )  # fmt: skip
    made = network.run(given)
    weight, recall = loop(rule, given, on_off, nonnegative, unit_keys)
    signed = weight[:, :, 0] - weight[:, :, 1] if on_off else weight[:, :, 0]
    np.testing.assert_allclose(made["weight"], signed, rtol=0, atol=1e-12)
    np.testing.assert_allclose(made["recall"], recall, rtol=0, atol=1e-12)
    if on_off:
        np.testing.assert_allclose(made["conductance"], weight, rtol=0, atol=1e-12)
        assert not nonnegative or (made["conductance"] >= 0).all()


def test_a_scan_goes_on_from_where_another_stopped() -> None:
    generator = torch.Generator().manual_seed(0)
    rule = rules.get("gated_delta")
    p = {name: torch.tensor(number) for name, number in PARAMETERS["gated_delta"].items()}
    key, value, gate, retention = (
        torch.rand(*shape, generator=generator) for shape in ((3, 9, PRE), (3, 9, POST), (3, 9), (3, 9))
    )
    whole = scan(rule, p, key, value, gate, retention)
    first = scan(rule, p, key[:, :4], value[:, :4], gate[:, :4], retention[:, :4])
    second = scan(rule, p, key[:, 4:], value[:, 4:], gate[:, 4:], retention[:, 4:], initial=first[:, -1])
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


@pytest.mark.parametrize("rule", PROGRAM_RULES, ids=lambda rule: rule.id)
def test_gradients_through_a_whole_scan(rule: rules.Rule, device: torch.device) -> None:
    generator = torch.Generator().manual_seed(1)
    key, value = (torch.rand(2, 4, size, generator=generator, dtype=torch.float64) for size in (3, 2))
    gate, retention = torch.rand(2, 2, 4, generator=generator, dtype=torch.float64).unbind()
    inputs = [each.to(device).requires_grad_() for each in (key, value, gate)]
    retention = retention.to(device)
    numbers = PARAMETERS.get(rule.id, rule.defaults())
    p = {name: torch.tensor(number, dtype=torch.float64, device=device) for name, number in numbers.items()}
    assert torch.autograd.gradcheck(lambda k, v, g: scan(rule, p, k, v, g, retention), inputs)
