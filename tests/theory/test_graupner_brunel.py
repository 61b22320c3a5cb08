"""Closed forms of two-threshold synapses: against computed figures, fine grids and simulations."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from neurofwp.errors import InputError
from neurofwp.laboratory.kinds import pairing
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.synapses import model
from neurofwp.theory import graupner_brunel

NAMES = ("tau_calcium", "pre_jump", "post_jump", "theta_d", "theta_p", "gamma_d", "gamma_p", "sigma", "tau_rho",
         "pre_delay", "down_share")  # fmt: skip
# Graupner & Brunel 2012; times in SI units; the last number is w1/w0
PUBLISHED = {
    "dp-curve": (0.02, 1, 2, 1, 1.3, 200, 321.808, 2.8284, 150, 0.0137, 0.5, 5),
    "dpd": (0.02, 0.9, 0.9, 1, 1.3, 250, 550, 2.8284, 150, 0.0046, 0.5, 5),
    "dpd-prime": (0.02, 1, 2, 1, 2.5, 50, 600, 2.8284, 150, 0.0022, 0.5, 5),
    "p-curve": (0.02, 2, 2, 1, 1.3, 160, 257.447, 2.8284, 150, 0, 0.5, 5),
    "d-curve": (0.02, 0.6, 0.6, 1, 1.3, 500, 550, 5.6568, 150, 0, 0.5, 5),
    "d-prime": (0.02, 1, 2, 1, 3.5, 60, 600, 2.8284, 150, 0, 0.5, 5),
    "hippocampal-slice": (0.0488373, 1, 0.275865, 1, 1.3, 313.0965, 1645.59, 9.1844, 688.355, 0.0188008, 0.7, 5.28145),
    "hippocampal-culture": (
        0.0119536, 0.58156, 1.76444, 1, 1.3, 61.141, 113.6545, 2.5654, 33.7596, 0.01, 0.5, 36.0263
    ),
    "cortical-slice": (
        0.0226936, 0.5617539, 1.23964, 1, 1.3, 331.909, 725.085, 3.3501, 346.3615, 0.0046098, 0.5, 5.40988
    ),
    "in-vivo": (0.0226936, 0.33705, 0.74378, 1, 1.3, 331.909, 725.085, 3.3501, 346.3615, 0.0046098, 0.5, 5.40988),
}  # fmt: skip


def load(name):
    return model.load(f"graupner-brunel-{name}")


@pytest.mark.parametrize("name", PUBLISHED)
def test_shipped_sets_are_the_published_ones(name):
    values = load(name).values
    ratio = float(values["w1"] / values["w0"])
    assert [*(float(values[each]) for each in NAMES), ratio] == pytest.approx(PUBLISHED[name], rel=1e-9)


@pytest.mark.parametrize(
    ("dt", "expected"),
    [(10, {0.1: 1.061, 10: 1.079, 20: 1.215, 40: 1.418, 50: 1.575}),
     (-10, {0.1: 0.691, 10: 0.635, 20: 0.607, 40: 1.428, 50: 1.560})],
)  # fmt: skip
def test_pairing_of_the_cortical_slice_set_gives_the_figures_known(dt, expected):
    # 15 trains of 5 pairs, one per 10 s; at 0.1 Hz 75 single pairs
    for frequency, ratio in expected.items():
        spikes, trains = (1, 75) if frequency == 0.1 else (5, 15)
        protocol = pairing(dt, frequency, spikes=spikes, trains=trains, period=10)
        change = graupner_brunel.time_averaged_change(load("cortical-slice"), protocol)
        assert change.ratio == pytest.approx(ratio, abs=0.001)


@pytest.mark.parametrize(
    ("name", "rate", "tau"),
    [("cortical-slice", 20, 1.3), ("in-vivo", 20, 5.2), ("hippocampal-slice", 20, 0.79),
     ("cortical-slice", 1, 152), ("in-vivo", 1, 7080), ("hippocampal-slice", 1, 377)],
)  # fmt: skip
def test_firing_without_correlation_erases_with_the_time_constants_known(name, rate, tau):
    values = load(name).values
    shares = graupner_brunel.poisson_shares(values, rate, rate)
    assert graupner_brunel.relaxation(values, *shares).tau == pytest.approx(tau, rel=0.035)


@pytest.mark.parametrize("name", ["dp-curve", "hippocampal-slice"])
@pytest.mark.parametrize("rate", [5, 60])
def test_time_above_thresholds_and_moments_are_those_of_integration_on_a_fine_grid(name, rate):
    values, step, duration = load(name).values, 0.005, 600.0
    rng = np.random.default_rng(rate)
    pre, post = (np.sort(rng.uniform(0, duration, round(rate * duration / 1000))) for _ in range(2))
    tau, delay = (float(values[each] / ms) for each in ("tau_calcium", "pre_delay"))
    gamma_p, gamma_d, rho_ms = *(float(values[each]) for each in ("gamma_p", "gamma_d")), float(values["tau_rho"] / ms)
    time = (np.arange(round(duration / step)) + 0.5) * step
    calcium = np.zeros_like(time)
    for moments, jump in ((pre + delay, values["pre_jump"]), (post, values["post_jump"])):
        for moment in moments:
            calcium += np.where(time >= moment, float(jump) * np.exp(-(time - moment).clip(0) / tau), 0)
    above_p, above_d = calcium > float(values["theta_p"]), calcium > float(values["theta_d"])
    shares = graupner_brunel.shares(values, pre, post, duration)
    assert shares == pytest.approx((above_p.mean(), above_d.mean()), abs=1e-4)
    assert shares[1] > 0
    down = up = None
    rho, variance = np.array([0.0, 1.0]), 0.0
    sigma = float(values["sigma"])
    for p, d in zip(above_p, above_d, strict=True):
        if p or d:
            rho = rho + step / rho_ms * (gamma_p * p * (1 - rho) - gamma_d * d * rho)
            variance += step / rho_ms * (sigma**2 * (int(p) + int(d)) - 2 * variance * (gamma_p * p + gamma_d * d))
    down, up, spread = graupner_brunel.moments(values, pre, post, end=duration)
    assert (down, up, spread) == pytest.approx((*rho, variance), abs=2e-4)


def test_averaging_over_a_protocol_is_exact_where_each_pair_changes_little():
    synapse = load("dp-curve")
    apart = []
    for slower in (1, 10, 100):
        scaled = replace(synapse, values=synapse.values | {"tau_rho": synapse.values["tau_rho"] * slower})
        protocol = pairing(15, 5, trains=60 * slower)
        one = graupner_brunel.time_averaged_change(scaled, protocol)
        other = graupner_brunel.exact_change(scaled, protocol)
        apart.append(abs(one.ratio - other.ratio))
    assert apart[0] > 1e-3
    np.testing.assert_allclose(apart[1:], [apart[0] / 10, apart[0] / 100], rtol=0.2)


def test_calcium_below_both_thresholds_changes_nothing():
    protocol = pairing(60, 1, trains=60)
    for change in (graupner_brunel.time_averaged_change, graupner_brunel.exact_change):
        assert change(load("in-vivo"), protocol).ratio == 1
    assert graupner_brunel.relaxation(load("in-vivo").values, 0, 0).tau == np.inf


def test_without_noise_a_synapse_goes_where_its_mean_goes():
    synapse = load("d-prime")
    silent = replace(synapse, values=synapse.values | {"sigma": 0.0})
    change = graupner_brunel.exact_change(silent, pairing(-10, 1, trains=200))
    assert (change.up, change.down, change.ratio) == (0, 1, pytest.approx(1 / 3))


@pytest.mark.parametrize("name", ["dp-curve", "hippocampal-culture"])
def test_simulated_synapses_change_as_in_closed_form(name):
    # delays on the grid of the simulation, which is otherwise exact without the bistable term
    changed = {"pre_delay": round(float(load(name).values["pre_delay"] / ms)) * ms, "bistable": 0}
    synapse = replace(load(name), values=load(name).values | changed)
    protocols = [pairing(dt, 5, trains=60) for dt in (-5.0, 0.0, 15.0)]
    found = Laboratory(synapse, step=1 * ms, backend="numpy").change(protocols, repeats=200, seed=1)
    exact = [graupner_brunel.exact_change(synapse, protocol).ratio for protocol in protocols]
    z = (found["ratio"].values - exact) / found["sem"].values
    assert abs(z).max() < 3.3
    assert found["sem"].values.max() < 0.07
    assert np.ptp(exact) > 0.2


def test_what_has_no_closed_form_is_refused():
    with pytest.raises(InputError, match="jumping calcium: 'pre_jump' is missing"):
        graupner_brunel.time_averaged_change(model.load("graupner-brunel-cortical-slice-nmda"), pairing(10, 1))
    with pytest.raises(InputError, match="rates of 0 or more"):
        graupner_brunel.poisson_shares(load("in-vivo").values, -1, 1)
