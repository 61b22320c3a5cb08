"""Shared parameters over studies: found again, and local ones where preparations differ."""

from __future__ import annotations

import math

import pytest

from neurofwp.calibration import fit_shared, hierarchical, published_bounds
from neurofwp.errors import InputError
from neurofwp.laboratory import kinds
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import predict, replace_values
from neurofwp.synapses.model import load

MODEL = "triplet-visual-cortex"
NAMES = ("A3_plus", "A2_minus")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hierarchical, "STARTS", 2)
    monkeypatch.setattr(hierarchical, "CANDIDATES", 10)


def studies(*amplitudes: float) -> list[Measurement]:
    """One study for each A3_plus, in units of 1e-3."""
    model, made = load(MODEL), []
    for number, amplitude in enumerate(amplitudes):
        protocols = [kinds.pairing(dt, hz, spikes=5, trains=3, name=f"{dt} {hz}") for dt in (10, -10) for hz in (5, 40)]
        ratios = predict(replace_values(model, {"A3_plus": amplitude * 1e-3}), protocols)
        made += [Measurement(p, float(y), 0.01, 5, f"study {number}") for p, y in zip(protocols, ratios, strict=True)]
    return made


def test_studies_that_agree_give_one_set() -> None:
    for local in ((), ("A3_plus",)):
        found = fit_shared(load(MODEL), studies(9, 9, 9), names=NAMES, local=local, spread=math.inf)
        assert found["A3_plus"] == pytest.approx(9e-3, rel=1e-2)
        assert found["A2_minus"] == pytest.approx(7e-3, rel=1e-2)


def test_a_local_parameter_is_the_mean_of_preparations_and_leaves_shared_ones_alone() -> None:
    """With differences that are hardly bound, each study has its own value, and what is shared stays where it is."""
    found = fit_shared(load(MODEL), studies(7, 9, 11), names=NAMES, local=("A3_plus",), spread=math.inf)
    assert found["A3_plus"] == pytest.approx(9e-3, rel=2e-2)
    assert found["A2_minus"] == pytest.approx(7e-3, rel=1e-2)
    # without local parameters, the shared one takes what it does not explain
    forced = fit_shared(load(MODEL), studies(7, 9, 11), names=NAMES, local=(), spread=math.inf)
    assert abs(forced["A2_minus"] - 7e-3) > abs(found["A2_minus"] - 7e-3)


def test_published_values_hold_where_they_are_sure() -> None:
    found = fit_shared(load(MODEL), studies(9, 9), names=NAMES, spread=1e-4)
    for own in published_bounds(load(MODEL), NAMES):
        assert found[own.name] == pytest.approx(own.published, abs=1e-3 * own.high)


def test_what_cannot_be_shared_is_refused() -> None:
    with pytest.raises(InputError, match="fitted parameter 'tau_y'"):
        fit_shared(load(MODEL), studies(9), names=NAMES, local=("tau_y",))
    with pytest.raises(InputError, match="between preparations must be above 0, not 0"):
        fit_shared(load(MODEL), studies(9), names=NAMES, local_spread=0)
    with pytest.raises(InputError, match="no measurement"):
        fit_shared(load(MODEL), [])
