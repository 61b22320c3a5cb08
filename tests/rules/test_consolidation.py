"""Rules of consolidation: tags and proteins, a chain of variables, and eligibility that waits for a neuromodulator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from neurofwp import rules
from neurofwp.rate import run
from neurofwp.rules import Event
from neurofwp.rules.cascade import Cascade

from .loops import BOTH, arrays, close

Stream = Callable[..., dict]
TAGS = {
    "rate": 0.7,
    "early_decay": 0.8,
    "tag_decay": 0.6,
    "protein_decay": 0.5,
    "threshold": 0.4,
    "capture": 1.3,
}


def test_tagging_against_a_loop(stream: Stream) -> None:
    given = stream("tagging", seed=1, batch=1, head=1, time=40)
    given["value"] = 2 * given["value"]
    q, k, v, beta = arrays(given, "query", "key", "value", "beta")
    early, tag, late = np.zeros((3, 3, 5))
    protein = np.zeros(3)
    made = run("tagging", parameters=TAGS, **given).read[0, :, 0]
    for t in range(40):
        for i in range(3):
            protein[i] = 0.5 * protein[i] + max(beta[t] * abs(v[t, i]) - 0.4, 0)
            for j in range(5):
                write = 0.7 * beta[t] * v[t, i] * k[t, j]
                early[i, j] = 0.8 * early[i, j] + write
                tag[i, j] = 0.6 * tag[i, j] + write
                late[i, j] += 1.3 * protein[i] * tag[i, j]
        close(made[t], (early + late) @ q[t])


def lasting(weak: int | None, strong: int | None, cells: tuple[int, int] = (0, 0)) -> tuple[float, float]:
    """What is left after 150 events of a weak stimulus of synapse 0 and of a strong one of synapse 1, each at an event
    and onto a cell: value 0.3, below the threshold, and 1."""
    key, value = torch.zeros(2, 1, 150, 1, 2, dtype=torch.float64)
    for synapse, (at, cell, size) in enumerate(zip((weak, strong), cells, (0.3, 1.0), strict=True)):
        if at is not None:
            key[0, at, 0, synapse], value[0, at, 0, cell] = 1, size
    weight = run("tagging", query=key, key=key, value=value, parameters=TAGS).weight[0, 0]
    return float(weight[cells[0], 0]), float(weight[cells[1], 1])


def test_a_weak_stimulus_lasts_only_with_a_strong_one_onto_the_same_cell_before_or_after_it() -> None:
    """Frey & Morris 1997, 1998: strong before weak, weak before strong, and neither too far apart."""
    assert abs(lasting(weak=10, strong=None)[0]) < 1e-12
    for strong in (8, 12):
        assert lasting(weak=10, strong=strong)[0] > 0.01
        assert abs(lasting(weak=10, strong=strong, cells=(0, 1))[0]) < 1e-12
    apart = [lasting(weak=10, strong=10 + distance)[0] for distance in (1, 4, 8, 16)]
    assert apart == sorted(apart, reverse=True)
    assert apart[-1] < 0.01 * apart[0]
    assert lasting(weak=None, strong=10)[1] > 0.1


@BOTH
def test_a_cascade_against_a_loop(mode: str, stream: Stream) -> None:
    """C_k du_k = g_(k-1) (u_(k-1) - u_k) - g_k (u_k - u_(k+1)), with C_k = n^(k-1), g_k = a n^-k, and u_6 = 0."""
    given = stream("cascade", seed=2, batch=1, head=1, time=40)
    q, k, v, beta = arrays(given, "query", "key", "value", "beta")
    a, n, rate = 0.4, 1.6, 0.9
    made = run("cascade", mode=mode, parameters={"rate": rate, "flow": a / n, "ratio": 1 / n}, **given)
    u = np.zeros((7, 3, 5))  # u[1] to u[5]
    for t in range(40):
        new = u.copy()
        for level in range(1, 6):
            capacity, out = n ** (level - 1), a * n**-level
            into = a * n ** -(level - 1) * (u[level - 1] - u[level]) if level > 1 else 0.0
            new[level] += (into - out * (u[level] - u[level + 1])) / capacity
        new[1] += rate * beta[t] * np.outer(v[t], k[t])
        u = new
        close(made.read[0, t, 0], u[1] @ q[t])
    close(made.state["hidden"][0, 0], u[2:6])


class Long(Cascade):
    """Ten variables."""

    depth: ClassVar[int] = 10


def test_what_flows_along_a_cascade_is_kept_but_for_what_leaves_at_its_end() -> None:
    rule = Long()
    p = {name: torch.tensor(number, dtype=torch.float64) for name, number in rule.defaults().items()}
    one, none = torch.ones(1, dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    silent = Event(one, one, none, none)
    state = rule.begin(torch.ones(1, 1, dtype=torch.float64), silent, p)
    state = state._replace(hidden=torch.linspace(-1, 2, 9, dtype=torch.float64)[:, None, None])
    size = 2.0 ** torch.arange(10)

    def content() -> Tensor:
        return size * torch.cat([state.weight.flatten(), state.hidden.flatten()])

    for _ in range(20):
        before = content()
        state = rule.step(state, silent, p)
        lost = 0.125 * 2.0**-9 * before[-1] / size[-1]  # g_10 u_10, through the last tube
        torch.testing.assert_close(content().sum() + lost, before.sum(), rtol=1e-12, atol=0)


def test_a_memory_in_a_cascade_falls_as_the_inverse_root_of_time() -> None:
    one = torch.ones(1, 3001, 1, 1, dtype=torch.float64)
    write = (torch.arange(3001) == 0).double()[None, :, None]
    left = run(Long(), query=one, key=one, value=one, beta=write).read.flatten().numpy()[1:]
    times = np.arange(1, 3001)
    late = times >= 30
    slope = np.polyfit(np.log(times[late]), np.log(left[late]), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.03)
    assert math.exp(-0.125 * 100) < 1e-3 * left[99], "an exponential would be gone"


@BOTH
def test_eligibility_against_the_equations_of_retroactive_neuromodulation(mode: str, stream: Stream) -> None:
    """Miconi et al. 2019: Hebb(t+1) = Hebb(t) + M(t) E(t), E(t+1) = (1 - eta) E(t) + eta v k', weights alpha Hebb."""
    given = stream("eligibility", seed=3, batch=1, head=1, time=40)
    q, k, v, modulator = arrays(given, "query", "key", "value", "beta")
    assert modulator.min() < 0 < modulator.max()
    hebb, trace = np.zeros((2, 3, 5))
    made = run("eligibility", mode=mode, parameters={"rate": 0.8, "turnover": 0.3}, **given).read[0, :, 0]
    for t in range(40):
        hebb = hebb + modulator[t] * trace
        trace = 0.7 * trace + 0.3 * np.outer(v[t], k[t])
        close(made[t], 0.8 * hebb @ q[t])


def test_bounds_clip_the_weights_as_the_published_rule_does(stream: Stream) -> None:
    given = stream("eligibility", seed=4, batch=1, head=1, time=60)
    k, v, modulator = arrays(given, "key", "value", "beta")
    hebb, trace = np.zeros((2, 3, 5))
    made = run("eligibility", bounds=(-0.3, 0.3), **given).weight[0, 0]
    for t in range(60):
        hebb = np.clip(hebb + modulator[t] * trace, -0.3, 0.3)
        trace = 0.5 * trace + 0.5 * np.outer(v[t], k[t])
    assert (abs(hebb) == 0.3).any()
    close(made, hebb)


def test_a_modulator_reaches_back_to_events_before_it_and_not_to_its_own() -> None:
    rule = rules.get("eligibility")
    assert rule.argument("beta") is not None
    key, value = torch.eye(4, dtype=torch.float64)[None, :, None], torch.ones(1, 4, 1, 1, dtype=torch.float64)
    modulator = torch.tensor([0.0, 0, 0, 1], dtype=torch.float64)[None, :, None]
    weight = run(rule, query=key, key=key, value=value, beta=modulator).weight.flatten()
    close(weight, [0.125, 0.25, 0.5, 0])
