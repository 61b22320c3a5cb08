"""Hetero against auto: the Programs, the closed form, the loops, and the Hopfield networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import completion, sequences
from neurofwp.errors import InputError
from neurofwp.experiments import hetero_vs_auto as experiment
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


def test_memories_have_the_same_keys_and_queries_of_every_condition() -> None:
    program = experiment.memory(SMALL, seed=102)
    for name in ("key", "query", "condition", "pair"):
        first, *others = np.split(program[name].values, 3)
        for other in others:
            np.testing.assert_array_equal(first, other)
    conditions = completion.conditions(SMALL.shares)
    for episode in range(3):
        for event in range(4, program.sizes["event"]):
            here = program.isel(episode=episode, event=event)
            number = int(here["condition"])
            left = float(here["query"] @ program["key"][episode, int(here["pair"])])
            lost = round(10 * float(conditions["share"][number])) if number > 0 else 0
            assert left == 10 - lost
            swapped = number > 0 and conditions["damage"].values[number] == "swapped"
            assert float(here["query"].sum()) == (10 if swapped else 10 - lost)
        counts = np.bincount(program["condition"].values[episode] + 1)
        np.testing.assert_array_equal(counts, [4, 4, 2, 2, 2, 2])


def test_linear_reads_follow_the_closed_form() -> None:
    settings = experiment.Settings(items=6, shares=(0.5,), episodes=150, key_cells=100, active=10)
    program = experiment.memory(settings, seed=103).isel(episode=slice(150))
    trace = rate("hebbian", settings).run(program)
    conditions = completion.conditions(settings.shares)
    found = completion.measured(program, trace, conditions)
    expected = completion.expected(program, trace, conditions)
    for name in ("r2", "gain"):
        difference = (found[name] - expected[name]).isel(condition=slice(1, None))
        sem = difference.std("episode", ddof=1) / 150**0.5
        assert bool((abs(difference.mean("episode")) < 3 * sem).all())
        np.testing.assert_allclose(found[name].isel(condition=0), expected[name].isel(condition=0), rtol=1e-5)
    np.testing.assert_allclose(expected["gain"].sel(condition=1).mean(), 0.5, atol=0.03)


def test_an_exact_memory_runs_through_the_whole_ring() -> None:
    """Keys of few cells of very many do not overlap: reads are exact, and so is every key made from one."""
    settings = experiment.Settings(items=4, shares=(0.5,), episodes=2, key_cells=3000, active=3)
    program = experiment.memory(settings, seed=104).isel(episode=slice(4, 6))
    key = program["key"].values[:, :4]
    assert np.allclose(key @ key.swapaxes(1, 2), 3 * np.eye(4))
    loop = sequences.recalled(program, rate("delta", settings).run(program), settings.encoder(104))
    assert bool((loop["right"] == 1).all())
    assert bool((loop["direct_overlap"] == 1).all())
    for mode in sequences.MODES:
        np.testing.assert_allclose(loop["answer"].sel(mode=mode), loop["target"], atol=1e-9)


def test_a_loop_with_a_wrong_read_goes_on_from_there() -> None:
    """Item 1 answers as if it were item 2: the loop skips one item and stays one ahead, stepwise reading does not."""
    settings = experiment.Settings(items=5, shares=(0.5,), episodes=2, key_cells=3000, active=3)
    program = experiment.memory(settings, seed=104).isel(episode=slice(4, 5))
    trace = rate("delta", settings).run(program)
    asked = program["pair"].values[0]
    source = int(np.flatnonzero((asked == 2) & (program["condition"].values[0] == 0))[0])
    wrong = (asked == 1) & (program["condition"].values[0] == 0)
    trace["recall"][0, wrong] = trace["recall"][0, source].values
    loop = sequences.recalled(program, trace, settings.encoder(104)).isel(episode=0)
    assert loop["right"].sel(mode="stepwise").values.tolist() == [1, 0, 1, 1, 1]
    assert loop["right"].sel(mode="cleaned").values.tolist() == [1, 0, 0, 0, 0]


def test_hopfield_networks_complete_mild_damage(result: xr.DataTree) -> None:
    table = result["hopfield"].to_dataset()
    mild = table.isel(condition=[0, 1])
    assert float(mild["identified"].min()) == 1
    np.testing.assert_allclose(mild["overlap"].sel(memory=["sparse", "dense"]), 1)
    np.testing.assert_allclose(table["overlap"].sel(memory="nearest key").isel(condition=2), 0.4)


def test_summary_and_table_agree(result: xr.DataTree) -> None:
    numbers = experiment.summary(result)
    assert all(math.isfinite(each) for each in numbers.values())
    table, closed = (each.set_index(["memory", "damage", "share"]) for each in experiment.tables(result).values())
    row = table.loc[("spiking.additive.auto", "swapped", 0.6)]
    assert row["r2"] == pytest.approx(numbers["spiking.additive.auto.swapped.0.6.r2"])
    values = result["recall"].to_dataset()["r2"].sel(regime="additive", network="spiking", association="auto")
    assert row["r2"] == pytest.approx(float(values.isel(condition=4).mean()))
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
