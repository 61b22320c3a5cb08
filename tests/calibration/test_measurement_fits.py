"""Fits find what is there to be found, and say what is not."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest

from neurofwp.calibration import best_parameters, fit_parameters, published_bounds
from neurofwp.errors import InputError
from neurofwp.laboratory import kinds
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import predict, replace_values
from neurofwp.laboratory.protocol import Protocol
from neurofwp.optimisation import least_squares
from neurofwp.synapses.model import SynapseModel, load


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_squares, "GENERATIONS", 10)
    monkeypatch.setattr(least_squares, "STARTS", 5)


def made_by(model: SynapseModel, protocols: list[Protocol], sem: float = 0.05) -> list[Measurement]:
    """Means as the model predicts them."""
    ratios = predict(model, protocols)
    return [Measurement(each, float(y), sem, 5, "made up") for each, y in zip(protocols, ratios, strict=True)]


def protocols() -> list[Protocol]:
    return [*kinds.pairing_frequency([10, 40], spikes=3, trains=8), *kinds.triplets(repetitions=10)]


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("triplet-visual-cortex", {"A3_plus": 0.012, "A2_minus": 0.004, "tau_y": 60.0}),
        ("graupner-brunel-dp-curve", {"tau_calcium": 30.0, "gamma_d": 350.0, "pre_delay": 6.0}),
    ],
)
def test_parameters_are_found_again(name: str, truth: dict[str, float]) -> None:
    model = load(name)
    found = fit_parameters(
        model,
        made_by(replace_values(model, truth), protocols()),
        names=tuple(truth),
        spread=math.inf,
        bootstrap=2,
        progress=False,
    )
    np.testing.assert_allclose(found["fitted"], list(truth.values()), rtol=1e-4)
    assert found["parameter"].values.tolist() == list(truth)
    assert found["determined"].all()
    assert not found["at_bound"].any()


def test_intervals_are_those_of_linear_regression() -> None:
    """The change is proportional to the amplitude of depression where nothing else happens."""
    model = replace_values(load("triplet-visual-cortex"), {"A3_minus": 0.0})
    pairs = [kinds.pairing(dt, 1, trains=10, name=str(dt)) for dt in (-5.0, -10.0, -20.0)]
    sem = np.array([0.002, 0.004, 0.003])
    slope = (predict(model, pairs) - 1) / 7e-3
    change = 0.011 * slope + [0.003, -0.002, 0.001]
    measured = [Measurement(p, 1 + y, s, 5, "") for p, y, s in zip(pairs, change, sem, strict=True)]
    found = fit_parameters(
        model, measured, names=("A2_minus",), spread=math.inf, bootstrap=400, seed=3, progress=False
    ).sel(parameter="A2_minus")
    weight = slope / sem**2
    assert float(found["fitted"]) == pytest.approx((weight @ change) / (weight @ slope), rel=1e-3)
    error = 1 / math.sqrt(weight @ slope)
    # a standard deviation from 400 samples is known to 3.5 %, the width between these percentiles to about 6 %
    assert float(found["samples"].std()) == pytest.approx(error, rel=0.1)
    assert float(found["high"] - found["low"]) == pytest.approx(2 * 1.96 * error, rel=0.2)


def test_published_values_count_as_measurements_of_the_parameters() -> None:
    """Of one amplitude to which changes are proportional: the weighted mean of what it was and what the data say."""
    model = replace_values(load("triplet-visual-cortex"), {"A3_minus": 0.0})
    pairs = [kinds.pairing(dt, 1, trains=10, name=str(dt)) for dt in (-5.0, -10.0, -20.0)]
    slope = (predict(model, pairs) - 1) / 7e-3
    sem = 0.03
    measured = [Measurement(p, 1 + 0.011 * k, sem, 5, "") for p, k in zip(pairs, slope, strict=True)]
    found = fit_parameters(model, measured, names=("A2_minus",), spread=0.3, bootstrap=400, progress=False)
    data, prior = (slope @ slope) / sem**2, 1 / (0.3 * 7e-3) ** 2  # inverse variances; 7e-3 is the largest amplitude
    assert data / prior == pytest.approx(1, rel=0.7)  # neither goes without saying
    found = found.sel(parameter="A2_minus")
    assert float(found["fitted"]) == pytest.approx((data * 0.011 + prior * 7e-3) / (data + prior), rel=1e-4)
    assert float(found["samples"].std()) == pytest.approx((data + prior) ** -0.5, rel=0.1)


@pytest.mark.parametrize(("spread", "share"), [(1e-4, 0.0), (0.2, None), (1e4, 1.0)])
def test_a_spread_leads_from_published_values_to_those_of_the_data(spread: float, share: float | None) -> None:
    model, truth = load("graupner-brunel-dp-curve"), 30.0
    measured = made_by(replace_values(model, {"tau_calcium": truth}), protocols(), sem=0.3)
    found = best_parameters(model, measured, names=("tau_calcium",), spread=spread)["tau_calcium"]
    moved = math.log(found / 20) / math.log(truth / 20)
    assert 0.05 < moved < 0.95 if share is None else moved == pytest.approx(share, abs=1e-3)


def test_noise_moves_fits_by_less_where_there_is_less() -> None:
    model = load("graupner-brunel-cortical-slice")
    widths = []
    for sem in (0.05, 0.005):
        found = fit_parameters(
            model, made_by(model, protocols(), sem), names=("tau_calcium", "gamma_p"), spread=math.inf, progress=False
        )
        assert (found["low"] <= found["published"]).all()
        assert (found["published"] <= found["high"]).all()
        widths.append((found["high"] - found["low"]).values)
    assert (widths[1] < widths[0] / 3).all()


def test_what_the_data_do_not_determine_is_said() -> None:
    """Rates and noise come with tau_rho as quotients only: all together they have no values of their own."""
    model = load("graupner-brunel-cortical-slice")
    measured = made_by(model, protocols(), sem=0.01)
    names = ("tau_rho", "gamma_p", "gamma_d", "sigma")
    found = fit_parameters(model, measured, names=names, spread=math.inf, bootstrap=2, progress=False)
    assert not found["determined"].any()
    np.testing.assert_array_equal(found["low"], found["bound_low"])
    np.testing.assert_array_equal(found["high"], found["bound_high"])
    fixed = fit_parameters(model, measured, names=names[1:], spread=math.inf, bootstrap=2, progress=False)
    assert fixed["determined"].all()


def test_a_fit_stays_within_bounds_and_says_where_it_touches_them() -> None:
    model = load("triplet-visual-cortex")
    far = replace_values(model, {"tau_y": 2000.0, "A2_minus": 0.003})
    found = fit_parameters(
        model, made_by(far, protocols()), names=("tau_y", "A2_minus"), spread=math.inf, bootstrap=2, progress=False
    )
    assert found["at_bound"].values.tolist() == [True, False]
    assert float(found["fitted"][0]) == pytest.approx(125 * 5)


def test_bounds_are_around_published_values() -> None:
    own = {each.name: each for each in published_bounds(load("graupner-brunel-p-curve"))}
    assert "pre_delay" not in own  # published as 0
    assert (own["tau_calcium"].low, own["tau_calcium"].high) == pytest.approx((4, 100))
    amplitudes = [each for each in published_bounds(load("triplet-visual-cortex")) if each.name.startswith("A")]
    assert [(each.low, each.high) for each in amplitudes] == [(0, pytest.approx(0.035))] * 4
    (share,) = published_bounds(load("graupner-brunel-hippocampal-slice"), ("down_share",))
    assert (share.low, share.high) == pytest.approx((0.14, 1))  # no more than all
    for each in (*own.values(), *amplitudes):
        np.testing.assert_allclose(
            each.value(np.array([0.0, each.place(each.published), 1.0])), [each.low, each.published, each.high]
        )


def test_a_seed_repeats_a_fit() -> None:
    model = load("triplet-visual-cortex")
    measured = made_by(model, protocols())
    first, again, other = (
        fit_parameters(model, measured, names=("tau_y",), bootstrap=3, seed=seed, progress=False) for seed in (1, 1, 2)
    )
    assert first.identical(again)
    assert not np.array_equal(first["samples"], other["samples"])


def test_fewer_points_than_parameters_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    model, names = load("triplet-visual-cortex"), ("tau_y", "A3_plus")
    with caplog.at_level(logging.WARNING, "neurofwp"):
        fit_parameters(
            model, made_by(model, protocols()[:2]), names=names, spread=math.inf, bootstrap=2, progress=False
        )
        # what is expected of them determines them as well
        fit_parameters(model, made_by(model, protocols()[:1]), names=names, spread=0.5, bootstrap=2, progress=False)
        assert not caplog.messages
        fit_parameters(
            model, made_by(model, protocols()[:1]), names=names, spread=math.inf, bootstrap=2, progress=False
        )
    assert caplog.messages == ["1 points cannot determine 2 parameters: many fits are as good"]


def test_what_cannot_be_fitted_is_refused() -> None:
    model = load("graupner-brunel-p-curve")
    measured = made_by(model, protocols())
    with pytest.raises(InputError, match="did you mean 'gamma_p'"):
        fit_parameters(model, measured, names=("gamma_q",))
    with pytest.raises(InputError, match="'gamma_p' is among .* twice"):
        fit_parameters(model, measured, names=("gamma_p", "gamma_p"))
    with pytest.raises(InputError, match="pre_delay is 0 in graupner-brunel-p-curve"):
        fit_parameters(model, measured, names=("pre_delay",))
    with pytest.raises(InputError, match="shouval-2002 has no closed form"):
        fit_parameters(load("shouval-2002"), measured)
    with pytest.raises(InputError, match="no measurement"):
        fit_parameters(model, [])
    with pytest.raises(InputError, match="needs the SEM .* has none"):
        fit_parameters(model, [measured[0]._replace(sem=math.nan)])
    with pytest.raises(InputError, match="2 fits to noisy means or more, not 1"):
        fit_parameters(model, measured, bootstrap=1)
    with pytest.raises(InputError, match="must be above 0, not 0"):
        fit_parameters(model, measured, spread=0)
