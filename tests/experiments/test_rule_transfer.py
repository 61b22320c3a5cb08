"""Transfer between conditions: parameters of the rule that was run predict all of them, those of others do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import rule_transfer as experiment
from neurofwp.identification import recovery
from neurofwp.rate import RateNetwork
from neurofwp.spiking import jobs
from neurofwp.spiking.jobs import Job

RULES = ("hebbian", "delta", "outstar")
SMALL = experiment.Settings(
    rules=RULES, pairs=3, other_pairs=(8,), other_overlaps=(0.4,), backgrounds=(2.0,), other_cells=(2,), encoders=1,
    other_durations=(250.0,), episodes=6, pixels=2, restarts=1, references=False,
)  # fmt: skip


@contextmanager
def pretended(asked: Sequence[Job], **_: Any) -> Iterator[Callable[[str], xr.Dataset]]:
    """Delta rules on rate networks, whose writes last: beta is in proportion to the duration."""
    by_name = {job.name: job for job in asked}

    def trace(name: str) -> xr.Dataset:
        job = by_name[name]
        felt = recovery.disturb(job.program, 0.1, np.random.default_rng(job.seed))
        parameters = {"rate": 0.6 * float(felt["duration"][0, 0]) / 500, "prediction_gain": 1.2}
        return RateNetwork("delta", parameters=parameters, on_off=True, bounds=(0, np.inf), unit_keys=False).run(felt)

    yield trace


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start", pretended)
        return experiment.run(SMALL, seed=3, device="cpu")


def test_the_rule_that_was_run_predicts_every_condition_but_other_durations(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    assert numbers["transfers_best"] == "delta"
    names = [each.name for each in experiment.conditions(SMALL)]
    same = [name for name in names if name != "250 ms"]
    assert all(numbers[f"increments.per event.{a}.{b}.delta.feve"] > 0.95 for a in same for b in same)
    assert numbers["increments.per event.250 ms.250 ms.delta.feve"] > 0.95
    assert numbers["increments.per event.baseline.250 ms.delta.feve"] < 0.5
    assert numbers["increments.per event.250 ms.baseline.delta.feve"] < 0.9
    assert numbers["increments.per time.baseline.250 ms.delta.feve"] > 0.95
    assert numbers["increments.per time.250 ms.baseline.delta.feve"] > 0.95


def test_a_rule_that_was_not_run_loses_more_when_the_load_changes(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    for rule in ("hebbian", "outstar"):
        lost = [numbers[f"weights.per event.{train}.8 pairs.{rule}.feve"] for train in ("8 pairs", "baseline")]
        kept = [numbers[f"weights.per event.{train}.8 pairs.delta.feve"] for train in ("8 pairs", "baseline")]
        assert lost[0] - lost[1] > kept[0] - kept[1]


def test_tables_follow_from_the_scores(result: xr.DataTree) -> None:
    tables = experiment.tables(result)
    scores = result["transfer"].to_dataset()
    feve = scores["feve"].sel(measure="increments", beta="per event", model="delta")
    diagonal = np.diag(feve.transpose("train", "test").values)
    models = tables["models"].sel(beta="per event", model="delta")
    assert float(models["within"]) == pytest.approx(diagonal.mean())
    assert float(models["worst"]) == pytest.approx(float(feve.min()))
    assert float(models["worst"]) < float(models["worst_of_same_duration"])
    assert tables["conditions"]["rules"].sel(condition="8 pairs").item() == "delta"
    assert set(tables["parameters"]["parameter"].values) == {
        "rate", "prediction_gain", "prediction_threshold", "value_offset",
    }  # fmt: skip


def test_a_diagonal_is_what_identify_scores(result: xr.DataTree) -> None:
    scores = result["transfer"].to_dataset().sel(beta="per event", measure="increments")
    for name, group in result["fits"].children.items():
        own = group.to_dataset()["feve"]
        np.testing.assert_allclose(scores["feve"].sel(train=name, test=name, model=list(RULES)), own, rtol=1e-9)


def test_conditions_differ_from_the_baseline_in_one_thing(result: xr.DataTree) -> None:
    every = experiment.conditions(SMALL)
    assert [each.factor for each in every] == [
        "baseline", "load", "overlap", "background", "cells per pool", "encoder", "duration",
    ]  # fmt: skip
    programs = experiment.write_programs(SMALL, every, seed=3)
    base = programs["baseline"]
    xr.testing.assert_equal(base, programs["background × 2"])
    assert not base["key"].equals(programs["encoder 1"]["key"])
    xr.testing.assert_equal(base["value"], programs["encoder 1"]["value"])
    xr.testing.assert_equal(base["key"], programs["250 ms"]["key"])
    first, twice = (experiment.network(SMALL, each) for each in (every[0], every[3]))
    assert "parameters" not in first
    assert set(twice["parameters"]) == set(experiment.BACKGROUND)


def test_figures_show_what_was_fitted(result: xr.DataTree) -> None:
    figures = experiment.plot(result)
    titles = [ax.get_title() for ax in figures["transfer"].axes if ax.get_title()]
    assert titles == ["delta", "outstar", "hebbian", "null: mean value", "null: permuted values"]
    assert len(figures["durations"].axes) == 2 * 5 + 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"episodes": 1}, "episodes must be 2 or more"),
        ({"other_pairs": (3,)}, "must differ from each other"),
        (
            {"other_pairs": (), "other_overlaps": (), "backgrounds": (), "other_cells": (), "encoders": 0,
             "other_durations": ()},
            "nothing to transfer to",
        ),
    ],
)  # fmt: skip
def test_bad_settings_get_one_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.check(experiment.replace(SMALL, **settings))
