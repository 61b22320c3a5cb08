"""Closed forms of many protocols and sets of parameters at once, against the slow ways to the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from brian2 import ms

from neurofwp.errors import InputError
from neurofwp.laboratory import Protocol, kinds, measurements
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.prediction import closed_form, predict, replace_values
from neurofwp.synapses.model import load
from neurofwp.theory import graupner_brunel

PUBLISHED = ("cortical-slice", "hippocampal-slice", "hippocampal-culture", "in-vivo", "p-curve", "d-curve", "dpd-prime")


def varied() -> list[Protocol]:
    """Pairs, triplets, quadruplets, irregular trains and spikes of one cell only."""
    return [
        *(each.protocol for each in measurements.read("sjostrom_2001_visual_cortex")),
        *kinds.triplets(repetitions=7),
        *kinds.quadruplets(repetitions=5),
        *kinds.poisson(seed=3)[:4],
        Protocol("presynaptic", pre=(0.0, 20.0, 30.0), trains=4),
        Protocol("nothing"),
    ]


@pytest.mark.parametrize("name", PUBLISHED)
def test_all_at_once_is_each_alone(name: str) -> None:
    model = load(f"graupner-brunel-{name}")
    alone = [graupner_brunel.exact_change(model, protocol).ratio for protocol in varied()]
    np.testing.assert_allclose(predict(model, varied()), alone, rtol=1e-10)


def test_two_thresholds_agree_with_the_simulation() -> None:
    """Mean over noise, within 2 standard errors."""
    model = replace_values(load("graupner-brunel-cortical-slice"), {"pre_delay": 5.0})  # a whole number of steps
    protocols = [kinds.pairing(dt, 50, spikes=5, trains=12, period=0.3) for dt in (10.0, -10.0)]
    done = Laboratory(model, step=0.5 * ms, backend="numpy").change(protocols, repeats=1500, seed=1)
    predicted = predict(model, protocols)
    assert np.ptp(predicted) > 0.01  # the two orders differ
    assert done["sem"].max() < 0.02
    assert (abs(done["ratio"] - predicted) < 2 * done["sem"]).all()


@pytest.mark.parametrize("name", ["triplet-visual-cortex", "triplet-hippocampal-culture"])
def test_triplets_agree_with_the_simulation(name: str) -> None:
    """Exactly, also where spikes coincide and where the weight reaches 0."""
    protocols = [
        *kinds.triplets([(5, -5), (-10, 15)], repetitions=3, frequency=5),
        *kinds.quadruplets([20.0, -20.0], repetitions=3, frequency=5),
        kinds.pairing(0.0, 50, spikes=5, trains=3, period=0.3, name="together"),
        Protocol("only depression", pre=(4.0, 14.0, 24.0), post=(1.0, 11.0, 21.0, 31.0)),
    ]
    strong = replace_values(load(name), {"A2_minus": 0.4, "A3_minus": 0.1, "A3_plus": 0.2})
    for model in (load(name), strong):
        done = Laboratory(model, step=0.1 * ms, backend="numpy").change(protocols)
        np.testing.assert_allclose(predict(model, protocols), done["ratio"], rtol=1e-9)
    assert predict(replace_values(strong, {"A2_plus": 0.0, "A3_plus": 0.0}), protocols)[-1] == 0


def test_a_pair_is_an_exponential_of_its_interval() -> None:
    model = load("triplet-hippocampal-culture")
    values = {name: float(model.values[name]) for name in ("A2_plus", "A2_minus")}
    ratios = predict(model, [kinds.pairing(dt, trains=1) for dt in (10.0, -10.0)])
    expected = [values["A2_plus"] * math.exp(-10 / 16.8), -values["A2_minus"] * math.exp(-10 / 33.7)]
    np.testing.assert_allclose(ratios - 1, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("name", "sets"),
    [
        (
            "graupner-brunel-cortical-slice",
            {"tau_calcium": [15.0, 30.0], "pre_delay": [0.0, 20.0], "tau_rho": [300, 50]},
        ),
        ("triplet-visual-cortex", {"tau_x": [50.0, 200.0], "A3_plus": [0.01, 0.001]}),
    ],
)
def test_sets_of_parameters_are_models(name: str, sets: dict[str, list[float]]) -> None:
    model = load(name)
    together = closed_form(model, varied())(sets)
    for row, numbers in zip(together, zip(*sets.values(), strict=True), strict=True):
        alone = predict(replace_values(model, dict(zip(sets, numbers, strict=True))), varied())
        np.testing.assert_allclose(row, alone, rtol=1e-12)


def test_what_has_no_closed_form_is_refused() -> None:
    pairs = kinds.spike_timing([10])
    for name in ("shouval-2002", "chindemi-2022"):
        with pytest.raises(InputError, match=f"{name} has no closed form.*'jump-events'.*'triplet'"):
            predict(load(name), pairs)
    model = load("triplet-visual-cortex")
    for refused in (Protocol("p", initial=0.3), Protocol("p", held=((0, 10),), voltage=-40)):
        with pytest.raises(InputError, match="p: closed forms are for spikes"):
            predict(model, [refused])
