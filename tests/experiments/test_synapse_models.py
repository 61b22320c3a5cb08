"""Which models meet which studies, what is fitted to what, and what counts as predicted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurofwp import cli
from neurofwp.errors import InputError
from neurofwp.experiments import synapse_models as experiment
from neurofwp.laboratory import measurements, side_by_side
from neurofwp.laboratory.prediction import predict, replace_values
from neurofwp.optimisation import least_squares
from neurofwp.runtime import store
from neurofwp.synapses.model import load

SJOSTROM, WANG, PAIRED = "sjostrom_2001_visual_cortex", "wang_2005_hippocampal_culture", "paired_recordings"
OTHER = "Sjostrom et al. 2001 (paired_recordings)"
CLOPATH = "clopath-visual-cortex"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick fits."""
    monkeypatch.setattr(least_squares, "GENERATIONS", 3)
    monkeypatch.setattr(least_squares, "STARTS", 2)


def squares(name: str, numbers: dict[str, float], source: str, study: str = "") -> np.ndarray:
    """z^2 of a model with other parameters, of all points of a file, or of one study's."""
    own = [each for each in measurements.read(source) if study in each.study]
    ratio = predict(replace_values(load(name), numbers), [each.protocol for each in own])
    return np.square((ratio - [each.ratio for each in own]) / [each.sem for each in own])


def test_models_that_have_a_weight_and_see_spikes_are_scored() -> None:
    models = experiment.scorable_models()
    assert {"chindemi-2022", CLOPATH, "shouval-2002", "graupner-brunel-in-vivo", "triplet-visual-cortex"} <= set(models)
    assert not {"additive", "error-correcting", "btsp-network", "btsp-example"} & set(models)
    for name in models:
        assert sum(float(weight) * share for weight, share in load(name).population) > 0


def test_scores_are_those_of_published_and_of_fitted_parameters() -> None:
    settings = experiment.Settings(models=(CLOPATH,), data=tuple(map(Path, (SJOSTROM, PAIRED))), spread=math.inf)
    result = experiment.run(settings, seed=0, device="cpu")
    scores, parameters = (result[name].to_dataset() for name in ("scores", "parameters"))
    # two parameters: no fit to two points, nor to the same cells again
    fitted_to = ["Sjöström et al. 2001", "Markram et al. 1997", "Egger et al. 1999"]
    assert scores["fitted_to"].values.tolist() == ["", "", *fitted_to]
    assert dict(zip(scores["study"].values.tolist(), scores["points"].values.tolist(), strict=True)) == {
        "Sjöström et al. 2001": 10,
        "Markram et al. 1997": 8,
        "Egger et al. 1999": 5,
        OTHER: 10,
        "Sjostrom and Hausser 2006": 2,
    }
    found = parameters.to_dataframe().pivot_table(index="fitted_to", columns="parameter", values="fitted")
    unchanged, published, to_sjostrom, to_markram, _ = (scores.isel(row=row) for row in range(5))
    for row, numbers in (
        (published, {}),
        (to_sjostrom, found.loc["Sjöström et al. 2001"].to_dict()),
        (to_markram, found.loc["Markram et al. 1997"].to_dict()),
    ):
        for study, source, own in (
            ("Sjöström et al. 2001", SJOSTROM, ""),
            ("Markram et al. 1997", PAIRED, "Markram"),
            (OTHER, PAIRED, "Sjostrom et al. 2001"),
        ):
            expected = squares(CLOPATH, numbers, source, own).mean()
            assert float(row["chi2"].sel(study=study)) == pytest.approx(expected)
    assert float(unchanged["chi2"].sel(study="Sjöström et al. 2001")) == pytest.approx(
        np.mean([((1 - each.ratio) / each.sem) ** 2 for each in measurements.read(SJOSTROM)])
    )
    assert float(to_markram["chi2"].sel(study="Markram et al. 1997")) < float(
        published["chi2"].sel(study="Markram et al. 1997")
    )


def test_another_digitisation_of_what_was_fitted_is_not_predicted() -> None:
    settings = experiment.Settings(models=(CLOPATH,), data=tuple(map(Path, (SJOSTROM, PAIRED))))
    scores = experiment.run(settings, seed=0, device="cpu")["scores"].to_dataset()
    row = scores.isel(row=2)
    assert row["role"].sel(study=OTHER) == "same study"
    assert row["train"] == row["chi2"].sel(study="Sjöström et al. 2001")
    others = ["Markram et al. 1997", "Egger et al. 1999", "Sjostrom and Hausser 2006"]
    assert float(row["test"]) == pytest.approx(float((row["chi2"] * row["points"]).sel(study=others).sum()) / 15)
    assert np.isnan(scores["test"][:2]).all()
    assert (scores["role"][:2] == "").all()
    # fitted to a study that comes once, both digitisations are predicted
    assert (scores["role"].isel(row=3) == "test").sum() == 4


def test_a_fit_is_the_one_that_the_spread_asks_for() -> None:
    """With hardly any spread nothing moves."""
    settings = experiment.Settings(models=("triplet-visual-cortex",), data=(Path(SJOSTROM),), spread=1e-6)
    result = experiment.run(settings, seed=0, device="cpu")
    chi2 = result["scores/chi2"]
    np.testing.assert_allclose(chi2[2], chi2[1], rtol=1e-3)
    np.testing.assert_allclose(result["parameters/fitted"], result["parameters/published"], atol=1e-6, rtol=1e-4)


def test_models_without_a_closed_form_go_to_the_laboratory(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def changes(model: Any, protocols: Any, *, repeats: int, seed: int, folder: Path | None) -> xr.Dataset:
        asked.append((model, repeats, seed, folder, len(protocols)))
        names = [each.name for each in protocols]
        assert len(set(names)) == len(names)
        return xr.Dataset({"ratio": ("protocol", np.arange(len(names)) * 1.0)}, coords={"protocol": names})

    monkeypatch.setattr(side_by_side, "changes", changes)
    settings = experiment.Settings(models=("shouval-2002",), data=(Path(SJOSTROM), Path(SJOSTROM)), repeats=3)
    result = experiment.run(settings, seed=5, device="cpu", folder=Path("kept"))
    assert asked == [("shouval-2002", 3, 5, Path("kept"), 20)]
    np.testing.assert_array_equal(result["points/predicted"].sel(row=1), np.arange(20))
    assert "parameters" not in result.children


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    settings = experiment.Settings(models=(CLOPATH,), data=(Path(SJOSTROM),))
    first = experiment.run(settings, seed=0, device="cpu", folder=tmp_path / "parts")
    (part,) = (tmp_path / "parts").iterdir()
    entry = store.Entry(part.with_suffix(""))
    kept = entry.read()
    assert kept is not None
    entry.write({**kept, "A_LTP": 2 * kept["A_LTP"]})
    again = experiment.run(settings, seed=0, device="cpu", folder=tmp_path / "parts")
    np.testing.assert_allclose(again["parameters/fitted"] / first["parameters/fitted"], [1, 2])
    experiment.run(settings, seed=1, device="cpu", folder=tmp_path / "parts")
    assert len(list((tmp_path / "parts").iterdir())) == 2


def test_the_command_leaves_tables_and_sheets(tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ["--models", CLOPATH, "--data", SJOSTROM, WANG, "--out", str(out)]
    assert cli.main(["run", "synapse-models", *flags]) == 0
    numbers = json.loads((out / "summary.json").read_text())
    assert numbers["studies.Wang et al. 2005.points"] == 13
    study = "Wang et al. 2005"
    scores = pd.read_csv(out / "fitted.csv").set_index(["model", "fitted_to", "study"])["chi2_per_point"]
    fits = pd.read_csv(out / "fits.csv").set_index(["model", "fitted_to", "set"])["chi2_per_point"]
    assert scores[CLOPATH, study, "Sjöström et al. 2001"] == pytest.approx(
        numbers[f"fitted.{CLOPATH}.{study}.Sjöström et al. 2001.chi2_per_point"]
    )
    train = numbers[f"fits.{CLOPATH}.{study}.train.chi2_per_point"]
    assert train == pytest.approx(fits[CLOPATH, study, "train"])
    assert train < numbers[f"published.{CLOPATH}.{study}.chi2_per_point"]
    points = pd.read_csv(out / "points.csv")
    z = (points[f"{CLOPATH}, fitted to {study}"] - points["measured"]) / points["measured_sem"]
    assert (z[points["study"] != study] ** 2).mean() == pytest.approx(fits[CLOPATH, study, "test"])
    for name in ("published.png", "fitted.png", "parameters.csv"):
        assert (out / name).is_file()


def test_tables_name_published_fitted_and_predicted() -> None:
    settings = experiment.Settings(models=(CLOPATH,), data=tuple(map(Path, (SJOSTROM, WANG))))
    result = experiment.run(settings, seed=0, device="cpu")
    tables, scores = experiment.tables(result), result["scores"].to_dataset()
    study = "Wang et al. 2005"
    (row,) = np.flatnonzero(scores["fitted_to"] == study)
    np.testing.assert_array_equal(
        tables["fitted"]["chi2_per_point"].sel(model=CLOPATH, fitted_to=study), scores["chi2"].isel(row=row)
    )
    np.testing.assert_array_equal(tables["published"]["chi2_per_point"], scores["chi2"][:2])
    for name in ("train", "test"):
        own = tables["fits"]["chi2_per_point"].sel(model=CLOPATH, fitted_to=study, set=name)
        assert float(own) == float(scores[name].isel(row=row))
    points = tables["points"]
    z = (points[f"{CLOPATH}, fitted to {study}"] - points["measured"]) / points["measured_sem"]
    assert float((z[points["study"] != study] ** 2).mean()) == pytest.approx(float(scores["test"].isel(row=row)))
    numbers = experiment.EXPERIMENT.summary(result)
    assert numbers[f"studies.{study}.points"] == 13
    train = numbers[f"fits.{CLOPATH}.{study}.train.chi2_per_point"]
    assert train < numbers[f"published.{CLOPATH}.{study}.chi2_per_point"]


def test_without_standard_errors_there_is_nothing_to_score() -> None:
    settings = experiment.Settings(data=(Path("bi_poo_1998_hippocampal_culture"),))
    with pytest.raises(InputError, match="no measurement of bi_poo_1998_hippocampal_culture has a SEM"):
        experiment.run(settings, seed=0, device="cpu")
