"""Hetero against auto: the Programs, the Hopfield networks, and what is reported."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import hetero_vs_auto as experiment
from neurofwp.metrics import completion
from neurofwp.rate import RateNetwork
from neurofwp.spiking.jobs import Job

SMALL = experiment.Settings(items=4, shares=(0.3, 0.6), episodes=3, key_cells=120, active=10)


def rate(rule: str, settings: experiment.Settings = SMALL) -> RateNetwork:
    return RateNetwork(rule, parameters={"rate": 1 / settings.active}, unit_keys=False, on_off=True)


@contextmanager
def pretended(jobs: Sequence[Job], **_: Any) -> Iterator[Callable[[str], xr.Dataset]]:
    by_name = {job.name: job for job in jobs}
    yield lambda name: rate(experiment.RULES[by_name[name].network["synapse"]]).run(by_name[name].program)


@pytest.fixture(scope="module")
def result() -> Iterator[xr.DataTree]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "running", pretended)
        yield experiment.run(SMALL, seed=102, device="cpu")


def test_memories_have_the_same_keys_and_queries_of_every_cue() -> None:
    program = experiment.memory(SMALL, seed=102)
    for name in ("key", "query", "cue", "pair"):
        first, *others = np.split(program[name].values, 3)
        for other in others:
            np.testing.assert_array_equal(first, other)
    cues = completion.cues(SMALL.shares)
    for episode in range(3):
        for event in range(4, program.sizes["event"]):
            here = program.isel(episode=episode, event=event)
            number = int(here["cue"])
            left = float(here["query"] @ program["key"][episode, int(here["pair"])])
            lost = round(10 * float(cues["share"][number])) if number > 0 else 0
            assert left == 10 - lost
            swapped = number > 0 and cues["damage"].values[number] == "swapped"
            assert float(here["query"].sum()) == (10 if swapped else 10 - lost)
        counts = np.bincount(program["cue"].values[episode] + 1)
        np.testing.assert_array_equal(counts, [4, 4, 2, 2, 2, 2])


def test_hopfield_networks_complete_mild_damage(result: xr.DataTree) -> None:
    table = result["hopfield"].to_dataset()
    mild = table.isel(cue=[0, 1])
    assert float(mild["identified"].min()) == 1
    np.testing.assert_allclose(mild["overlap"].sel(memory=["sparse", "dense"]), 1)
    np.testing.assert_allclose(table["overlap"].sel(memory="nearest key").isel(cue=2), 0.4)


def test_summary_and_table_agree(result: xr.DataTree) -> None:
    numbers = experiment.summary(result)
    assert all(math.isfinite(each) for each in numbers.values())
    table, closed = (each.set_index(["memory", "damage", "share"]) for each in experiment.tables(result).values())
    row = table.loc[("spiking.additive.auto", "swapped", 0.6)]
    assert row["r2"] == pytest.approx(numbers["spiking.additive.auto.swapped.0.6.r2"])
    values = result["recall"].to_dataset()["r2"].sel(regime="additive", network="spiking", association="auto")
    assert row["r2"] == pytest.approx(float(values.isel(cue=4).mean()))
    assert numbers["spiking.error-correcting.hetero.none.0.gain"] == 1
    expected = numbers["expected.rate.delta.auto.silenced.0.3.gain"]
    assert closed.loc[("rate.delta.auto", "silenced", 0.3)]["gain"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"episodes": 1}, "episodes must be"),
        ({"items": 3}, "items must be"),
        ({"shares": (0.0, 0.5)}, "shares must be"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(experiment.Settings(**settings), seed=100, device="cpu")
