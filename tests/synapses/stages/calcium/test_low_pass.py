"""Calcium: the low-pass is exact at any step, and its drive is the NMDA current."""

import numpy as np
import pytest
from brian2 import mmolar, ms, mV, second

from neurofwp.synapses.stages.calcium.low_pass import LowPass
from neurofwp.synapses.stages.magnesium import JahrStevens
from neurofwp.synapses.stages.nmda.saturating import Saturating

GATES = np.array([0, 0.2, 1, 1])
VOLTAGES = np.array([-30, -30, -30, -75])
TARGETS = GATES * 0.02 * (130 - VOLTAGES) / (1 + np.exp(-0.062 * VOLTAGES) / 3.57)


@pytest.fixture
def steady(bench):
    """Synapses whose NMDA gate stands still, for a step `dt` in ms."""

    def make(dt):
        rig = bench(
            Saturating(), JahrStevens(), LowPass(), n=4, dt=dt * ms, tau_nmda=np.inf * second, alpha_nmda=0.5,
            Mg=1 * mmolar, tau_calcium=12 * ms, E_calcium=130 * mV, g_calcium=0.02 / mV,
        )  # fmt: skip
        rig.key.s_nmda, rig.value.v_dendrite = GATES, VOLTAGES * mV
        return rig

    return make


@pytest.mark.parametrize("dt", [0.1, 1, 6, 30])
def test_relaxation_to_the_drive_is_exact_at_any_step(steady, dt):
    rig = steady(dt)
    rig.calcium = 0.4
    rig.run(round(30 / dt))
    np.testing.assert_allclose(rig.calcium, TARGETS + (0.4 - TARGETS) * np.exp(-30 / 12), rtol=1e-9)


def test_two_half_steps_are_one_step(steady):
    half, whole = steady(0.5), steady(1)
    half.run(2)
    whole.run(1)
    np.testing.assert_allclose(half.calcium, whole.calcium, rtol=1e-12)


def test_a_gain_of_zero_closes_the_channel(steady):
    rig = steady(1)
    rig.value.nmda_gain = 0
    rig.calcium = 1
    rig.run(24)
    np.testing.assert_allclose(rig.calcium, np.exp(-2), rtol=1e-9)


def test_calcium_needs_presynaptic_gating_and_depolarisation_together(steady):
    rig = steady(1)
    rig.run(100)
    silent, _, coincident, blocked = rig.calcium
    assert silent == 0
    assert coincident > 5 * blocked
