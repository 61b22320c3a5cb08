"""Pairs of spikes, of all and of nearest neighbours: closed forms for regular and for Poisson trains."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from neurofwp.laboratory import Protocol, kinds, measurements, predict
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.prediction import replace_values
from neurofwp.synapses import model

ALL, NEAREST, SONG = "pair-hippocampal-culture", "pair-nearest-hippocampal-culture", "pair-song-2000"


def numbers(name: str) -> tuple[float, float, float, float]:
    """A+, A-, tau+ and tau- (s) of a shipped set; the first two relative to the weight at the beginning."""
    values = model.load(name).values
    share = float(values["w_unit"] / values["w_initial"])
    a_plus, a_minus = (share * float(values[key]) for key in ("A_plus", "A_minus"))
    tau_plus, tau_minus = (float(values[key] / ms) / 1000 for key in ("tau_plus", "tau_minus"))
    return a_plus, a_minus, tau_plus, tau_minus


def regular_change(name: str, dt: float, interval: float, pairs: int) -> float:
    """Relative change by `pairs` pairs, `interval` apart, with dt > 0 (both in s)."""
    a_plus, a_minus, tau_plus, tau_minus = numbers(name)
    if name == NEAREST:
        gained, lost = pairs * np.exp(-dt / tau_plus), (pairs - 1) * np.exp(-(interval - dt) / tau_minus)
    else:
        lags = np.arange(pairs)
        gained = ((pairs - lags) * np.exp(-(lags * interval + dt) / tau_plus)).sum()
        lost = ((pairs - lags[1:]) * np.exp(-(lags[1:] * interval - dt) / tau_minus)).sum()
    return float(a_plus * gained - a_minus * lost)


@pytest.mark.parametrize("name", [ALL, NEAREST, SONG])
def test_regular_pairs_have_a_closed_form(name: str) -> None:
    """In the laboratory and in the prediction: pairs far apart, and near enough for the schemes to differ."""
    frequencies, pairs, period = (12.5, 25.0, 50.0), 4, 0.3
    protocols = [
        kinds.pairing(dt, hz, spikes=pairs, trains=1, period=period) for dt in (5.0, 12.0) for hz in frequencies
    ]
    protocols = [Protocol(f"{index}", each.pre, each.post, period=period) for index, each in enumerate(protocols)]
    expected = [1 + regular_change(name, dt / 1000, 1 / hz, pairs) for dt in (5, 12) for hz in frequencies]
    np.testing.assert_allclose(predict(model.load(name), protocols), expected, rtol=0, atol=1e-12)
    done = Laboratory(name, backend="numpy").run(protocols)
    np.testing.assert_allclose((done["after"] / done["before"]).values[:, 0], expected, rtol=0, atol=1e-6)


def test_a_single_pair_is_the_window_in_both_schemes() -> None:
    dts = np.array([-40.0, -10, -0.5, 0.5, 10, 40])
    protocols = [kinds.pairing(dt, trains=1) for dt in dts]
    for name in (ALL, NEAREST):
        a_plus, a_minus, tau_plus, tau_minus = numbers(name)
        window = np.where(dts > 0, a_plus * np.exp(-dts / 1000 / tau_plus), -a_minus * np.exp(dts / 1000 / tau_minus))
        np.testing.assert_allclose(predict(model.load(name), protocols), 1 + window, rtol=0, atol=1e-12)
    together = kinds.pairing(0.0, trains=1)
    assert predict(model.load(ALL), [together])[0] == 1


@pytest.mark.parametrize("name", [ALL, NEAREST])
@pytest.mark.parametrize(("pre_rate", "post_rate"), [(10.0, 25.0), (30.0, 8.0)])
def test_independent_poisson_trains_drift_as_expected(name: str, pre_rate: float, post_rate: float) -> None:
    """All with all: r_pre r_post (A+ tau+ - A- tau-) per s (Song et al. 2000).

    Nearest neighbours: a spike finds the last one of the other cell after an exponential time, so that tau+ becomes
    tau+/(1 + r_pre tau+), and tau- becomes tau-/(1 + r_post tau-).
    """
    duration, repeats, rng = 20.0, 150, np.random.default_rng(3)

    def spikes(rate: float) -> tuple[float, ...]:
        return tuple(np.unique(rng.uniform(100, 1000 * duration, rng.poisson(rate * (duration - 0.1)))).tolist())

    protocols = [Protocol(f"{index}", spikes(pre_rate), spikes(post_rate), period=duration) for index in range(repeats)]
    # changes so small that no bound is met
    synapse = model.load(name)
    synapse = replace_values(synapse, {key: float(synapse.values[key]) / 50 for key in ("A_plus", "A_minus")})
    a_plus, a_minus, tau_plus, tau_minus = numbers(name)
    if name == NEAREST:
        tau_plus, tau_minus = tau_plus / (1 + pre_rate * tau_plus), tau_minus / (1 + post_rate * tau_minus)
    drift = pre_rate * post_rate * (a_plus * tau_plus - a_minus * tau_minus) / 50
    found = (predict(synapse, protocols) - 1) / (duration - 0.1)
    error = found.std(ddof=1) / np.sqrt(repeats)
    assert error < 0.05 * drift
    assert abs(found.mean() - drift) < 4 * error + 0.005 * drift  # traces begin at 0


def test_song_s_synapses_shrink_under_uncorrelated_spikes() -> None:
    a_plus, a_minus, tau_plus, tau_minus = numbers(SONG)
    assert a_minus * tau_minus == pytest.approx(1.05 * a_plus * tau_plus)


def test_weights_stay_within_their_bounds() -> None:
    """Weights that a bound has stopped change from there on."""
    early, late, last = tuple(np.arange(10.0, 90, 20)), tuple(np.arange(12.0, 90, 20)), 95.0
    rising = Protocol("up", (*early, last), late, period=0.1)
    falling = Protocol("down", late, (*early, last), period=0.1)
    synapse = replace_values(model.load(SONG), {"A_plus": 0.4, "A_minus": 0.4})
    up, down = predict(synapse, [rising, falling])
    assert 1 < up < 2
    assert 0 < down < 1
    assert predict(synapse, [replace(rising, pre=early)])[0] == pytest.approx(2)
    assert predict(synapse, [replace(falling, post=early)])[0] == pytest.approx(0)
    after = Laboratory(synapse, backend="numpy").run([rising, falling])["after"].values[:, 0]
    np.testing.assert_allclose(after, [up * 0.5, down * 0.5], atol=1e-6)


def test_amplitudes_are_least_squares_to_single_cells() -> None:
    cells = measurements.read("bi_poo_1998_hippocampal_culture")
    dt = np.array([cell.protocol.coordinates["dt"] for cell in cells]) / 1000
    change = np.array([cell.ratio - 1 for cell in cells])
    a_plus, a_minus, tau_plus, tau_minus = numbers(ALL)
    for sign, amplitude, tau in ((1, a_plus, tau_plus), (-1, -a_minus, tau_minus)):
        window = np.exp(-np.abs(dt) / tau)[dt * sign > 0]
        best = (window @ change[dt * sign > 0]) / (window @ window) / 60
        assert amplitude == pytest.approx(best, rel=1e-3)
    assert numbers(NEAREST) == numbers(ALL)
