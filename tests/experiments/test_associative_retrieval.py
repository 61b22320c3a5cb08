"""Associative retrieval: what is trained, and that small networks break where theory says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import theory
from neurofwp.errors import InputError
from neurofwp.experiments import associative_retrieval as experiment
from neurofwp.experiments.associative_retrieval import Cell, Settings
from neurofwp.runtime import files
from neurofwp.slownet import RetrievalNet
from neurofwp.slownet.training import Outcome


def loss_of(setting: int, feature_map: str, rule: str, pairs: int, **settings: Any) -> float:
    cell = Cell(setting, feature_map, rule, pairs)
    return experiment.train_cell(cell, Settings(evaluated=40, **settings), 3, "cpu", None).best["loss"]


@pytest.mark.parametrize("rule", ["hebbian", "delta"])
def test_as_many_pairs_as_features_are_read_and_more_are_not(rule: str) -> None:
    assert loss_of(1, "identity", rule, 4, key_cells=4, steps=1000) < 5e-3
    bound = float(theory.rank_bound(12, 4))
    assert bound < loss_of(1, "identity", rule, 12, key_cells=4, steps=300) < 1.25 * bound


def test_a_feature_map_widens_the_memory() -> None:
    assert loss_of(1, "dpfp-2", "hebbian", 12, key_cells=8, steps=600) < 0.1 * float(theory.rank_bound(12, 8))


def test_keys_that_repeat_need_error_correction() -> None:
    plateau = theory.reassignment_plateau(6, 6)
    assert loss_of(2, "dpfp-1", "hebbian", 6, key_cells=32, steps=400) == pytest.approx(plateau, rel=0.15)
    assert loss_of(2, "identity", "delta", 6, key_cells=16, steps=400) < 0.2 * plateau


def test_training_sees_twice_the_writes_of_an_evaluation_where_keys_repeat() -> None:
    net = RetrievalNet(5, "dpfp-1", "delta")
    for setting, length in ((1, 5), (2, 10)):
        cell = Cell(setting, "dpfp-1", "delta", 5)
        one = experiment._batch(net, cell, length, 32, seed=(0, 0, 7))
        assert one.key.shape == one.value.shape == (32, length)
        assert one.query.shape == one.target.shape == (32, 1)
        for key, value, query, target in zip(one.key, one.value, one.query, one.target, strict=True):
            assert value[key == query][-1] == target
        again, other = (experiment._batch(net, cell, length, 32, seed=(0, 0, step)) for step in (7, 8))
        assert (again.key == one.key).all()
        assert (other.key != one.key).any()


def test_what_is_left_out_is_as_published() -> None:
    cells = experiment.cells_of(Settings())
    assert len(cells) == len(set(cells)) == 24
    assert {cell.pairs for cell in cells} == {20, 40, 60}
    assert Cell(2, "elu+1", "delta", 60) in cells
    full = experiment.cells_of(Settings(full=True))
    assert max(cell.pairs for cell in full if cell.setting == 1) == 200
    assert max(cell.pairs for cell in full if cell.setting == 2) == 100
    of_dpfp = experiment.cells_of(Settings(setting=2, feature_map="dpfp-1", pairs=(20,)))
    assert of_dpfp == [Cell(2, "dpfp-1", "hebbian", 20), Cell(2, "dpfp-1", "delta", 20)]
    one = Settings(setting=2, feature_map="favor+-64", rule="delta", pairs=(30,))
    assert experiment.cells_of(one) == [Cell(2, "favor+-64", "delta", 30)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"feature_map": "dpfp"}, "unknown feature map 'dpfp'; did you mean 'dpfp-1'?"),
        ({"feature_map": "dpfp-200"}, "dpfp-200 needs vectors of length 101 or more"),
        ({"setting": 2, "feature_map": "dpfp-2"}, "no published curve has these settings"),
        ({"pairs": (20, 1)}, "pairs must be 2 or more, but have 1"),
        ({"evaluated": 0}, "evaluated must be 1 or more, but is 0"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.cells_of(Settings(**settings))


def test_a_network_that_is_finished_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell, settings = Cell(1, "favor+-3", "hebbian", 3), Settings(key_cells=4, steps=120, evaluated=30)
    once = experiment.train_cell(cell, settings, 0, "cpu", tmp_path)
    monkeypatch.setattr(experiment, "_errors", None)
    assert experiment.train_cell(cell, settings, 0, "cpu", tmp_path) == once
    assert [each["step"] for each in once.history] == [100, 120]
    with pytest.raises(InputError, match="was trained with seed = 0, not 1"):
        experiment.train_cell(cell, settings, 1, "cpu", tmp_path)


def test_results_of_all_networks_come_in_one_table(tmp_path: Path) -> None:
    settings = Settings(setting=2, feature_map="dpfp-1", pairs=(2, 20), steps=1, evaluated=2)
    result = experiment.run(settings, seed=5, device="cpu", folder=tmp_path)
    numbers = experiment.EXPERIMENT.summary(result)
    names = [f"setting_2.dpfp-1.{rule}.{pairs}" for rule in ("hebbian", "delta") for pairs in (2, 20)]
    measures = ("loss", "steps", "published", "bound")
    assert set(numbers) == {f"networks.{name}.{what}" for name in names for what in measures}
    assert [numbers[f"networks.{name}.published"] for name in names[1::2]] == [0.097, 0.00077]
    assert numbers[f"networks.{names[1]}.bound"] == pytest.approx(theory.reassignment_plateau(20, 20))
    assert np.isnan(numbers[f"networks.{names[3]}.bound"])
    assert {path.name for path in tmp_path.iterdir()} == set(names)
    # as if each had been trained here
    alone = experiment.train_cell(Cell(2, "dpfp-1", "delta", 20), settings, 5, "cpu", None)
    assert numbers[f"networks.{names[3]}.loss"] == pytest.approx(alone.best["loss"], rel=1e-5)
    files.write_netcdf(result, tmp_path / "result.nc")
    xr.testing.assert_equal(files.read_tree(tmp_path / "result.nc"), result)


def test_one_network_has_a_loss_and_steps() -> None:
    outcome = Outcome(best={"loss": 0.03}, steps=200, history=[{"step": 200, "loss": 0.03}])
    table = experiment._table(Settings(), {Cell(1, "favor+-64", "hebbian", 200): outcome})
    numbers = experiment.EXPERIMENT.summary(xr.DataTree.from_dict({"/cells": table}))
    assert (numbers["loss"], numbers["steps"]) == (0.03, 200)
    assert numbers["networks.setting_1.favor+-64.hebbian.200.bound"] == pytest.approx(
        (1 - 128 / 200) / 2
    )  # 64 rows, twice
    assert json.dumps({key: value for key, value in numbers.items() if value == value})
