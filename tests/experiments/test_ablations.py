"""What the ablations do to a network, and what their table says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import identification
from neurofwp.errors import InputError
from neurofwp.experiments import ablations as experiment
from neurofwp.experiments.ablations import ABLATIONS, INTACT, KNOWN, LEARNS, NEVER, SHUFFLED, STAYS, Settings
from neurofwp.identification.recovery import disturb
from neurofwp.program import nth_condition
from neurofwp.rate import RateNetwork
from neurofwp.spiking import jobs
from neurofwp.spiking.jobs import Job
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.transforms import gates

SETTINGS = Settings(synapses=("error-correcting", "additive"), episodes=4, pairs=4, pixels=3)


@contextmanager
def stand_in(asked: Sequence[Job], *, folder: Path | None) -> Iterator[Callable[[str], xr.Dataset]]:
    """Rate networks with noise in place of the simulator: no gate without NMDA, no prediction without feedback."""

    def condition(job: Job, number: int, rng: np.random.Generator) -> xr.Dataset:
        assert job.conditions is not None
        own, parameters = nth_condition(job.program, number), job.conditions.isel(condition=number)
        if "alpha_nmda" in parameters and float(parameters["alpha_nmda"]) == 0:
            own = gates.close(own, rng)
        feedback = job.network["synapse"] == "error-correcting" and float(parameters["g_gaba"]) > 0
        rule = RateNetwork("delta" if feedback else "hebbian", on_off=True, bounds=(0, np.inf), unit_keys=False)
        return rule.run(disturb(own, 0.05, rng))

    def trace(name: str) -> xr.Dataset:
        (job,) = (job for job in asked if job.name == name)
        rng = np.random.default_rng(job.seed)
        every = [condition(job, number, rng) for number in range(job.program.sizes["condition"])]
        return xr.concat(every, dim="condition", data_vars="all", combine_attrs="override")

    yield trace


def fit_two_rules(work: Any, cases: Mapping[str, tuple[Any, ...]], **_: Any) -> dict[str, xr.Dataset]:
    """In this process."""
    return {
        name: identification.identify(program, one, ["hebbian", "delta"], repeat=other, restarts=1, progress=False)
        for name, (program, one, other, _, _) in cases.items()
    }


@pytest.fixture(scope="module")
def result() -> Iterator[xr.DataTree]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start", stand_in)
        patch.setattr(experiment, "parallel_map", fit_two_rules)
        yield experiment.run(SETTINGS, seed=101, device="cpu")


def test_each_ablation_takes_away_what_it_names(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    intact, shuffled, known = (f"ablations.error-correcting.{name}" for name in (INTACT, SHUFFLED, KNOWN))
    assert numbers[f"{intact}.r2"] > 0.8
    assert "delta" in numbers[f"{intact}.rules"].split(" or ")
    assert numbers[f"{shuffled}.r2"] < numbers[f"{intact}.r2"] - 0.2
    assert numbers[f"{shuffled}.feve"] < numbers[f"{intact}.feve"] - 0.1
    # the synapses did nothing else than before: judged by the gates that they saw, all is as it was
    assert numbers[f"{known}.r2"] > 0.8
    assert "delta" in numbers[f"{known}.rules"].split(" or ")
    assert numbers[f"{known}.feve"] > 0.95
    assert numbers[f"{known}.noise_ceiling"] == pytest.approx(numbers[f"{shuffled}.noise_ceiling"])
    assert "hebbian" in numbers["ablations.error-correcting.interneurons removed.rules"].split(" or ")


def test_where_nothing_moves_there_is_no_rule_and_no_recall(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    for model in SETTINGS.synapses:
        assert numbers[f"ablations.{model}.NMDA blocked.status"] == STAYS
        assert numbers[f"ablations.{model}.NMDA blocked.rules"] == ""
        assert numbers[f"ablations.{model}.NMDA blocked.r2"] < 0.1
        assert np.isnan(numbers[f"ablations.{model}.NMDA blocked.feve"])
        assert numbers[f"ablations.{model}.plateaus removed.status"] == NEVER
        assert np.isnan(numbers[f"ablations.{model}.plateaus removed.r2"])
    assert numbers["ablations.additive.interneurons removed.status"] == NEVER


def test_means_and_errors_of_the_table_are_over_episodes(result: xr.DataTree) -> None:
    table = experiment.tables(result)["ablations"]
    assert table["r2"].size == len(SETTINGS.synapses) * (len(ABLATIONS) + 1)
    row = table.sel(synapse_model="additive", condition=INTACT)
    r2 = result["recall"].to_dataset()["r2"].sel(synapse_model="additive", condition=INTACT).values
    assert row["status"] == LEARNS
    assert float(row["r2"]) == pytest.approx(r2.mean())
    assert float(row["r2_sem"]) == pytest.approx(r2.std(ddof=1) / 2)
    assert row["low"] <= row["feve"] <= row["high"]


def test_every_rule_of_every_network_that_learns_is_in_the_table(result: xr.DataTree) -> None:
    rules = experiment.tables(result)["rules"].sel(synapse_model="error-correcting")
    assert rules["rule"].values.tolist() == ["hebbian", "delta"]
    assert float(rules["best"].sel(condition=INTACT, rule="delta")) == 1
    own = result[f"fits/error-correcting/{INTACT}"].to_dataset()["feve"]
    np.testing.assert_array_equal(rules["feve"].sel(condition=INTACT).values, own.values)
    assert rules["r2"].sel(condition="NMDA blocked").isnull().all()
    assert set(experiment.plot(result)) == {"ablations"}


def test_half_of_the_second_values_are_distractors(result: xr.DataTree) -> None:
    program = result["program"].to_dataset()
    writes = (program["key"] > 0).any("pre")
    assert (writes.sum("event") == 8).all()
    assert ((program["write_gate"] > 0).sum("event") == 6).all()
    assert (program["reassigned"].sum("event") == 2).all()


def test_ablations_apply_to_networks_that_have_what_they_remove() -> None:
    def applying(model: str) -> set[str]:
        return {name for name, each in ABLATIONS.items() if each.applies(SpikingNetwork(model))}

    assert applying("error-correcting") == {INTACT, "NMDA blocked", SHUFFLED, "interneurons removed"}
    assert applying("thresholds") == applying("additive") == {INTACT, "NMDA blocked", SHUFFLED}
    assert applying("btsp-network") == {INTACT, SHUFFLED, "plateaus removed"}


def test_parameters_of_the_intact_network_are_those_of_its_model() -> None:
    names = [INTACT, "NMDA blocked", "interneurons removed"]
    conditions = experiment.ablate({"synapse": "error-correcting"}, names, seed=3)
    np.testing.assert_allclose(conditions["alpha_nmda"], [0.5, 0, 0.5, 0.5, 0, 0.5])
    np.testing.assert_allclose(conditions["g_gaba"], [2, 2, 0, 2, 2, 0])
    assert conditions["g_gaba"].attrs["units"] == "nS"
    seeds = conditions["seed"].values
    assert len(set(seeds[:3])) == len(set(seeds[3:])) == 1  # noise in common, and other noise in the repeat
    assert seeds[0] != seeds[3]


@pytest.mark.slow
def test_plateaus_and_nmda_receptors_are_what_synapses_learn_with() -> None:
    """Neither synapse moves at all without them; both learn with them."""
    settings = Settings(synapses=("additive", "btsp-network"), episodes=4, pairs=2, pixels=2, plateau_pause=1.0)
    numbers = experiment.EXPERIMENT.summary(experiment.run(settings, seed=102, device="cpu"))
    assert (
        numbers["ablations.additive.NMDA blocked.status"]
        == numbers["ablations.btsp-network.plateaus removed.status"]
        == STAYS
    )
    for model in settings.synapses:
        assert numbers[f"ablations.{model}.{INTACT}.status"] == LEARNS
        assert numbers[f"ablations.{model}.{INTACT}.r2"] > 0.3


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="4 episodes or more"):
        experiment.run(Settings(episodes=3), seed=0, device="cpu")
    with pytest.raises(InputError, match="synapse model or more"):
        experiment.run(Settings(synapses=()), seed=0, device="cpu")
