"""What is fitted, what is predicted, and how both are scored."""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import neurofwp as nf
from neurofwp import cli
from neurofwp.errors import InputError
from neurofwp.experiments import fit_synapse as experiment
from neurofwp.laboratory import kinds
from neurofwp.laboratory.prediction import predict, replace_values
from neurofwp.optimisation import least_squares
from neurofwp.synapses.model import load

HEADER = "study,region,pathway,protocol,frequency_hz,dt_ms,spikes_per_train,trains,train_period_s,ratio,sem,n,note"
MODEL = "triplet-visual-cortex"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_squares, "GENERATIONS", 10)
    monkeypatch.setattr(least_squares, "STARTS", 5)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Synapses with twice the potentiation: exactly in the training set, 2 SEM above it in the test set.

    One of the three test points has a protocol that was trained.
    """
    truth = replace_values(load(MODEL), {"A3_plus": 2 * 6.2e-3})
    paths = {}
    for name, cases, shift in (
        ("train", [(10, 10), (40, 10), (10, -10), (40, -10)], 0),
        ("test", [(20, 10), (40, 10), (20, -5)], 2),
    ):
        lines = [HEADER]
        for hz, dt in cases:
            (ratio,) = predict(truth, [kinds.pairing(dt, hz, spikes=5, trains=15, period=10)])
            lines.append(f"Doe {name},V1,,pairing,{hz},{dt},5,15,10,{ratio + shift * 0.1!r},0.1,7,")
        paths[name] = tmp_path / f"{name}.csv"
        paths[name].write_text("\n".join(lines).replace("np.float64(", "").replace(")", ""))
    return paths


def test_a_fit_is_scored_on_what_it_has_seen_and_on_what_it_has_not(
    files: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    settings = experiment.Settings(**files, model=MODEL, parameters=("A3_plus",), spread=math.inf, bootstrap=5)
    with caplog.at_level(logging.WARNING, "neurofwp"):
        result = experiment.run(settings, seed=0, device="cpu")
    assert caplog.messages == ["1 of 3 test points have a protocol of the training points"]
    numbers = experiment.EXPERIMENT.summary(result)
    assert numbers["parameters.A3_plus.fitted"] == pytest.approx(2 * numbers["parameters.A3_plus.published"], rel=1e-3)
    assert numbers["train.chi2_per_point"] == pytest.approx(0, abs=1e-5)
    assert numbers["test.chi2_per_point"] == pytest.approx(4, rel=1e-3)
    assert (numbers["train.points"], numbers["test.points"], numbers["points_with_train_protocol"]) == (4, 3, 1)
    sources = {key.split(".")[1] for key in numbers if key.startswith("scores.")}
    # the model is no baseline for itself
    triplet = "triplet-hippocampal-culture"
    assert sources == {"fitted", "published", "unchanged", "pair-hippocampal-culture", triplet, "clopath-visual-cortex"}
    for which in ("train", "test"):
        table = pd.read_csv(files[which])
        assert numbers[f"scores.unchanged.{which}.chi2_per_point"] == pytest.approx(
            (((1 - table["ratio"]) / table["sem"]) ** 2).mean()
        )
        made = [kinds.pairing(r.dt_ms, r.frequency_hz, spikes=5, trains=15, period=10) for r in table.itertuples()]
        z = (predict(load(MODEL), made) - table["ratio"]) / table["sem"]
        assert numbers[f"scores.published.{which}.chi2_per_point"] == pytest.approx((z**2).mean())


def test_predictions_are_as_uncertain_as_the_parameters(files: dict[str, Path]) -> None:
    """With one parameter, to which every ratio is proportional, the percentiles are those of the parameter."""
    settings = experiment.Settings(**files, model=MODEL, parameters=("A3_plus",), spread=0.5, bootstrap=9)
    result = experiment.run(settings, seed=1, device="cpu")
    points, own = result["points"].to_dataset(), result["parameters"].to_dataset().sel(parameter="A3_plus")
    at = {source: points["predicted"].sel(source=source).values for source in ("published", "fitted")}
    slope = (at["fitted"] - at["published"]) / float(own["fitted"] - own["published"])
    for end in ("low", "high"):
        expected = at["published"] + slope * float(own[end] - own["published"])
        np.testing.assert_allclose(points[f"fitted_{end}"], expected, rtol=1e-6)


def test_the_command_leaves_tables_and_a_figure(files: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ["--model", "graupner-brunel-cortical-slice", "--parameters", "gamma_p", "gamma_d", "--bootstrap", "4"]
    where = ["--train", str(files["train"]), "--test", str(files["test"]), "--out", str(out)]
    assert cli.main(["run", "fit-synapse", *flags, *where]) == 0
    numbers = json.loads((out / "summary.json").read_text())
    assert numbers["train.chi2_per_point"] <= numbers["scores.published.train.chi2_per_point"]
    parameters = pd.read_csv(out / "parameters.csv").set_index("parameter")
    assert parameters.index.tolist() == ["gamma_p", "gamma_d"]
    assert parameters.loc["gamma_p", "bound_high"] == pytest.approx(5 * 725.085)
    scores = pd.read_csv(out / "scores.csv").set_index(["source", "set"])["chi2_per_point"]
    assert scores["fitted", "test"] == pytest.approx(numbers["test.chi2_per_point"])
    table = pd.read_csv(out / "points.csv")
    assert table["set"].tolist() == ["train"] * 4 + ["test"] * 3
    z = (table["fitted"] - table["measured"]) / table["measured_sem"]
    assert (z[:4] ** 2).mean() == pytest.approx(numbers["train.chi2_per_point"])
    assert (out / "measured_against_predicted.png").is_file()


def test_without_standard_errors_there_is_nothing_to_fit(files: dict[str, Path]) -> None:
    settings = experiment.Settings(train=Path("bi_poo_1998_hippocampal_culture"), test=files["test"], model=MODEL)
    with pytest.raises(InputError, match="no measurement of 'bi_poo_1998_hippocampal_culture' has a SEM"):
        experiment.run(settings, seed=0, device="cpu")


def test_studies_of_one_file_are_fitted_and_the_others_predicted(files: dict[str, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.csv"
    both.write_text(files["train"].read_text() + "\n" + files["test"].read_text().partition("\n")[2])
    split = experiment.split_measurements(experiment.Settings(train=both, studies=("Doe tr",)))
    assert {name: {each.study for each in own} for name, own in split.items()} == {
        "train": {"Doe train"},
        "test": {"Doe test"},
    }
    with pytest.raises(InputError, match="no study of .* begins with 'Roe'; it has Doe train, Doe test"):
        experiment.split_measurements(experiment.Settings(train=both, studies=("Roe",)))
    with pytest.raises(InputError, match="nothing to predict"):
        experiment.split_measurements(experiment.Settings(train=both))


def test_calibrate_measurements_simulates_what_has_no_closed_form(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for simulations, to which every change is in proportion to P1; 2 % too large at 0.11 s."""
    data = {name: nf.laboratory.measurements.read(path) for name, path in files.items()}
    ratios = {repr(each.protocol): each.ratio for own in data.values() for each in own}

    def call(self: nf.laboratory.Simulated, numbers: dict[str, np.ndarray]) -> np.ndarray:
        return np.outer(numbers["P1"] / 0.11, [1.02 * ratios[repr(each)] for each in self.protocols])

    monkeypatch.setattr(nf.laboratory.Simulated, "__call__", call)
    flags = ["--synapse", "shouval-2002", "--parameters", "P1", "--spread", "inf", "--generations", "15"]
    where = ["--train", str(files["train"]), "--test", str(files["test"]), "--out", str(tmp_path / "out")]
    assert cli.main(["calibrate", "measurements", *flags, *where]) == 0
    numbers = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert numbers["parameters.P1.fitted"] == pytest.approx(0.11 / 1.02, rel=1e-3)
    assert numbers["train.chi2_per_point"] == pytest.approx(0, abs=1e-2)
