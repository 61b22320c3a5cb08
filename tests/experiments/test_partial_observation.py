"""Partial observation: what is seen, what is said about it, and that less is no licence for wrong names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import partial_observation as experiment
from neurofwp.experiments.partial_observation import View
from neurofwp.metrics import upper_limit
from neurofwp.rate import RateNetwork

SMALL = experiment.Settings(
    truths=("hebbian", "outstar"), others=(), draws=1, synapses=(0.05,), cells=(0.1,), errors=(4.0,), episodes=8,
    key_cells=60, pixels=5, noise=0.1,
)  # fmt: skip


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    return experiment.run(SMALL, seed=1, device="cpu")


@pytest.fixture(scope="module")
def runs() -> list[xr.Dataset]:
    program = experiment.write_program(SMALL, seed=1)
    network = RateNetwork("hebbian", on_off=True, bounds=(0, np.inf))
    return [network.run(program), network.run(program)]


def test_all_synapses_name_the_rule_that_was_run(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    assert numbers["verdicts.every event.all synapses.right"] == 1
    assert numbers["data_sets"] == 2


def test_shares_add_up_and_errors_lower_the_ceiling(result: xr.DataTree) -> None:
    tables = experiment.tables(result)
    for table in (tables["verdicts"], tables["rules"]):
        total = sum(table[name] for name in experiment.OUTCOMES)
        np.testing.assert_allclose(total, 1)
    ceiling = tables["verdicts"]["noise_ceiling"].sel(time="every event")
    assert ceiling.sel(view="error 4") < 0.3 < ceiling.sel(view="all synapses")
    assert set(experiment.plot(result)) == {"partial_observation"}


def test_the_upper_limit_is_that_of_a_binomial() -> None:
    """None of 59 leaves 5 %: .95^59 = .0485."""
    found = upper_limit(np.array([0, 59]), 59)
    assert (1 - found[0]) ** 59 == pytest.approx(0.05)
    assert found[1] == 1


@pytest.mark.parametrize(("view", "share"), [(View("synapses", 0.05), 0.05), (View("cells", 0.2), 0.2)])
def test_the_same_synapses_are_seen_in_both_runs(runs: list[xr.Dataset], view: View, share: float) -> None:
    seen = experiment.see_some(runs, view, np.random.default_rng(0))
    masks = [each["conductance"].notnull() for each in seen]
    assert masks[0].equals(masks[1])
    assert float(masks[0].mean()) == pytest.approx(share, abs=0.005)
    assert np.ptp(masks[0].mean(("polarity", "post", "pre")).values) == 0  # in every event of every episode
    if view.kind == "cells":
        assert set(np.unique(masks[0].isel(episode=0, event=0).mean("pre"))) == {0, 1}


def test_errors_are_independent_and_of_the_size_that_was_said(runs: list[xr.Dataset]) -> None:
    seen = experiment.see_some(runs, View("error", 0.5), np.random.default_rng(0))
    errors = [each["conductance"] - before["conductance"] for each, before in zip(seen, runs, strict=True)]
    active = runs[0]["conductance"].where(runs[0]["conductance"] > 0)
    assert float(errors[0].std()) == pytest.approx(0.5 * float((active**2).mean() ** 0.5), rel=0.02)
    assert abs(float(xr.corr(*errors))) < 0.02


def test_answers_are_seen_after_every_write_or_at_the_end(runs: list[xr.Dataset]) -> None:
    made = experiment.write_program(SMALL, seed=1)
    seen = experiment.observe(made, runs, View("reads", 1.0), np.random.default_rng(0))
    every, at_end = (shown["query"].any("pre").values for shown, *_ in seen.values())
    writes = experiment.written(made)
    assert every.all()
    assert (at_end == ~writes).all()
    # a key that is read after a write has been written by then
    for episode, event in np.ndindex(made.sizes["episode"], int(writes.sum())):
        keys = made["key"].values[episode, : event + 1] / 10**0.5
        assert np.isclose(keys, made["query"].values[episode, event]).all(axis=1).any()


def test_before_and_after_leave_the_last_event(runs: list[xr.Dataset]) -> None:
    seen = experiment.before_and_after(runs[0])["conductance"].notnull().any(("episode", "polarity", "post", "pre"))
    assert seen.values.tolist() == [False] * (len(seen) - 1) + [True]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"episodes": 3}, "episodes must be 4 or more"),
        ({"truths": ()}, "give one truth or more"),
        ({"synapses": (1.5,)}, "synapses must be shares"),
        ({"cells": (0.0,)}, "cells must be shares"),
        ({"errors": (0.0,)}, "errors must be above 0"),
        ({"noise": 0.0}, "noise must be above 0"),
    ],
)
def test_bad_settings_get_one_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.check(experiment.Settings(**settings))
