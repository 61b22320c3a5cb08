"""Calcium: the low-pass is exact at any step, and its drive is the NMDA current."""

import numpy as np
import pytest
from brian2 import mmolar, ms, mV, nS, second

from neurofwp.synapses import model
from neurofwp.synapses.stages.calcium.low_pass import LowPass
from neurofwp.synapses.stages.calcium.spine import NMDAAndChannels
from neurofwp.synapses.stages.magnesium import JahrStevens
from neurofwp.synapses.stages.nmda.saturating import Saturating
from neurofwp.theory.calcium_unit import calcium_unit

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


def test_a_unit_of_calcium_is_what_nmda_receptors_carry_into_a_spine(bench):
    """Half a nanosiemens at -44 mV, in micromolar by the spine of Chindemi et al. and in units by the low-pass."""
    receptors = {"tau_nmda": np.inf * second, "alpha_nmda": 0.5, "Mg": 1 * mmolar, "tau_calcium": 12 * ms}
    spine = model.load("chindemi-2022").values
    held = {name: spine[name] for name in (each.name for each in NMDAAndChannels.parameters)}
    held |= {"E_calcium": 0 * mV, "g_nmda": 0.5 * nS, "g_channels": 0 * nS}
    units = bench(Saturating(), JahrStevens(), LowPass(), n=1, **receptors, E_calcium=130 * mV, g_calcium=0.02 / mV)
    micromolar = bench(Saturating(), JahrStevens(), NMDAAndChannels(), n=1, **(receptors | held))
    for rig in (units, micromolar):
        rig.key.s_nmda, rig.value.v_dendrite = 1, -44 * mV
        rig.run(200)
    unit = calcium_unit(0.5, 12, 0.02)
    np.testing.assert_allclose(micromolar.calcium / units.calcium, unit, rtol=1e-6)
    np.testing.assert_allclose(model.load("error-correcting").micromolar, unit, rtol=0.01)


def test_calcium_and_its_thresholds_have_one_unit():
    """Micromolar where the file says what calcium of 1 is, else as the model has it."""
    known, unknown = model.load("error-correcting"), model.load("graupner-brunel-cortical-slice")
    calcium, attrs = known.concentration(np.array([0.564]))
    assert attrs["units"] == "uM"
    np.testing.assert_allclose(calcium, attrs["potentiation_threshold"])
    np.testing.assert_allclose(calcium, 0.564 * 7.8)
    np.testing.assert_array_equal(unknown.concentration(np.array([1.3]))[0], 1.3)
    assert unknown.concentration(np.array([1.3]))[1]["units"] == "1"
