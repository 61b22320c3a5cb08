"""Calcium control hypothesis: Omega, eta, and the pairing windows of Shouval, Bear & Cooper 2002."""

import numpy as np
import pytest
from brian2 import mV, second

from neurofwp.synapses import model
from neurofwp.synapses.stages.expression.omega import Omega, omega


@pytest.fixture(scope="module")
def shouval():
    return model.load("shouval-2002")


def omega_and_tau(bench, shouval, calcium):
    """Read both functions off a step: W moves to Omega by the share 1 - exp(-dt/tau)."""
    values = {parameter.name: shouval.values[parameter.name] for parameter in Omega().parameters}
    rig = bench(Omega(), n=2 * len(calcium), dt=1 * second, **values)
    rig.calcium, rig.weight = np.tile(calcium, 2), np.repeat([0, 1], len(calcium))
    rig.run()
    from_zero, from_one = rig.weight.reshape(2, -1)
    kept = from_one - from_zero
    return from_zero / (1 - kept), -1 / np.log(kept)


def test_learning_time_constant_spans_four_decades(bench, shouval):
    _, tau = omega_and_tau(bench, shouval, [0, 0.1, 1])
    np.testing.assert_allclose(tau, [1e4, 100, 1.1], rtol=2e-4)
    _, tau = omega_and_tau(bench, shouval, np.linspace(0, 2, 30))
    assert (np.diff(tau) < 0).all()


def test_omega_rests_at_a_quarter_falls_to_zero_and_rises_to_one(bench, shouval):
    omega, _ = omega_and_tau(bench, shouval, [0, 0.2, 0.45, 0.7, 1])
    np.testing.assert_allclose(omega, [0.25, 0.25, 0, 1, 1], atol=1e-3)
    middle, _ = omega_and_tau(bench, shouval, [0.35, 0.55])  # half-way down, half-way up
    np.testing.assert_allclose(middle, [0.125, 0.5], atol=1e-3)


def test_depression_between_the_thresholds_and_potentiation_above(bench, shouval):
    assert shouval.thresholds == {"depression": 0.35, "potentiation": 0.55}
    low, high = shouval.thresholds.values()
    between, _ = omega_and_tau(bench, shouval, np.linspace(low, high - 0.02, 20))
    above, _ = omega_and_tau(bench, shouval, np.linspace(high, 2, 20))
    assert (between < 0.25).all()
    assert (above > 0.25).all()


def test_pairing_at_a_held_voltage_gives_the_published_windows(bench, shouval):
    # presynaptic spikes at 1 Hz: nothing below -62.5 mV, depression up to about -52.5 mV, potentiation above -50 mV
    voltage = np.array([-80, -70, -67.5, -60, -57.5, -55, -50, -40, -30, -10])
    spikes = np.zeros((10_000, len(voltage)))
    spikes[::1000] = 1
    rig = bench(*shouval.stages, n=len(voltage), spikes=spikes, **shouval.values)
    rig.value.v_dendrite, rig.weight = voltage * mV, 0.25
    rig.run(10_000)
    change = rig.weight - 0.25
    assert (abs(change[:3]) < 1e-3).all()
    assert (change[3:6] < -0.02).all()
    assert (change[6:] > 0.1).all()


def test_omega_as_a_function_is_what_synapses_do(bench, shouval):
    calcium = np.linspace(0, 1.2, 25)
    seen, _ = omega_and_tau(bench, shouval, calcium)
    np.testing.assert_allclose(omega(calcium, shouval.values), seen, atol=1e-3)
    steep = {**shouval.values, "slope": 1e6}
    np.testing.assert_allclose(omega([0, 0.35, 0.45, 0.55, 1], steep), [0.25, 0.125, 0, 0.5, 1])
