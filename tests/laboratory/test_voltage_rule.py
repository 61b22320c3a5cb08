"""The voltage-based rule in the laboratory: integrals against the simulation they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from brian2 import ms

from neurofwp.errors import InputError
from neurofwp.laboratory import kinds, voltage_rule
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.prediction import closed_form, predict
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses.model import load

MODEL = load("clopath-visual-cortex")
CELL = {
    "v_rest": -70.6,
    "spike_height": 100.0,
    "fast_share": 0.76,
    "tau_fast": 2.1,
    "tau_slow": 12.0,
    "spike_delay": 0.0,
}
RULE = {"theta_minus": -70.6, "theta_plus": -45.3, "tau_minus": 10.0, "tau_plus": 7.0, "tau_x": 15.0, "tau_lag": 4.0}


def test_the_simulation_comes_to_the_integral_as_its_steps_become_short() -> None:
    """Its steps are those of Euler, so its error halves with them: from two steps the limit follows."""
    protocols = [
        kinds.pairing(10, 40, spikes=3, trains=1),
        kinds.pairing(-10, 40, spikes=3, trains=1),
        *kinds.triplets([(5, -5), (-10, 10)], repetitions=1, frequency=5),
    ]
    coarse, fine = (
        Laboratory(MODEL, backend="numpy", step=step * ms).change(protocols)["ratio"].values for step in (0.1, 0.05)
    )
    exact = predict(MODEL, protocols)
    np.testing.assert_allclose(2 * fine - coarse, exact, atol=2e-5)
    assert (np.abs(exact - 1) > 1e-3).all()


def test_depression_by_a_pair_is_the_filtered_spike() -> None:
    """After one postsynaptic spike u- - theta- is a difference of two exponentials for each of its parts."""
    lag, tau = 10.0, RULE["tau_minus"]
    expected = sum(
        share * CELL["spike_height"] * own / (own - tau) * (math.exp(-lag / own) - math.exp(-lag / tau))
        for share, own in ((CELL["fast_share"], CELL["tau_fast"]), (1 - CELL["fast_share"], CELL["tau_slow"]))
    )
    found = voltage_rule.drives(kinds.pairing(-lag, 1, trains=1), CELL, RULE)
    assert found.depression == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("period", [0.05, 0.2, 10.0])
def test_trains_that_are_not_integrated_are_like_the_last_one_that_is(period: float) -> None:
    train = Protocol("trains", pre=(1.0, 21.0), post=(11.0, 31.0), trains=40, period=period)
    found = voltage_rule.drives(train, CELL, RULE)
    onsets = 1000 * period * np.arange(40)[:, None]
    pre, post = (tuple((onsets + times).ravel().tolist()) for times in (train.pre, train.post))
    one = Protocol("one", pre=pre, post=post, period=40 * period)
    np.testing.assert_allclose(found, voltage_rule.drives(one, CELL, RULE), rtol=1e-6)


def test_changes_are_linear_in_the_amplitudes_and_end_at_0() -> None:
    protocols = kinds.pairing_frequency()
    solve = closed_form(MODEL, protocols)
    ltd, ltp, both = (solve({"A_LTD": d, "A_LTP": p})[0] - 1 for d, p in ((14e-5, 0.0), (0.0, 8e-5), (14e-5, 8e-5)))
    np.testing.assert_allclose(both, ltd + ltp, atol=1e-12)
    assert (ltd <= 0).all()  # none where the voltage of a spike is gone when the next pair begins
    assert ltd.min() < -0.1
    assert (ltp >= 0).all()
    np.testing.assert_array_equal(solve({"A_LTD": 1.0, "A_LTP": 0.0})[0, ltd < 0], 0)
    many = solve({"A_LTD": 14e-5, "tau_minus": [10.0, 20.0]})
    np.testing.assert_allclose(many[0], both + 1)
    assert (np.abs(many[1] - many[0]) > 1e-3).any()


def test_a_plateau_needs_the_laboratory() -> None:
    with pytest.raises(InputError, match="closed forms are for spikes"):
        predict(MODEL, [Protocol("plateau", pre=(1.0,), plateaus=((0.0, 300.0),))])
