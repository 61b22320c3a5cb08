"""Every rule that a Program drives competes: what it wrote itself it must explain, with the parameters it had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from neurofwp import program, rules
from neurofwp.identification import candidates, excluded
from neurofwp.identification.competing import VALUE_OFFSET, free_parameters, reason
from neurofwp.identification.fit_rule import Fit, fit_records
from neurofwp.identification.nesting import embed
from neurofwp.identification.prediction import weights
from neurofwp.identification.preparation import prepare
from neurofwp.identification.records import Records
from neurofwp.rate import RateNetwork, scan
from neurofwp.rules import RULES, Rule

PRE, POST, ACTIVE, PAIRS = 24, 4, 6, 4

TRUTH: Mapping[str, Mapping[str, float]] = {
    "hebbian": {"rate": 0.6},
    "interpolating": {"rate": 0.3, "weight_scale": 1.4},
    "fixed_decay": {"rate": 0.6, "decay": 0.9},
    "scalar_decay": {"rate": 0.6, "decay_open": 0.85, "decay_closed": 0.97},
    "key_decay": {"weight_scale": 0.8, "key_fading": 0.6},
    "delta": {"rate": 0.6, "prediction_gain": 1.3, "prediction_threshold": 0.1},
    "gated_delta": {"rate": 0.7, "prediction_gain": 1.2, "prediction_threshold": 0.1, "decay": 0.93},
    "key_gated_delta": {"rate": 0.7, "weight_scale": 1.2, "key_fading": 0.5},
    "implicit_delta": {"rate": 2.0, "weight_scale": 1.3},
    "momentum": {"rate": 0.5, "weight_scale": 1.2, "decay": 0.95, "momentum": 0.4},
    "mesa": {"weight_scale": 1.3, "decay": 0.9, "ridge": 0.4},
    "soft_bound": {"g_plus": 1.2, "g_minus": 1.5, "w_max": 0.8},
    "outstar": {"rate": 1.5, "scale": 0.6},
    "calcium_threshold": {
        "rate_p": 1.6, "rate_d": 1.2, "theta_p": 0.5, "theta_d": 0.25, "slope": 0.04, "drive_offset": 0.7, "w_max": 0.9,
    },
    "bcm": {"threshold": 0.4, "memory": 5.0, "weight_scale": 1.1},
    "nearest_pair": {"g_plus": 0.8, "g_minus": 1.1, "saturation_pre": 1.5, "saturation_post": 3.0},
    "btsp": {
        "tau_e": 1.2, "tau_i": 0.6, "k_plus": 1.5, "k_minus": 0.6, "a_plus": 0.4, "b_plus": 6.0, "a_minus": 0.05,
        "b_minus": 18.0, "w_max": 1.2,
    },
    "oja": {"rate": 0.3, "scale": 1.4},
    "gated_oja": {"rate": 0.3, "weight_scale": 1.4, "decay": 0.9},
    "ode_oja": {"rate": 0.4, "weight_scale": 1.4},
    "ode_delta": {"rate": 1.5, "weight_scale": 1.2},
}  # fmt: skip
EACH = pytest.mark.parametrize("rule", candidates(), ids=lambda rule: rule.id)


def task(seed: int = 0, episodes: int = 4) -> Records:
    """Records of graded keys that overlap, each written twice, among gates half open and closed."""
    rng = np.random.default_rng(seed)
    key = np.zeros((episodes, 2 * PAIRS, PRE))
    for episode in key:
        keys = np.zeros((PAIRS, PRE))
        for pair in keys:
            pair[rng.choice(PRE, ACTIVE, replace=False)] = rng.uniform(0.5, 1, ACTIVE)
        episode[:] = keys[rng.permutation(np.arange(2 * PAIRS) % PAIRS)]
    key /= np.linalg.norm(key, axis=-1, keepdims=True)
    value = rng.uniform(-1, 1, (episodes, 2 * PAIRS, POST))
    gate = rng.choice([0.0, 0.5, 0.8, 1.0], (episodes, 2 * PAIRS))
    given = program.from_arrays(key, value, query=key, write_gate=gate)
    return prepare(given, RateNetwork("hebbian", on_off=True, bounds=(0, np.inf)).run(given))


RECORDS = task()


def known(rule: Rule) -> dict[str, float]:
    return TRUTH[rule.id] | ({} if rule.absorbs_offset else {VALUE_OFFSET.name: 0.1})


def point(parameters: Mapping[str, float]) -> dict[str, Tensor]:
    return {name: RECORDS.key.new_full((1, 1), number) for name, number in parameters.items()}


def written(rule: Rule, records: Records = RECORDS, scale: float = 1.0) -> Records:
    """Records of the weights that the rule itself writes, times `scale`."""
    weight = scale * weights(rule, records, point(known(rule)))
    readout = torch.einsum("eptij,eutj->eptiu", weight, records.key).square().mean().sqrt()
    return replace(records, weight=weight, readout=float(readout))


@cache
def found(rule: Rule, scale: float = 1.0) -> Fit:
    return fit_records(rule, written(rule, scale=scale), restarts=6, seed=0)


def test_all_compete_but_those_that_say_why_not() -> None:
    ids = {rule.id for rule in candidates()}
    assert len(ids) == 21
    assert ids == TRUTH.keys()
    assert excluded().keys() == {rule.id for rule in RULES} - ids
    assert all(excluded().values())
    assert not any(reason(rule) for rule in candidates())


@EACH
def test_free_parameters_have_bounds_and_truths_lie_within(rule: Rule) -> None:
    assert {each.name for each in free_parameters(rule)} == known(rule).keys()
    for each in free_parameters(rule):
        assert -np.inf < each.low <= each.default <= each.high < np.inf
        assert each.domain[0] <= each.low < each.high <= each.domain[1]


@EACH
def test_a_rule_explains_what_it_wrote(rule: Rule) -> None:
    fit = found(rule)
    assert fit.r2 > 0.999
    if rule.id == "calcium_threshold":  # graded keys only tell its thresholds together with its offset
        return
    for name, number in known(rule).items():
        assert fit.parameters[name] == pytest.approx(number, rel=0.02, abs=0.005), name


@EACH
def test_units_of_weights_do_not_matter(rule: Rule) -> None:
    fit = found(rule, 1e-9)
    assert fit.r2 == pytest.approx(found(rule).r2, abs=1e-6)
    for each in free_parameters(rule) if found(rule).r2 > 1 - 1e-12 and fit.r2 > 1 - 1e-12 else ():
        expected = found(rule).parameters[each.name] * 1e-9**each.weight_power
        assert fit.parameters[each.name] == pytest.approx(expected, rel=1e-3)


@EACH
def test_scaled_parameters_scale_all_weights(rule: Rule) -> None:
    scaled = {each.name: known(rule)[each.name] * 3.0**each.weight_power for each in free_parameters(rule)}
    started = replace(RECORDS, initial=RECORDS.initial + 0.2)
    tripled = replace(started, initial=3.0 * started.initial)
    large, small = weights(rule, tripled, point(scaled)), weights(rule, started, point(known(rule)))
    torch.testing.assert_close(large, 3.0 * small, rtol=1e-9, atol=1e-12)


PAIRS_OF_RULES = [(outer, inner) for outer in candidates() for inner in candidates() if inner.id in outer.nests]


@pytest.mark.parametrize(("outer", "inner"), PAIRS_OF_RULES, ids=lambda rule: rule.id)
def test_a_rule_contains_what_it_says_it_does(outer: Rule, inner: Rule) -> None:
    inside = embed(outer, inner, known(inner))
    parameters = {each.name: inside.get(each.name, known(outer)[each.name]) for each in free_parameters(outer)}
    made = weights(outer, RECORDS, point(parameters))
    torch.testing.assert_close(made, weights(inner, RECORDS, point(known(inner))), rtol=1e-9, atol=1e-12)


def test_reasons_are_true() -> None:
    """Three of the rules that are left out write what another one writes, from the same signals."""
    generator = torch.Generator().manual_seed(0)
    key, value = (torch.rand(12, size, generator=generator, dtype=torch.float64) for size in (5, 3))
    beta, alpha = (0.2 + 0.8 * torch.rand(12, generator=generator, dtype=torch.float64) for _ in range(2))
    same = scan(rules.get("scalar_decay"), ones("scalar_decay"), key, value, beta, alpha)
    state = mlstm = rules.get("mlstm")
    events = rules.Event(key, value, beta, alpha, others={"log_input": beta.log(), "log_decay": alpha.log()})
    state = mlstm.begin(key.new_zeros(3, 5), events, {})
    for index in range(12):
        others = {name: signal[index] for name, signal in events.others.items()}
        state = mlstm.step(state, rules.Event(key[index], value[index], beta[index], alpha[index], None, others), {})
        torch.testing.assert_close(state.maximum.exp() * state.weight, same[index], rtol=1e-12, atol=0)
    flow, hebbian = (scan(rules.get(name), ones(name), key, value, beta, alpha) for name in ("ode_hebb", "hebbian"))
    torch.testing.assert_close(flow, hebbian, rtol=0, atol=0)
    gated = scan(rules.get("gated_delta"), ones("gated_delta"), key, value, beta, alpha)
    weight = key.new_zeros(3, 5)
    for index in range(12):
        micro = rules.Event(key[index, None], value[index, None], beta[index, None], alpha[index])
        weight = rules.get("delta_product").step(weight, micro, {})
        torch.testing.assert_close(weight, gated[index], rtol=1e-12, atol=1e-14)


def ones(rule: str) -> dict[str, Tensor]:
    return {name: torch.tensor(number, dtype=torch.float64) for name, number in rules.get(rule).defaults().items()}


@pytest.mark.parametrize("start", [0.0, 0.3])
def test_mesa_in_its_dual_form_solves_the_same_regression(start: float) -> None:
    mesa = rules.get("mesa")
    parameters = {name: point(known(mesa))[name] for name in ("weight_scale", "decay", "ridge")}
    given = (RECORDS.key, RECORDS.value, RECORDS.gate, 0.9 * RECORDS.retention)
    initial = torch.full((POST, PRE), start, dtype=torch.float64)
    fast = scan(mesa, parameters, *given, initial)
    stepped = type("Stepped", (type(mesa),), {"trajectory": Rule.trajectory})()
    torch.testing.assert_close(fast, scan(stepped, parameters, *given, initial), rtol=1e-9, atol=1e-12)


def test_cells_fade_as_they_fire_and_others_do_not() -> None:
    rule = rules.get("key_decay")
    key = torch.tensor([[1.0, 0.5, 0.0]], dtype=torch.float64)
    silent, closed = torch.zeros(1, 2, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    parameters = {"key_fading": torch.tensor(0.6, dtype=torch.float64)}
    after = scan(rule, parameters, key, silent, closed, torch.full_like(closed, 0.9), torch.ones_like(key).expand(2, 3))
    expected = 0.9 * np.exp([-0.6, -0.3, 0.0])
    np.testing.assert_allclose(after[0], np.tile(expected, (2, 1)), rtol=1e-15)


def test_plateaus_need_an_open_gate_and_know_how_long_events_are() -> None:
    rule = rules.get("btsp")
    p = {name: number for name, number in ones("btsp").items() if name != "duration"}
    key, value = torch.ones(2, 3, dtype=torch.float64), torch.tensor([[1.0, -1.0]] * 2, dtype=torch.float64)
    gate, kept = torch.tensor([0.0, 1.0], dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    made = scan(rule, p, key, value, gate, kept)
    assert torch.equal(made[0], torch.zeros(2, 3, dtype=torch.float64))
    assert (made[1, 0] > 0).all()
    assert torch.equal(made[1, 1], torch.zeros(3, dtype=torch.float64)), "no plateau is less than none"
    long = scan(rule, p, key, value, gate, kept, duration=2 * kept)
    twice = scan(rule, p | {"duration": torch.tensor(2.0, dtype=torch.float64)}, key, value, gate, kept)
    torch.testing.assert_close(long, twice, rtol=1e-14, atol=0)
    assert not torch.allclose(long, made)


def test_a_rate_network_takes_the_parameters_of_a_fit() -> None:
    given = program.from_arrays(np.eye(4)[None], np.linspace(-1, 1, 8).reshape(1, 4, 2), query=np.eye(4)[None])
    plain, doubled = (
        RateNetwork("momentum", parameters={"momentum": 0.3, "weight_scale": scale}).run(given)["weight"]
        for scale in (1.0, 2.0)
    )
    np.testing.assert_allclose(doubled, 2 * plain, rtol=1e-12)
