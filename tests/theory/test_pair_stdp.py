"""Pair STDP of Poisson spikes: the synapse models drift as the closed form says, and that is a rule of rates."""

from __future__ import annotations

from collections.abc import Iterator

import brian2 as b2
import numpy as np
import pytest
import torch
from brian2 import Hz, ms, nS, second
from hypothesis import given, strategies as st

import neurofwp as nf
from neurofwp import rules
from neurofwp.errors import InputError
from neurofwp.theory.pair_stdp import pair_drift

PAIR = {"A_plus": 1e-3, "A_minus": 0.8e-3, "tau_plus": 0.0168, "tau_minus": 0.0337}
PRE, POST = (each.ravel() for each in np.meshgrid([10.0, 50.0], [5.0, 80.0], indexing="ij"))
CELLS, SECONDS, STEP = 300, 3.0, 0.5 * ms
RATE = st.floats(0, 200)


@pytest.fixture(scope="module")
def simulated() -> Iterator[dict[bool, np.ndarray]]:
    """Changes per second (w_unit, (rates, synapse)) of pairs of Poisson cells, by whether pairs are of neighbours."""
    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    b2.seed(3)
    cells = [
        b2.NeuronGroup(len(PRE) * CELLS, "rate : Hz\ng_ampa : siemens", threshold="rand() < rate*dt", reset="", dt=STEP)
        for _ in range(2)
    ]
    for group, rates in zip(cells, (PRE, POST), strict=True):
        group.rate = np.repeat(rates, CELLS) * Hz
    numbers = {"A_plus": PAIR["A_plus"], "A_minus": PAIR["A_minus"], "w_initial": 50 * nS, "w_max": 100 * nS}
    numbers |= {name: PAIR[name] * second for name in ("tau_plus", "tau_minus")}
    made = {}
    for nearest in (False, True):
        model = "pair-nearest-hippocampal-culture" if nearest else "pair-hippocampal-culture"
        made[nearest] = nf.synapse(model, parameters=numbers).connect(*cells, condition="i == j")
    b2.Network(*cells, *made.values()).run(SECONDS * second, namespace={})
    yield {
        nearest: (np.asarray(plastic.weight / nS) - 50).reshape(-1, CELLS) / SECONDS
        for nearest, plastic in made.items()
    }
    b2.prefs.codegen.target = before


@pytest.mark.parametrize("nearest", [False, True])
def test_simulated_spikes_drift_as_the_closed_form_says(simulated: dict[bool, np.ndarray], nearest: bool) -> None:
    found, error = simulated[nearest].mean(1), simulated[nearest].std(1) / np.sqrt(CELLS)
    expected = pair_drift(PRE, POST, SECONDS, **PAIR, nearest=nearest)
    assert (abs(found - expected) < 3 * error + 0.02 * abs(expected)).all(), (found, expected, error)
    other = pair_drift(PRE, POST, SECONDS, **PAIR, nearest=not nearest)
    assert (abs(found - other) > 5 * error).any()  # the scheme matters at these rates, and the test sees it


@given(x=RATE, y=RATE, a_minus=st.floats(0, 2e-3))
def test_all_pairs_are_the_hebbian_rule_and_nearest_pairs_theirs(x: float, y: float, a_minus: float) -> None:
    pair = PAIR | {"A_minus": a_minus}
    gain = {"plus": PAIR["A_plus"] * PAIR["tau_plus"], "minus": a_minus * PAIR["tau_minus"]}
    hebbian = step("hebbian", x, y, rate=gain["plus"] - gain["minus"])
    assert pair_drift(x, y, **pair) == pytest.approx(hebbian, rel=1e-9, abs=1e-15)
    nearest = step("nearest_pair", x, y, g_plus=gain["plus"], g_minus=gain["minus"],
                   saturation_pre=PAIR["tau_plus"], saturation_post=PAIR["tau_minus"])  # fmt: skip
    assert pair_drift(x, y, **pair, nearest=True) == pytest.approx(nearest, rel=1e-9, abs=1e-15)


def step(rule: str, x: float, y: float, **parameters: float) -> float:
    """What an event of one second with these rates (Hz) as key and value adds to a weight of 0."""
    one = torch.ones((), dtype=torch.float64)
    event = rules.Event(x * one[None], y * one[None], one, one)
    return float(rules.get(rule).step(torch.zeros(1, 1).double(), event, {n: p * one for n, p in parameters.items()}))


def test_depression_at_low_postsynaptic_rates_and_potentiation_at_high_ones() -> None:
    """Where both schemes differ most: with neighbours alone more postsynaptic spikes turn depression around."""
    pair = PAIR | {"A_minus": 1.2e-3}
    rates = np.array([5.0, 100.0])
    assert np.sign(pair_drift(20.0, rates, **pair, nearest=True)).tolist() == [-1, 1]
    assert np.sign(pair_drift(20.0, rates, **pair)).tolist() == [-1, -1]


@given(x=RATE, y=RATE, nearest=st.booleans())
def test_long_windows_forget_their_beginning(x: float, y: float, nearest: bool) -> None:
    long, forever = (pair_drift(x, y, window, **PAIR, nearest=nearest) for window in (1e4, np.inf))
    assert long == pytest.approx(forever, rel=1e-3, abs=1e-9 * (1 + x * y))
    short = pair_drift(x, y, 1e-9, **PAIR, nearest=nearest)
    assert abs(short) <= 1e-6 * (1 + x * y)  # no spike has come before


@pytest.mark.parametrize("bad", [{"pre": -1.0}, {"window": 0.0}])
def test_what_is_no_rate_and_no_window(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="rates of 0 Hz or more"):
        pair_drift(**({"pre": 1.0, "post": 1.0, "window": 1.0} | bad), **PAIR)
