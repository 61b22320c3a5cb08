"""Studies that were left out: predicted by fits that have not seen them, beside no change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neurofwp.calibration import hierarchical
from neurofwp.errors import InputError
from neurofwp.experiments import leave_one_study_out as experiment
from neurofwp.laboratory import Simulated, kinds
from neurofwp.laboratory.prediction import closed_form, predict, replace_values
from neurofwp.synapses.model import load

HEADER = "study,region,pathway,protocol,frequency_hz,dt_ms,spikes_per_train,trains,train_period_s,ratio,sem,n,note"
MODEL = "triplet-visual-cortex"
AMPLITUDES = {"Doe": 9e-3, "Roe": 9e-3, "Poe": 12e-3}  # A3_plus, published as 6.2e-3


@pytest.fixture
def data(tmp_path: Path) -> Path:
    lines = [HEADER]
    for study, amplitude in AMPLITUDES.items():
        truth = replace_values(load(MODEL), {"A3_plus": amplitude})
        for hz, dt in [(10, 10), (40, 10), (20, -10), (40, -10)]:
            (ratio,) = predict(truth, [kinds.pairing(dt, hz, spikes=3, trains=4, period=10)])
            lines.append(f"{study},V1,,pairing,{hz},{dt},3,4,10,{float(ratio)!r},0.01,7,")
    path = tmp_path / "studies.csv"
    path.write_text("\n".join(lines))
    return path


def test_fits_predict_a_study_that_they_have_not_seen(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The study that differs is missed, by less than no change and published values miss it."""
    monkeypatch.setattr(hierarchical, "STARTS", 2)
    monkeypatch.setattr(hierarchical, "CANDIDATES", 10)
    result = experiment.run(experiment.Settings(models=(MODEL,), data=(data,)), seed=0, device="cpu")
    numbers = experiment.EXPERIMENT.summary(result)
    table = pd.read_csv(data).set_index("study")
    for study in AMPLITUDES:
        own = table.loc[study]
        still = (((1 - own["ratio"]) / own["sem"]) ** 2).mean()
        assert numbers[f"no_change.{study}.chi2_per_point"] == pytest.approx(still)
        assert numbers[f"no_change.{study}.points"] == 4
        for fit in (experiment.SAME, experiment.LOCAL):
            assert numbers[f"left_out.{MODEL}.{fit}.{study}.chi2_per_point"] < still
    one = f"left_out.{MODEL}.{experiment.SAME}"
    assert numbers[f"{one}.Poe.chi2_per_point"] < numbers[f"left_out.{MODEL}.published.Poe.chi2_per_point"]
    assert numbers[f"overall.{MODEL}.{experiment.SAME}.beats_no_change"] == 3
    figures = experiment.plot(result)
    assert set(figures) == {"left_out"}


def test_each_fold_of_a_simulated_model_takes_the_set_that_fits_the_others_best(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the closed form in place of simulations."""
    name = "graupner-brunel-dp-curve"
    sets: list[np.ndarray] = []

    def call(self: Simulated, numbers: dict[str, np.ndarray]) -> np.ndarray:
        sets.append(np.stack(list(numbers.values()), -1))
        return closed_form(load(name), self.protocols)(numbers)

    monkeypatch.setattr(Simulated, "__call__", call)
    studies = experiment.nf.laboratory.studies.read_studies([data])
    settings = experiment.Settings(draws=8, rounds=3)
    rows = experiment.predict_simulated(name, studies, settings, 0, None)
    every = [each for own in studies.values() for each in own]
    np.testing.assert_allclose(rows[0], predict(load(name), [each.protocol for each in every]))
    assert np.isnan(rows[2]).all()
    assert [len(each) for each in sets] == [8, 8, 8]
    # later rounds come closer to what was found
    assert sets[2].std(0).sum() < sets[0].std(0).sum()
    z2 = ((rows[:2] - [each.ratio for each in every]) / [each.sem for each in every]) ** 2
    assert z2[1].mean() < z2[0].mean()


def test_one_study_cannot_be_left_out(data: Path) -> None:
    settings = experiment.Settings(data=(Path("wang_2005_hippocampal_culture"),))
    with pytest.raises(InputError, match="two or more, but there is only 'Wang et al. 2005'"):
        experiment.run(settings, seed=0, device="cpu")
