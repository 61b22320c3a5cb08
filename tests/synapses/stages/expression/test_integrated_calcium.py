"""Chindemi et al. 2022, reduced: calcium, its integral, thresholds from single spikes, and slow conductance."""

import numpy as np
import pytest
from brian2 import ms, mV, nS, second
from scipy.integrate import solve_ivp

from neurofwp.laboratory import Protocol
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.peaks import calcium_peaks
from neurofwp.synapses import model
from neurofwp.synapses.stages.expression.integrated_calcium import IntegratedCalcium, integrate

RULE = {
    "tau_integral": 278.3 * ms, "pre_peak": 10 * ms, "post_peak": 20 * ms, "pre_in_d": 1.002, "post_in_d": 1.954,
    "pre_in_p": 1.159, "post_in_p": 2.483, "tau_rho": 2 * second, "gamma_p": 4, "gamma_d": 3, "w0": 1 * nS,
    "w1": 2 * nS, "down_share": 0.5,
}  # fmt: skip
THETA_D, THETA_P = 10.02 + 39.08, 11.59 + 49.66  # ms


def laboratory(**parameters):
    return Laboratory("chindemi-2022", parameters=parameters, step=0.1 * ms, backend="numpy")


def calcium(protocols, **parameters):
    """(protocol, time) in steps of 0.1 ms."""
    return laboratory(**parameters).run(protocols, record=0.1 * ms)["calcium"].values


def test_calcium_is_integrated_exactly_while_it_stands_still(bench):
    rig = bench(IntegratedCalcium(), n=3, dt=5 * ms, **RULE)
    levels = np.array([0, 0.1, 2])
    rig.calcium = levels
    rig.run(60)
    expected = levels * 278.3 * (1 - np.exp(-300 / 278.3))
    np.testing.assert_allclose(np.asarray(rig.synapses.calcium_integral) * 1000, expected, rtol=1e-9)
    trace = integrate(np.tile(levels, (60, 1)), 5 * ms, 278.3 * ms)
    np.testing.assert_allclose(trace[-1], expected, rtol=1e-9)


@pytest.mark.parametrize("level", [0.0, THETA_D - 0.5, THETA_D + 0.5, THETA_P - 0.5, THETA_P + 0.5])
def test_the_efficacy_follows_its_differential_equation_in_every_band(bench, level):
    start = np.array([0.1, 0.45, 0.55, 0.9])
    rig = bench(IntegratedCalcium(), n=4, dt=1 * ms, **RULE)
    rig.weight, rig.calcium, rig.synapses.calcium_integral = 1 + start, level / 278.3, level * ms
    rig.run(2000)

    def flow(t, rho):
        pulled = -rho * (1 - rho) * (0.5 - rho)
        return (pulled + 4 * (1 - rho) * (level > THETA_P) - 3 * rho * (level > THETA_D)) / 2

    truth = solve_ivp(flow, (0, 2), start, rtol=1e-10, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(rig.weight - 1, truth, atol=1e-4)


def test_nmda_calcium_is_a_low_pass_of_the_gate_and_its_share_depends_on_calcium_outside():
    held = [
        Protocol(f"{outside} mM", pre=(1.0,), period=0.15, held=((0, 150),), voltage=-40.0, calcium=outside)
        for outside in (1.3, 2.0)
    ]
    low, high = calcium(held, g_channels=0 * nS)
    np.testing.assert_allclose(low[100:] / high[100:], (5.2 / 92.2) / (8 / 95), rtol=1e-6)
    # amperes to micromolar per ms: free share over two charges and the volume of a sphere of 0.58 um
    per_ms = 0.04 / (2 * 96485.33) / (np.pi / 6 * 0.58e-6**3)
    unblocked = 1 / (1 + np.exp(0.072 * 40) / 2.552)
    flow = 0.46 * 0.6 * 8 / 95 * 0.55e-9 * 80e-3 * unblocked * per_ms
    since = np.arange(200, 1400) * 0.1
    shape = (np.exp(-since / 70) - np.exp(-since / 12)) / (1 / 12 - 1 / 70)
    np.testing.assert_allclose(high[212:1412], flow * shape, rtol=0.01)


def test_channels_at_a_held_voltage_reach_activation_squared_times_inactivation():
    voltage = -20.0
    held = [Protocol("held", period=0.4, held=((0, 400),), voltage=voltage)]
    steady = calcium(held)[0, -1]
    values = model.load("chindemi-2022").values
    m = 1 / (1 + np.exp((-5.9 - voltage) / 9.5))
    h = 1 / (1 + np.exp((voltage + 39) / 9.2))
    nernst = 8.314463 * 310.15 / (2 * 96485.33) * np.log(2 / 7e-5)
    current = float(values["g_channels"]) * m * m * h * (nernst - voltage / 1000)
    per_ms = 0.04 / (2 * 96485.33) / (np.pi / 6 * 0.58e-6**3)
    assert steady == pytest.approx(current * per_ms * 12, rel=1e-3)


def test_the_shipped_thresholds_are_those_of_single_spikes():
    values = model.load("chindemi-2022").values
    peaks = calcium_peaks(laboratory())
    for name, peak in peaks.items():
        assert float(values[name] / ms) == pytest.approx(float(peak / ms), rel=1e-3)
    smaller = calcium_peaks(laboratory(spike_height=30 * mV))
    assert smaller["post_peak"] < 0.3 * peaks["post_peak"]
    assert float(smaller["pre_peak"]) == pytest.approx(float(peaks["pre_peak"]), rel=1e-6)


def trains(frequency, outside=2.0, dt=10.0, count=5):
    at = 1 + max(0.0, -dt) + np.arange(count) * 1000 / frequency
    return [
        Protocol(
            f"{frequency} Hz, {dt} ms, {outside} mM, {start} nS", pre=tuple(at), post=tuple(at + dt), period=0.8,
            calcium=outside, initial=start,
        )
        for start in (1.0, 2.0)
    ]  # fmt: skip


def test_depression_at_low_frequency_potentiation_at_high_and_nothing_without_calcium_outside():
    made = [*trains(1, count=1), *trains(10), *trains(40), *trains(40, outside=0.5)]
    done = Laboratory("chindemi-2022", step=0.2 * ms, backend="numpy").run(made)
    single, low, high, starved = done["expressed"].values.reshape(4, 2)
    np.testing.assert_allclose(single, [1, 2], atol=1e-6)
    assert low[0] == pytest.approx(1, abs=1e-6)
    assert low[1] < 1.9
    assert high[0] > 1.2
    np.testing.assert_allclose(starved, [1, 2], atol=1e-6)
    # conductance has hardly begun to follow
    assert abs(done["after"].values[:, 0] - [1, 2] * 4).max() < 0.01


def test_what_is_compared_with_measurements_is_the_conductance_long_after():
    at = tuple(1 + np.arange(25) * 20.0)
    strong = Protocol("strong", pre=at, post=tuple(time + 5 for time in at), period=0.6)
    changed = Laboratory("chindemi-2022", step=0.2 * ms, backend="numpy").change([strong])
    assert changed["ratio"].item() == pytest.approx(2 / 1.5)
