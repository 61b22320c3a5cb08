"""What realism measures, from rate networks in place of the circuits: those with feedback run the delta rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import realism
from neurofwp.identification import recovery
from neurofwp.metrics import recall_r2
from neurofwp.rate import RateNetwork
from neurofwp.spiking import facts, jobs
from neurofwp.spiking.jobs import Job

SMALL = realism.Settings(
    facts=("gate by spikes", "strength of feedback", "feedback removed", "NMDA receptors blocked"), pairs=4, episodes=6,
    pixels=2, networks=2, transfer_pairs=6, rules=("hebbian", "delta"), restarts=1,
)  # fmt: skip
SPIKES = {"flag_values": [0, 1], "flag_meanings": "key value"}


@contextmanager
def pretended(asked: Sequence[Job], **_: Any) -> Iterator[jobs.Traces]:
    by_name = {job.name: job for job in asked}

    def record(name: str) -> xr.DataTree:
        job = by_name[name]
        felt = recovery.disturb(job.program, 0.05, np.random.default_rng(job.seed))
        parameters = job.network["parameters"]
        gain = float(parameters.get("feedback", "1").split()[0])
        rate = 0.0 if "alpha_nmda" in parameters else 0.6
        network = RateNetwork(
            "delta", parameters={"rate": rate, "prediction_gain": gain}, on_off=True, bounds=(0, np.inf),
            unit_keys=False,
        )  # fmt: skip
        run = network.run(felt)
        spikes: dict[str, Any] = {
            each: ("spike", np.zeros(0), {"units": unit})
            for each, unit in (("spike_time", "ms"), ("spike_episode", "1"), ("spike_cell", "1"))
        }
        spikes["spike_population"] = ("spike", np.zeros(0, np.int8), {"units": "1", **SPIKES})
        never = np.full(run.sizes["event"], np.nan)
        ends = ("write_start", "write_stop", "read_start", "read_stop")
        trace = run.assign_coords(dict.fromkeys(ends, ("event", never)))
        return xr.DataTree.from_dict({"trace": trace, "spikes": xr.Dataset(spikes)})

    yield jobs.Traces(record)


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start", pretended)
        return realism.run(SMALL, seed=3, device="cpu")


def test_verdicts_follow_what_was_run(result: xr.DataTree) -> None:
    tables = realism.tables(result)
    conditions = tables["conditions"]
    assert conditions["rules"].sel(condition="gate by spikes").item() == "delta"
    assert "hebbian" in conditions["rules"].sel(condition="feedback removed").item()
    assert conditions["verdict"].sel(condition="NMDA receptors blocked").item() == "nothing is learned"
    scores = tables["rules"].sel(condition="gate by spikes")
    assert scores["feve"].sel(rule="delta") > 0.98
    assert scores["transfer"].sel(rule="delta") > 0.98  # parameters of four pairs predict six
    assert scores["transfer"].sel(rule="hebbian") < scores["transfer"].sel(rule="delta") - 0.02
    assert set(tables["blocks"]["condition"].values) == {"feedback removed", "NMDA receptors blocked"}
    assert all(str(each) for each in tables["blocks"]["prediction"].values)


def test_recall_is_the_mean_over_episodes_of_all_seeds(result: xr.DataTree) -> None:
    measured = result["measured"].to_dataset()
    assert measured.sizes["seed"] == 2
    mean = realism.tables(result)["conditions"]["r2"]
    np.testing.assert_allclose(mean, measured["r2"].mean(("seed", "episode")))
    moved = measured["written_in_reads"].sel(condition="gate by spikes")
    np.testing.assert_allclose(moved, 0, atol=1e-12)  # a rate network's gate is closed while it is read
    fact = next(each for each in facts.facts() if each.name == "gate by spikes")
    program = realism.write_program(SMALL, 3, fact.duration, SMALL.pairs)
    with pretended([Job("one", program, fact.network, seed=6)]) as trace:
        expected = recall_r2(program, trace("one"), by="episode")
    np.testing.assert_allclose(measured["r2"].sel(condition="gate by spikes").isel(seed=0), expected)


def test_without_verdicts_recall_is_the_same(result: xr.DataTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "start", pretended)
    alone = realism.run(replace(SMALL, verdicts=False), seed=3, device="cpu")
    for name in ("r2", "reassigned_r2"):
        np.testing.assert_array_equal(alone["measured"][name], result["measured"][name])
    assert set(realism.tables(alone)["conditions"]["verdict"].values) == {"not judged"}
    assert set(realism.plot(alone)) == {"circuits_and_blocks"}


def test_figures_have_a_curve_for_each_fact_that_is_a_scale(result: xr.DataTree) -> None:
    figures = realism.plot(result)
    curves = [ax for ax in figures["realism"].axes if ax.get_visible()]
    assert [ax.get_xlabel() for ax in curves if ax.get_xlabel()] == ["strength of feedback"]
    assert {line.get_label() for line in curves[1].get_lines()} >= {"delta", "hebbian"}
    bars = figures["circuits_and_blocks"].axes[0]
    assert [tick.get_text() for tick in bars.get_yticklabels()] == [
        "gate by spikes", "feedback removed", "NMDA receptors blocked",
    ]  # fmt: skip


def test_facts_have_names_of_their_own_and_blocks_their_predictions() -> None:
    every = facts.facts()
    assert len({each.name for each in every}) == len(every)
    assert {each.name for each in every if each.prediction} == {each.name for each in facts.blocks()}
    assert len(facts.blocks()) >= 5


def test_every_fact_is_a_network_that_can_be_made() -> None:
    from neurofwp.spiking import SpikingNetwork

    for each in facts.facts():
        network = SpikingNetwork(**each.network)
        assert network.circuit_form.name == each.circuit


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (realism.Settings(episodes=1), "2 episodes"),
        (realism.Settings(facts=("shared fedback",)), "did you mean 'shared feedback'"),
    ],
)
def test_what_cannot_be_run(settings: realism.Settings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        realism.run(settings, seed=0, device="cpu")
