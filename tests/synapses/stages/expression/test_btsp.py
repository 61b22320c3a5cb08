"""Behavioural time-scale plasticity: its traces, its rates in closed form, what a plateau writes, and the rate rule."""

from __future__ import annotations

import brian2 as b2
import numpy as np
import pytest
import torch
from brian2 import ms, second

from neurofwp.laboratory import Protocol, kinds
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.rules.btsp import RULE, State
from neurofwp.rules.rule import Event
from neurofwp.synapses import model
from neurofwp.synapses.stages.expression.btsp import BTSP

SETS = ("btsp-network", "btsp-example")
RATES = ("k_plus", "k_minus", "a_plus", "b_plus", "a_minus", "b_minus")


def laboratory(name: str, step: float, **parameters: object) -> Laboratory:
    return Laboratory(name, parameters=parameters, step=step * ms, backend="numpy")


def test_a_plateau_writes_what_was_computed_for_the_network_set():
    computed = {
        (-4, 1): -0.01, (-2, 1): 0.08, (-1, 1): 0.32, (0, 1): 0.71, (1, 1): 0.01,
        (-4, 4): -0.46, (-2, 4): -1.00, (-1, 4): -1.17, (0, 4): -1.23, (1, 4): -0.66, (2, 4): -0.08,
    }  # fmt: skip
    protocols = [kinds.plateau_induction([delay], [initial], after=5.0)[0] for delay, initial in computed]
    done = laboratory("btsp-network", 1).run(protocols)
    written = (done["after"] - done["before"]).values[:, 0]
    np.testing.assert_allclose(written, list(computed.values()), rtol=0, atol=0.03)


PUBLISHED = {
    "btsp-network": {"tau_e": 1.664, "tau_i": 0.437, "k_plus": 1.11, "k_minus": 0.425, "a_plus": 0.415, "b_plus": 4.4,
                     "a_minus": 0.026, "b_minus": 20, "w_max": 4.68e-9},
    "btsp-example": {"tau_e": 2.5, "tau_i": 1.5, "k_plus": 1.7, "k_minus": 0.204, "a_plus": 0.5, "b_plus": 4,
                     "a_minus": 0.01, "b_minus": 44.4, "w_max": 5e-9},
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_published_numbers_are_those_published(name):
    values = model.load(name).values  # in SI units
    assert {each: float(values[each]) for each in PUBLISHED[name]} == pytest.approx(PUBLISHED[name])


def test_a_plateau_after_the_spike_writes_more_than_one_before():
    delays = [-3.0, -1.5, 1.5, 3.0]
    done = laboratory("btsp-example", 1).run(kinds.plateau_induction(delays, [1.0], after=5.0))
    earlier, early, late, later = (done["after"] - done["before"]).values[:, 0]
    assert early > earlier > 0
    assert late > later
    assert early > late


@pytest.mark.parametrize("name", SETS)
def test_both_traces_have_a_maximum_of_one_and_then_decay(name):
    values = model.load(name).values
    settings = {"method": "exponential_euler", "dt": 1 * ms, "namespace": values}
    key = b2.NeuronGroup(
        1, BTSP.presynaptic, threshold="abs(t - 100*ms) < 0.5*ms or abs(t - 200*ms) < 0.5*ms",
        reset=BTSP.presynaptic_spike, **settings,
    )  # fmt: skip
    value = b2.NeuronGroup(1, "plateau = int(t > 99.5*ms)*int(t < 399.5*ms) : 1\n" + BTSP.postsynaptic, **settings)
    before, after = b2.StateMonitor(key, "eligibility", record=True), b2.StateMonitor(value, "instructive", record=True)
    b2.Network(key, value, before, after).run(1001 * ms, namespace={})
    eligibility, instructive = before.eligibility[0], after.instructive[0]
    tau_e, tau_i = float(values["tau_e"] / ms), float(values["tau_i"] / ms)
    t = np.arange(1001.0)
    spike = np.where(t > 200, 200, 100) + 0.0  # the latest one counts
    np.testing.assert_allclose(eligibility[101:], np.exp(-(t - spike - 1) / tau_e)[101:], atol=1e-9)
    assert (eligibility[:101] == 0).all()
    rise = -np.expm1(-np.clip(t - 100, 0, 300) / tau_i) / -np.expm1(-300 / tau_i)
    np.testing.assert_allclose(instructive, rise * np.exp(-np.clip(t - 400, 0, None) / tau_i), atol=1e-9)
    assert instructive.max() == pytest.approx(1)


def q(overlap: np.ndarray, midpoint: float, slope: float) -> np.ndarray:
    """A logistic function from 0 at 0 to 1 at 1, through its hyperbolic tangent."""
    low, at, high = (np.tanh(slope * (x - midpoint) / 2) for x in (0, overlap, 1))
    return (at - low) / (high - low)


@pytest.mark.parametrize("name", SETS)
def test_with_traces_that_stand_still_a_weight_relaxes_in_closed_form(name):
    # an eternal eligibility trace of the size of one spike, and a plateau that goes on
    still = {"tau_e": 1e9 * second, "tau_i": 1 * ms, "plateau_length": np.inf * second}
    p = {each: float(model.load(name).values[each]) for each in RATES}
    w_max = float(model.load(name).values["w_max"]) * 1e9
    for overlap in (0.0, 0.02, 0.3, 1.0):
        protocol = Protocol("still", pre=(0.0,), plateaus=((0.0, 1000.0),), period=1.0, initial=2.0)
        done = laboratory(name, 1, eligibility_share=overlap, **still).run([protocol])
        gain = p["k_plus"] * q(np.array(overlap), p["a_plus"], p["b_plus"])
        loss = p["k_minus"] * q(np.array(overlap), p["a_minus"], p["b_minus"])
        target = w_max * gain / (gain + loss) if overlap else 2.0
        expected = target + (2 - target) * np.exp(-(gain + loss))
        assert done["after"].item() == pytest.approx(expected, abs=0.01 if overlap else 1e-12)


def test_spikes_without_a_plateau_and_plateaus_without_a_spike_write_nothing():
    silent = [
        Protocol("spikes", pre=(10.0, 60.0, 300.0), post=(15.0, 65.0, 305.0), period=1.0, initial=2.0),
        Protocol("plateau", post=(15.0, 65.0, 305.0), plateaus=((100.0, 400.0),), period=1.0, initial=2.0),
    ]
    done = laboratory("btsp-network", 1).run(silent)
    np.testing.assert_allclose(done["after"].values, 2, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", SETS)
def test_it_is_the_rate_rule_with_the_traces_of_one_spike_and_one_plateau(name):
    values = model.load(name).values
    p = {each: torch.tensor(float(values[each]), dtype=torch.float64) for each in (*RATES, "tau_e", "tau_i")}
    event = 0.05  # s
    p |= {"w_max": 0 * p["k_plus"] + float(values["w_max"]) * 1e9, "duration": 0 * p["k_plus"] + event}
    full = -1 / np.expm1(-0.3 / float(values["tau_i"]))  # constant input that brings the trace to 1 within 300 ms
    delays, initials = [-2.0, -0.5], [1.0, 4.0]
    one, written = torch.ones((), dtype=torch.float64), []
    for delay in delays:
        weight = torch.tensor(initials, dtype=torch.float64)[:, None]
        state = State(weight, one.expand(1), 0 * one.expand(2))
        for number in range(round((0.3 - delay + 5) / event)):
            plateau = -delay - 1e-9 <= number * event < -delay + 0.3 - 1e-9
            state = RULE.step(state, Event(0 * one.expand(1), full * plateau * one.expand(2), one, one), p)
        written.append(state.weight[:, 0].numpy() - initials)
    protocols = kinds.plateau_induction(delays, initials, after=5.0)
    done = laboratory(name, 1).run(protocols)
    spiking = (done["after"] - done["before"]).values[:, 0].reshape(2, 2)
    assert np.abs(written).max() > 0.5
    np.testing.assert_allclose(spiking, written, rtol=0, atol=3e-3)
