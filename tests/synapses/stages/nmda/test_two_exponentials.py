"""NMDA gating with two exponentials: the published time course, and trains that saturate it."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

from neurofwp.synapses import model
from neurofwp.synapses.stages.nmda.saturating import Saturating
from neurofwp.synapses.stages.nmda.two_exponentials import TwoExponentials

VALUES = {"tau_nmda_fast": 50 * ms, "tau_nmda_slow": 200 * ms, "nmda_fast_share": 0.5, "alpha_nmda": 0.5}


def test_a_spike_opens_half_of_the_channels_and_they_close_as_published(bench):
    spikes = np.zeros((1, 1))
    spikes[0] = 1
    rig = bench(TwoExponentials(), n=1, spikes=spikes, **VALUES)
    probe = b2.StateMonitor(rig.key, "s_nmda", record=True, when="end")
    rig.network.add(probe)
    rig.run(600)
    elapsed = np.arange(600)
    expected = 0.5 * (0.5 * np.exp(-elapsed / 50) + 0.5 * np.exp(-elapsed / 200))
    np.testing.assert_allclose(probe.s_nmda[0], expected, rtol=1e-9)


def test_the_shipped_model_has_this_time_course():
    values = model.load("shouval-2002").values
    assert {name: values[name] for name in VALUES} == VALUES


@pytest.mark.parametrize(("fast", "slow", "share", "alpha"), [(50, 200, 0.5, 0.5), (10, 90, 0.2, 0.9)])
def test_a_regular_train_reaches_its_fixed_point(bench, fast, slow, share, alpha):
    interval = 17
    spikes = np.zeros((interval * 400, 1))
    spikes[::interval] = 1
    rig = bench(
        TwoExponentials(), n=1, spikes=spikes, tau_nmda_fast=fast * ms, tau_nmda_slow=slow * ms, nmda_fast_share=share,
        alpha_nmda=alpha,
    )  # fmt: skip
    rig.run(interval * 399 + 1)
    # both parts gain their share of o = alpha (1 - s) per interval, and lose what decays in it
    survival = np.exp(-interval / np.array([fast, slow]))
    per_opened = np.array([share, 1 - share]) / (1 - survival)
    opened = alpha / (1 + alpha * (per_opened * survival).sum())
    np.testing.assert_allclose(rig.key.s_nmda[0], opened * per_opened.sum(), rtol=1e-9)


def test_equal_time_constants_are_one_exponential_that_saturates(bench):
    spikes = np.random.default_rng(0).random((300, 5)) < 0.1
    both = bench(
        TwoExponentials(), n=5, spikes=spikes, tau_nmda_fast=70 * ms, tau_nmda_slow=70 * ms, nmda_fast_share=0.3,
        alpha_nmda=0.5,
    )  # fmt: skip
    one = bench(Saturating(), n=5, spikes=spikes, tau_nmda=70 * ms, alpha_nmda=0.5)
    both.run(300)
    one.run(300)
    np.testing.assert_allclose(both.key.s_nmda[:], one.key.s_nmda[:], rtol=1e-9)
