"""Voltage-based plasticity: filtered voltages and voltage pairing in closed form, a loop of its own, pairing."""

from __future__ import annotations

import csv
from dataclasses import replace
from importlib import resources

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms, mV, nS

from neurofwp.laboratory import Protocol, kinds
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.synapses import model
from neurofwp.synapses.stages.expression.clopath import Clopath

NAME = "clopath-visual-cortex"
A_LTD, A_LTP, REST, THETA_PLUS = 14e-5, 8e-5, -70.6, -45.3  # per mV, per mV^2, mV, mV
TAU_MINUS, TAU_PLUS, TAU_X, TAU_LAG = 10.0, 7.0, 15.0, 4.0  # ms
STEP = 0.1  # ms


def changes(protocols: list[Protocol], **parameters: object) -> np.ndarray:
    """Sums of weight changes, in units of the amplitudes (which are shares of 1 nS)."""
    done = Laboratory(NAME, parameters=parameters, backend="numpy").run(protocols)
    return (done["after"] - done["before"]).values[:, 0]


def test_filtered_voltages_of_a_decaying_depolarisation_are_differences_of_exponentials():
    values, tau = model.load(NAME).values, 5.0
    cell = b2.NeuronGroup(
        1, "v_dendrite = theta_minus + 100*mV*exp(-t/(5*ms)) : volt" + Clopath().postsynaptic,
        method="exponential_euler", dt=0.01 * ms, namespace=values,
    )  # fmt: skip
    seen = b2.StateMonitor(cell, ["u_minus", "u_plus", "u_late"], record=True, dt=1 * ms)
    b2.Network(cell, seen).run(40 * ms, namespace={})
    t, poles = np.asarray(seen.t / ms), {"u_minus": [TAU_MINUS], "u_plus": [TAU_PLUS], "u_late": [TAU_PLUS, TAU_LAG]}
    for name, filters in poles.items():
        # partial fractions of 1/(s + 1/tau) and one 1/(1 + tau_f s) per filter
        rates = [1 / tau, *(1 / each for each in filters)]
        terms = [np.exp(-rate * t) / np.prod([other - rate for other in rates if other != rate]) for rate in rates]
        expected = 100 * np.prod(rates[1:]) * np.sum(terms, axis=0)
        np.testing.assert_allclose(np.asarray(getattr(seen, name)[0] / mV), expected, rtol=0, atol=0.1)


def mean_of_step(tau: float) -> float:
    """Of an exponential that begins with it."""
    return -np.expm1(-STEP / tau) * tau / STEP


def loop(protocol: Protocol) -> float:
    """The rule, step by step. Spikes of either cell act one step after they are told to, and at the end of a step."""
    steps = round(protocol.duration * 1000 / STEP)
    at_pre, at_post = (np.zeros(steps, bool) for _ in range(2))
    for at, times in ((at_pre, protocol.pre), (at_post, protocol.post)):
        at[np.round(np.array(times) / STEP).astype(int) + 1] = True
    fast = slow = minus = plus = late = trace = change = 0.0
    for pre, post in zip(at_pre, at_post, strict=True):
        above = fast + slow  # voltage above rest, which is theta_minus
        change += A_LTP * STEP * trace * max(above + REST - THETA_PLUS, 0) * max(late, 0)
        late += (plus - late) * -np.expm1(-STEP / TAU_LAG)
        plus += (above - plus) * -np.expm1(-STEP / TAU_PLUS)
        minus += (above - minus) * -np.expm1(-STEP / TAU_MINUS)
        trace *= np.exp(-STEP / TAU_X)
        fast, slow = fast * np.exp(-STEP / 2.1), slow * np.exp(-STEP / 12)
        if pre:
            change -= A_LTD * max(minus, 0)
            trace += 1 / TAU_X
        if post:
            fast, slow = fast + 76 * mean_of_step(2.1), slow + 24 * mean_of_step(12)
    return change


def test_a_synapse_does_what_a_loop_of_its_own_says():
    protocols = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        times = np.sort(rng.choice(np.arange(10, 3000, 3), 50, replace=False)) / 10
        side = rng.permutation(np.repeat([True, False], 25))
        protocols.append(
            Protocol(
                f"irregular {seed}", tuple(times[side].tolist()), tuple(times[~side].tolist()), period=0.4, initial=5.0
            )
        )
    protocols += [kinds.pairing(dt, 40.0, spikes=5, trains=1, period=0.4) for dt in (10.0, -10.0)]
    expected = [loop(protocol) for protocol in protocols]
    assert np.ptp(expected) > 0.05
    np.testing.assert_allclose(changes(protocols), expected, rtol=0, atol=1e-6)


def test_voltage_pairing_depresses_in_between_and_potentiates_above():
    # with a held voltage, and presynaptic traces of area 1, a pulse changes the weight by
    # A_LTP [V - theta+]+ [V - theta-]+ - A_LTD [V - theta-]+
    voltages = np.array([-80, -70.6, -60, -50, -44, -42, -30])
    protocols = [
        Protocol(f"{voltage:g}", pre=(150.0, 250.0), period=0.5, held=((0.0, 500.0),), voltage=voltage)
        for voltage in voltages.tolist()
    ]
    filtered = np.maximum(voltages - REST, 0)
    potentiation = A_LTP * np.maximum(voltages - THETA_PLUS, 0) * filtered
    expected = 2 * (potentiation - A_LTD * filtered)
    done = changes(protocols)
    assert (np.abs(done - expected) <= 0.01 * potentiation + 1e-7).all()
    assert (done[2:4] < 0).all()
    assert done[-1] > 0


def repeated(dt: float, frequency: float) -> tuple[Protocol, int]:
    """One train of the protocol of Sjöström et al. (2001), and how often it is given: the synapse forgets between."""
    spikes, times = (1, 50) if frequency < 1 else (5, 15)
    period = (spikes - 1) / frequency + 0.2
    return kinds.pairing(dt, frequency, spikes=spikes, trains=1, period=period), times


def relative_changes(points: list[tuple[float, float]], **parameters: object) -> np.ndarray:
    """After whole protocols, for every (dt, frequency)."""
    trains, times = zip(*(repeated(*point) for point in points), strict=True)
    return np.array(times) * changes(list(trains), **parameters) / 0.5


def test_pairing_changes_sign_with_frequency_and_meets_visual_cortex():
    rows = csv.DictReader(
        resources.files("neurofwp.data").joinpath("sjostrom_2001_visual_cortex.csv").read_text("utf-8").splitlines()
    )
    columns = ("frequency_hz", "dt_ms", "change", "sem")
    frequency, dt, measured, sem = np.array([[float(row[name]) for name in columns] for row in rows]).T
    made = relative_changes(list(zip(dt.tolist(), frequency.tolist(), strict=True)))
    assert np.mean(((made - measured) / sem) ** 2) == pytest.approx(1.87, abs=0.02)
    first = dt > 0
    assert (np.diff(made[first]) > 0).all()  # potentiation grows with frequency, from next to nothing
    assert 0 <= made[first][0] < 0.1
    assert (made[~first][:3] < -0.2).all()
    assert made[~first][-1] > 0.2


def test_the_lag_keeps_a_spike_from_potentiating_by_itself():
    pair = [(10.0, 0.1)]
    equations_alone, lagging = relative_changes(pair, tau_lag=1e-3 * ms), relative_changes(pair)
    assert equations_alone[0] > 0.25
    assert lagging[0] < 0.1


def test_a_weight_stays_at_zero_where_it_would_fall_below():
    protocol = replace(kinds.pairing(-10.0, 20.0, spikes=5, trains=1, period=0.4), initial=0.001)
    done = Laboratory(NAME, backend="numpy").run([protocol])
    assert done["after"].item() == 0
    assert model.load(NAME).initial == 0.5 * nS
