"""Magnesium block: the published fits, from the equation text that the network runs."""

import numpy as np
import pytest
from brian2 import mmolar, mV

from neurofwp.synapses.stages.magnesium import JahrStevens, VargasCaballeroRobinson

VOLTAGES = [-80, -70, -60, -50, -40, -30, -20, 0, 20]
JAHR_STEVENS_1990 = [0.024, 0.044, 0.080, 0.139, 0.230, 0.357, 0.508, 0.781, 0.925]
VARGAS_CABALLERO_ROBINSON_2003 = [0.008, 0.016, 0.033, 0.065, 0.125, 0.227, 0.377, 0.718, 0.915]


def unblocked(bench, stage, voltages, magnesium=1.0):
    rig = bench(stage, n=len(voltages), Mg=magnesium * mmolar)
    rig.value.v_dendrite = np.asarray(voltages) * mV
    rig.run()
    return np.array(rig.value.unblocked)


@pytest.mark.parametrize(
    ("stage", "published"),
    [(JahrStevens(), JAHR_STEVENS_1990), (VargasCaballeroRobinson(), VARGAS_CABALLERO_ROBINSON_2003)],
    ids=["jahr-stevens-1990", "vargas-caballero-robinson-2003"],
)
def test_tabulated_voltages(bench, stage, published):
    np.testing.assert_allclose(unblocked(bench, stage, VOLTAGES), published, atol=5.1e-4)


def test_at_0_mV_the_block_is_binding_alone(bench):
    assert unblocked(bench, JahrStevens(), [0])[0] == pytest.approx(3.57 / (3.57 + 1))
    assert unblocked(bench, VargasCaballeroRobinson(), [0])[0] == pytest.approx(2.552 / (2.552 + 1))


def test_the_two_fits_differ_near_rest(bench):
    jahr, vargas = (unblocked(bench, stage, [-65])[0] for stage in (JahrStevens(), VargasCaballeroRobinson()))
    assert jahr / vargas == pytest.approx(2.6, abs=0.05)


@pytest.mark.parametrize("stage", [JahrStevens(), VargasCaballeroRobinson()], ids=lambda stage: stage.form)
def test_nothing_blocks_without_magnesium_and_odds_are_proportional_to_it(bench, stage):
    np.testing.assert_array_equal(unblocked(bench, stage, VOLTAGES, magnesium=0), 1)
    one, two = (unblocked(bench, stage, VOLTAGES, magnesium=x) for x in (1, 2))
    np.testing.assert_allclose((1 - two) / two, 2 * (1 - one) / one, rtol=1e-9)
