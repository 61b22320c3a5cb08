"""The distribution of calcium under Poisson firing, against Dickman's function, its mean, and long samples."""

import numpy as np
import pytest
from brian2 import ms
from hypothesis import given, settings, strategies as st
from scipy.integrate import quad

from neurofwp.errors import InputError
from neurofwp.synapses.model import load
from neurofwp.theory import graupner_brunel
from neurofwp.theory.shot_noise import share_above


def test_one_process_at_one_spike_per_decay_gives_dickmans_function():
    """F(1) = exp(-gamma) and F(2) = exp(-gamma) (3 - 2 log 2)."""
    once = np.exp(-np.euler_gamma)
    assert share_above(1.0, [1.0], [50.0], 0.02) == pytest.approx(1 - once, abs=1e-9)
    assert share_above(2.0, [1.0], [50.0], 0.02) == pytest.approx(1 - once * (3 - 2 * np.log(2)), abs=1e-6)


@pytest.mark.parametrize(("jumps", "rates"), [((0.6, 1.1), (20.0, 30.0)), ((0.3, 0.3), (100.0, 5.0))])
def test_the_mean_is_what_jumps_bring_before_they_decay(jumps, rates):
    area, _ = quad(lambda theta: share_above(theta, jumps, rates, 0.02), 0, 12, limit=200, epsabs=1e-5)
    assert area == pytest.approx(0.02 * np.dot(jumps, rates), rel=1e-4)


jump, rate = st.floats(0.05, 3), st.floats(0.01, 100)


@settings(max_examples=30)
@given(jump, jump, rate, rate, st.floats(0.005, 0.1), st.floats(0.2, 4))
def test_shares_are_shares_and_fall_with_the_threshold(one, two, often, seldom, tau, theta):
    low, high = (share_above(each, (one, two), (often, seldom), tau) for each in (theta, 1.5 * theta))
    assert -1e-6 <= high <= low + 1e-6 <= 1 + 1e-6
    assert share_above(theta, (two, one), (seldom, often), tau) == pytest.approx(low, abs=1e-6)
    more = share_above(theta, (one, two, one), (often, seldom, often), tau)
    assert more >= low - 1e-6
    assert share_above(theta, (one, two), (2 * often, seldom), tau) == pytest.approx(more, abs=1e-6)


@pytest.mark.parametrize("name", ["hippocampal-slice", "cortical-slice", "in-vivo"])
@pytest.mark.parametrize("rate", [5.0, 20.0])
def test_long_samples_agree(name, rate):
    values = load(f"graupner-brunel-{name}").values
    rng = np.random.default_rng(0)
    length, samples = 500 * float(values["tau_calcium"] / ms), []
    for _ in range(200):
        pre, post = (rng.uniform(0, length, rng.poisson(rate * length / 1000)) for _ in range(2))
        samples.append(graupner_brunel.shares(values, pre, post, length))
    mean, sem = np.mean(samples, axis=0), np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples))
    assert (abs(mean - graupner_brunel.poisson_shares(values, rate, rate)) < 3.5 * sem + 0.003 * mean).all()


def test_without_spikes_there_is_no_calcium():
    assert share_above(0.5, (1.0, 0.0), (0.0, 10.0), 0.02) == 0


@pytest.mark.parametrize(("theta", "rate", "tau"), [(0.0, 1.0, 0.02), (1.0, -1.0, 0.02), (1.0, 1.0, 0.0)])
def test_what_is_no_firing_is_refused(theta, rate, tau):
    with pytest.raises(InputError, match="calcium needs jumps and rates of 0 or more"):
        share_above(theta, (1.0, 1.0), (rate, 1.0), tau)
