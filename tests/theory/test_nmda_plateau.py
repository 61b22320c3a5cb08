"""Plateaus of NMDA current, against the roots of the dendrite's balance."""

import numpy as np
import pytest

from neurofwp.spiking import circuits
from neurofwp.synapses import model
from neurofwp.theory.nmda_plateau import plateau_rest

VOLTAGE = np.linspace(-150, 0, 15001)


def most_equilibria(rest: float, magnesium: float) -> int:
    """Of a dendrite with 1 nS of leak, over NMDA conductances from 0.1 to 1000 nS."""
    unblocked = 1 / (1 + np.exp(-0.062 * VOLTAGE) * magnesium / 3.57)
    nmda = np.geomspace(0.1, 1000, 2000)[:, None]
    current = rest - VOLTAGE - nmda * unblocked * VOLTAGE
    return int(np.count_nonzero(np.diff(np.sign(current), axis=1), axis=1).max())


@pytest.mark.parametrize("magnesium", [0.5, 1.0, 2.0])
def test_two_stable_voltages_below_the_rest_of_plateaus_and_one_above(magnesium):
    rest = plateau_rest(magnesium)
    assert most_equilibria(rest - 1, magnesium) == 3
    assert most_equilibria(rest + 1, magnesium) == 1


def test_the_coupled_cell_has_no_plateaus():
    """With the dendrite's lowest reversal, a silent soma at E_leak and all somatostatin inhibition, NMDA is graded."""
    _, values = circuits.load("two-compartment", model.load("error-correcting").circuit)
    leak, tonic, coupling = (float(values[name]) for name in ("dendrite_g_leak", "g_tonic", "g_coupling"))
    low, high = (float(values[name]) * 1000 for name in ("E_inh", "E_leak"))
    rest = (tonic * low + (leak + coupling) * high) / (leak + tonic + coupling)
    assert rest > plateau_rest()
