"""The efficacy of Graupner & Brunel 2012 in full: its bands, its two stable states and its noise."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms, nS, second

from neurofwp.synapses.stages.expression.two_threshold_bistable import Bistable

START = np.array([-0.05, 0, 0.2, 0.49, 0.5, 0.51, 0.9, 1, 1.04])


def settings(**changed):
    return {
        "tau_rho": 0.5 * second, "gamma_p": 3, "gamma_d": 2, "theta_p": 1.3, "theta_d": 1, "w0": 0.4 * nS, "w1": 2 * nS,
        "sigma": 0, "down_share": 0.5, "bistable": 1,
    } | changed  # fmt: skip


def relaxed(bench, start, calcium, duration, dt=0.1, **changed):
    """Efficacies that start at `start`, `duration` ms later."""
    rig = bench(Bistable(), n=len(start), dt=dt * ms, **settings(**changed))
    rig.calcium, rig.weight = calcium, 0.4 + 1.6 * start
    rig.run(round(duration / dt))
    return (rig.weight - 0.4) / 1.6


@pytest.mark.parametrize(("calcium", "potentiation", "depression"), [(0.9, 0, 0), (1.1, 0, 2), (1.4, 3, 2)])
def test_without_noise_and_bistable_term_each_band_relaxes_in_closed_form(bench, calcium, potentiation, depression):
    found = relaxed(bench, START, calcium, 150, bistable=0)
    total = potentiation + depression
    limit = potentiation / total if total else START
    np.testing.assert_allclose(found, limit - (limit - START) * np.exp(-0.15 * total / 0.5), atol=1e-9)


@pytest.mark.parametrize("duration", [500, 3000])
def test_at_rest_the_efficacy_goes_to_the_nearer_stable_state_in_closed_form(bench, duration):
    # with x = rho - 1/2, tau dx/dt = x (1/4 - x^2), which is linear in 1/x^2
    found = relaxed(bench, START, 0, duration, dt=1)
    away = START - 0.5
    inverse = 4 + (1 / np.where(away, away, 1) ** 2 - 4) * np.exp(-duration / 1000 / 0.5 / 2)
    np.testing.assert_allclose(found, 0.5 + np.sign(away) / np.sqrt(inverse), atol=2e-4)


@pytest.mark.parametrize(("calcium", "passed", "gamma"), [(0.9, 0, 0), (1.1, 1, 2), (1.4, 2, 5)])
def test_noise_has_the_variance_of_its_band(bench, calcium, passed, gamma):
    b2.seed(4)
    count = 4000
    found = relaxed(bench, np.full(count, 0.5), calcium, 100, dt=1, sigma=0.3, bistable=0)
    rate = gamma / 0.5
    variance = 0.3**2 * passed / (2 * gamma) * (1 - np.exp(-0.2 * rate)) if passed else 0.0
    assert found.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / count), abs=1e-12)
    mean = {0: 0.5, 1: 0.5 * np.exp(-0.4), 2: 0.6 - 0.1 * np.exp(-1)}[passed]
    assert found.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / count) + 1e-9)


def test_synapses_begin_in_stable_states_and_come_to_them_again():
    values = settings(down_share=0.7)
    assert Bistable().population(values) == ((0.4 * nS, 0.7), (2 * nS, pytest.approx(0.3)))
    ends = 0.4 + 1.6 * START
    np.testing.assert_array_equal(Bistable().settle(values, ends), [0.4] * 5 + [2] * 4)
