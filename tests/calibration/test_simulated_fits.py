"""Fits of models that are simulated: as closed forms where there is one, resumed, and refused where they cannot be."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import xarray as xr

from neurofwp.brian import backends
from neurofwp.calibration import fit_by_simulation, fit_parameters, published_bounds, simulated_fits
from neurofwp.errors import InputError
from neurofwp.laboratory import kinds, simulated
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import closed_form, predict, replace_values
from neurofwp.laboratory.protocol import Protocol
from neurofwp.optimisation import least_squares
from neurofwp.synapses.model import load


def measured(model: str, numbers: dict[str, float], sem: float = 0.05) -> list[Measurement]:
    protocols = [kinds.pairing(dt, hz, spikes=3, trains=8, name=f"{dt} {hz}") for dt in (10, -10) for hz in (10, 40)]
    ratios = predict(replace_values(load(model), numbers), protocols)
    return [Measurement(each, float(y), sem, 5, "made up") for each, y in zip(protocols, ratios, strict=True)]


class Exact:
    """In place of simulations: the closed form."""

    def __init__(self, model: str, protocols: list[Protocol], **others: object) -> None:
        self.groups, self.noisy, self.predict = [protocols], False, closed_form(load(model), protocols)

    def __call__(self, numbers: dict[str, np.ndarray]) -> np.ndarray:
        return self.predict(numbers)


def test_the_search_finds_what_the_closed_form_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same optimum, and intervals of the same size."""
    monkeypatch.setattr(least_squares, "GENERATIONS", 10)
    monkeypatch.setattr(least_squares, "STARTS", 5)
    monkeypatch.setattr(simulated_fits, "Simulated", Exact)
    name, names = "graupner-brunel-dp-curve", ("tau_calcium", "gamma_d")
    data = measured(name, {"tau_calcium": 26.0, "gamma_d": 400.0}, sem=0.02)
    by_search = fit_by_simulation(
        name, data, names=names, population=10, generations=40, samples=400, spread=0.2, seed=2, progress=False
    )
    exact = fit_parameters(load(name), data, names=names, spread=0.2, bootstrap=100, progress=False)
    width = (exact["high"] - exact["low"]).values
    np.testing.assert_array_less(abs(by_search["fitted"] - exact["fitted"]), 0.02 * width)
    np.testing.assert_allclose(by_search["high"] - by_search["low"], width, rtol=0.35)
    assert by_search["determined"].values.tolist() == exact["determined"].values.tolist()
    assert by_search["chi2"].values[-1] == by_search["chi2"].values.min()


def test_a_fit_resumes_from_simulations_that_were_kept(tmp_path: Path) -> None:
    pairs = [kinds.pairing(10, 20, spikes=2, trains=1, period=0.2, name="pairs")]
    data = [Measurement(pairs[0], 1.02, 0.01, 5, "made up")]
    how = {"names": ("P1",), "population": 4, "generations": 2, "folder": tmp_path, "progress": False}
    with patch.object(backends, "choose", return_value=("numpy", "")):
        first = fit_by_simulation("shouval-2002", data, **how)
        with patch.object(Laboratory, "_load", side_effect=AssertionError("simulated again")):
            again = fit_by_simulation("shouval-2002", data, **how)
    assert first.identical(again)
    assert float(first["fitted"][0]) != float(first["published"][0])


def test_simulations_answer_in_the_order_of_protocols(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that differ by name alone are one simulation; those of similar duration share a bench."""
    seen: list[list[Protocol]] = []

    def changes(self: object, protocols: list[Protocol], numbers: dict, seed: int) -> dict:
        seen.append(list(protocols))
        ratios = np.array([[each.duration * x for each in protocols] for x in numbers["P1"]])
        return {"ratio": xr.DataArray(ratios)}

    monkeypatch.setattr(simulated._Bench, "changes", changes)
    lengths = [(10, 1), (20, 9), (10, 1), (30, 1), (40, 8)]
    protocols = [Protocol(f"{n}", (float(t),), trains=k) for n, (t, k) in enumerate(lengths)]
    predict = simulated.Simulated("shouval-2002", protocols)
    np.testing.assert_array_equal(predict({"P1": np.array([1.0, 2.0])})[1], [2, 18, 2, 2, 16])
    assert sorted(map(len, seen)) == [2, 2]


def test_defaults_are_there_for_every_shipped_model_with_a_rule_of_calcium() -> None:
    for name in ("shouval-2002", "chindemi-2022", "omega", "thresholds", "graupner-brunel-cortical-slice-nmda"):
        own = published_bounds(load(name))
        assert len(own) >= 5
        assert all(each.low < each.published < each.high for each in own)
    with pytest.raises(InputError, match="name the parameters of btsp-network to fit"):
        published_bounds(load("btsp-network"))
    with pytest.raises(InputError, match="population must be at least 4, not 3"):
        fit_by_simulation("shouval-2002", [], population=3)
    with pytest.raises(InputError, match="no measurement"):
        fit_by_simulation("shouval-2002", [])
