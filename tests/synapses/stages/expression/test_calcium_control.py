"""Calcium control: its two limits, and that conductances never turn negative."""

import numpy as np
import pytest
from brian2 import ms, nS, second
from hypothesis import given, settings, strategies as st
from scipy.optimize import brentq

from neurofwp.synapses.stages.expression.calcium_control import CalciumControl
from neurofwp.synapses.stages.expression.two_threshold import TwoThreshold


def control(bench, n, dt=1.0, **changed):
    """Synapses with rates in nS/s and weights in nS; `dt` in ms."""
    numbers = {"P": 4.5, "K_P": 0.6, "p": 4, "D": 1.7, "K_D": 0.27, "q": 8, "K_m": 1e-6, "w_max": 1e6} | changed
    units = {"P": nS / second, "D": nS / second, "K_m": nS, "w_max": nS}
    values = {name: number * units.get(name, 1) for name, number in numbers.items()}
    return bench(CalciumControl(), n=n, dt=dt * ms, **values)


def hill(calcium, half, exponent):
    return calcium**exponent / (half**exponent + calcium**exponent)


@pytest.mark.parametrize("exponent", [1, 2, 4, 8, 16])
def test_one_step_of_potentiation_is_a_hill_function_of_calcium(bench, exponent):
    calcium = np.linspace(0, 3, 13)
    rig = control(bench, 13, P=2, K_P=0.8, p=exponent, D=0, w_max=5)
    rig.calcium, rig.weight = calcium, 1
    rig.run()
    np.testing.assert_allclose(rig.weight - 1, 1e-3 * 2 * (1 - 1 / 5) * hill(calcium, 0.8, exponent), atol=1e-12)


@pytest.mark.parametrize("exponent", [1, 2, 4, 8, 16])
def test_one_step_of_depression_is_a_hill_function_times_saturating_removal(bench, exponent):
    calcium, weight = np.linspace(0, 3, 13), np.linspace(0.1, 4, 13)
    rig = control(bench, 13, P=0, D=2, K_D=0.5, q=exponent, K_m=0.7)
    rig.calcium, rig.weight = calcium, weight
    rig.run()
    expected = -1e-3 * 2 * hill(calcium, 0.5, exponent) * weight / (weight + 0.7)
    np.testing.assert_allclose(rig.weight - weight, expected, atol=1e-12)


def test_extreme_ratios_of_calcium_saturate_in_single_precision():
    # what the network computes in float32, for calcium far from its half-maximal level on both sides
    statements = CalciumControl().update({"p": 16, "q": 16})
    weight = np.float32(1e-9)
    for level, moved in ((0, False), (1e-6, False), (1e6, True)):
        names = {
            "calcium": np.float32(level), "per_K_P": np.float32(1), "per_K_D": np.float32(1), "weight": weight,
            "P_step": np.float32(0.5), "D_step": np.float32(0), "w_max": np.float32(3e-9), "K_m": np.float32(1e-15),
            "w_floor": np.float32(0),
        }  # fmt: skip
        with np.errstate(over="ignore", under="ignore"):
            exec(statements, names)
        assert names["weight"] == pytest.approx(2e-9 if moved else 1e-9)


def test_with_K_m_far_above_it_is_two_thresholds_with_soft_bounds(bench):
    calcium, start = np.repeat([0.1, 0.8, 3.2], 3), np.tile([0, 0.5, 1.5], 3)
    graded = control(bench, 9, dt=0.1, P=6, K_P=1.6, p=16, D=4e6, K_D=0.4, q=16, K_m=1e6, w_max=1.5)
    steep = bench(  # gamma_p/tau = P/w_max, gamma_d/tau = D/K_m
        TwoThreshold(), n=9, dt=0.1 * ms, tau_rho=1 * second, gamma_p=4, gamma_d=4, theta_p=1.6, theta_d=0.4, w0=0 * nS,
        w1=1.5 * nS,
    )  # fmt: skip
    for rig in (graded, steep):
        rig.calcium, rig.weight = calcium, start
        rig.run(2000)
    np.testing.assert_allclose(graded.weight, steep.weight, atol=1e-3)
    assert abs(graded.weight - start).max() > 0.5


def test_with_K_m_far_below_removal_does_not_depend_on_the_weight_and_ends_at_zero(bench):
    start = np.array([0.1, 0.5, 1, 5])
    rig = control(bench, 4, P=0)
    rig.calcium, rig.weight = 0.3, start
    rig.run(300)
    np.testing.assert_allclose(rig.weight, np.maximum(start - 0.3 * 1.7 * hill(0.3, 0.27, 8), 0), rtol=1e-4)
    assert rig.weight[0] == 0


def test_with_K_m_far_below_potentiation_and_depression_cancel_at_one_calcium_level(bench):
    crossover = brentq(lambda c: 4.5 * hill(c, 0.6, 4) - 1.7 * hill(c, 0.27, 8), 0.3, 1.5)
    calcium = crossover * np.array([0.97, 0.999, 1.001, 1.03])
    weights = np.array([0.05, 0.5, 5, 50])
    rig = control(bench, 16)
    start = np.repeat(weights, 4)
    rig.calcium, rig.weight = np.tile(calcium, 4), start
    rig.run()
    assert (np.sign(rig.weight - start).reshape(4, 4) == [-1, -1, 1, 1]).all()


def test_with_K_m_far_above_the_crossover_moves_with_the_weight(bench):
    calcium, weights = np.linspace(0.2, 1.5, 200), np.array([0.1, 0.4, 0.8])
    rig = control(bench, 600, D=200, K_m=50, w_max=1)
    start = np.repeat(weights, 200)
    rig.calcium, rig.weight = np.tile(calcium, 3), start
    rig.run()
    grows = (rig.weight > start).reshape(3, 200)
    crossover = [calcium[~row].max() for row in grows]
    assert crossover[0] + 0.1 < crossover[1] < crossover[2] - 0.1


@settings(max_examples=10)
@given(
    seed=st.integers(0, 2**32 - 1), dt=st.floats(0.1, 20), P=st.floats(0, 20), D=st.floats(0, 1000),
    K_m=st.floats(1e-6, 100), p=st.sampled_from([1, 2, 4, 8, 16]), q=st.sampled_from([1, 2, 4, 8, 16]),
)  # fmt: skip
def test_conductances_are_never_negative(bench, seed, dt, P, D, K_m, p, q):
    rng = np.random.default_rng(seed)
    rig = control(bench, 100, dt=dt, P=P, D=D, K_m=K_m, p=p, q=q, w_max=50)
    rig.calcium, rig.weight = rng.exponential(0.5, 100), rng.exponential(1, 100) * (rng.random(100) < 0.8)
    rig.run(5)
    assert (rig.weight >= 0).all()


def test_only_levels_that_act_are_drawn():
    values = {"D": 0 * nS / second, "K_D": 0.27, "K_P": 0.6}
    assert CalciumControl().thresholds(values) == {"potentiation": 0.6}
    assert CalciumControl().thresholds({**values, "D": 1 * nS / second}) == {"depression": 0.27, "potentiation": 0.6}
