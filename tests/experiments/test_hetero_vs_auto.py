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
from neurofwp.runtime.tables import frame
from neurofwp.spiking import jobs
from neurofwp.spiking.jobs import Job

SMALL = experiment.Settings(items=4, shares=(0.3, 0.6), episodes=3, key_cells=120, active=10)


def rate(rule: str, settings: experiment.Settings = SMALL) -> RateNetwork:
    return RateNetwork(rule, parameters={"rate": 1 / settings.active}, unit_keys=False, on_off=True)


@contextmanager
def pretended(asked: Sequence[Job], **_: Any) -> Iterator[Callable[[str], xr.Dataset]]:
    by_name = {job.name: job for job in asked}
    yield lambda name: rate(experiment.RULES[by_name[name].network["synapse"]]).run(by_name[name].program)


@pytest.fixture(scope="module")
def result() -> Iterator[xr.DataTree]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start", pretended)
        yield experiment.run(SMALL, seed=102, device="cpu")


def test_memories_have_the_same_keys_and_queries_of_every_cue() -> None:
    program = experiment.write_program(SMALL, seed=102)
    assert not np.array_equal(*(program["value"].isel(condition=number).values for number in (0, 1)))
    for name in ("key", "query", "cue", "pair"):
        first, *others = program[name].transpose("condition", ...).values
        for other in others:
            np.testing.assert_array_equal(first, other)
    program = program.isel(condition=0)
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
    numbers = experiment.EXPERIMENT.summary(result)
    assert all(math.isfinite(each) for each in numbers.values())
    table = frame(experiment.tables(result)["recall"])
    table = table.set_index(["network", "synapse_model", "association", "damage", "share"])
    row = table.loc[("spiking", "additive", "auto", "swapped", 0.6)]
    assert row["r2"] == pytest.approx(numbers["recall.spiking.additive.auto.swapped.0.6.r2"])
    values = result["recall"].to_dataset()["r2"].sel(synapse_model="additive", network="spiking", association="auto")
    values = values.isel(cue=4)
    assert row["r2"] == pytest.approx(float(values.mean()))
    assert row["r2_sem"] == pytest.approx(float(values.std(ddof=1)) / values.size**0.5)
    assert numbers["recall.spiking.error-correcting.hetero.none.0.gain"] == 1
    expected = result["expected"].to_dataset()["gain"].sel(synapse_model="error-correcting", network="rate")
    expected = expected.sel(association="auto").isel(cue=1)
    gain = numbers["closed_form.rate.error-correcting.auto.silenced.0.3.gain"]
    assert gain == pytest.approx(float(expected.mean()))


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
