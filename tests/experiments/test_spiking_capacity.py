"""Spiking capacity: the Programs, the closed form, and how conditions of one network are told apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import theory
from neurofwp.errors import InputError
from neurofwp.experiments import spiking_capacity as experiment
from neurofwp.rate import RateNetwork
from neurofwp.spiking import jobs as spiking_jobs
from neurofwp.spiking.jobs import Job

SMALL = experiment.Settings(
    pairs=(2, 4, 12), active=(3, 6), key_cells=30, cells=(1, 2), standard_active=6, standard_cells=2, dimensions=5,
    episodes=2, rate_episodes=3,
)  # fmt: skip


@contextmanager
def pretend(jobs: Sequence[Job], **_: Any) -> Iterator[Callable[[str], xr.Dataset]]:
    """Rate networks in place of spiking ones; pools of one cell say nothing."""
    by_name = {job.name: job for job in jobs}

    def trace(name: str) -> xr.Dataset:
        job = by_name[name]
        made = RateNetwork(experiment.RULES[job.network["synapse"]], on_off=True, bounds=(0, np.inf)).run(job.program)
        return made.assign(recall=made["recall"] * 0) if job.network["cells_per_pool"] == 1 else made

    yield trace


@pytest.fixture(scope="module")
def result() -> Iterator[xr.DataTree]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spiking_jobs, "start", pretend)
        yield experiment.run(SMALL, seed=2, device="cpu")


def test_every_load_reads_what_is_written_by_then() -> None:
    program = experiment.memory(SMALL, 6, 3, seed=5)
    assert program.sizes["event"] == 12 + 2 + 4 + 8
    for episode in range(3):
        stored: dict[bytes, np.ndarray] = {}
        reads: dict[int, set[bytes]] = {load: set() for load in SMALL.pairs}
        for event in range(program.sizes["event"]):
            here = program.isel(episode=episode, event=event)
            if float(here["write_gate"]):
                assert float(here["key"].sum()) == 6
                stored[here["key"].values.tobytes()] = here["value"].values
            else:
                asked = here["query"].values.tobytes()
                assert int(here["load"]) == len(stored)
                np.testing.assert_array_equal(here["target"], stored[asked])
                reads[len(stored)].add(asked)
        assert {load: len(asked) for load, asked in reads.items()} == {2: 2, 4: 4, 12: 8}


def test_more_episodes_and_other_keys_leave_an_episode_as_it_is() -> None:
    few, many = (experiment.memory(SMALL, 6, count, seed=5) for count in (2, 4))
    xr.testing.assert_identical(few, many.isel(episode=slice(2)))
    assert not np.array_equal(few["key"][0], few["key"][1])


def test_a_sum_recalls_as_theory_says() -> None:
    settings = experiment.Settings(pairs=(4, 16, 48), active=(6,), key_cells=80, dimensions=16)
    program = experiment.memory(settings, 6, 60, seed=1)
    found = experiment.score(program, RateNetwork("hebbian", on_off=True).run(program), settings.pairs)
    r2, sign = theory.sparse_hebbian_recall(settings.pairs, 6, 80)
    for name, expected in (("r2", r2), ("sign_error", sign)):
        sem = found[name].std("episode", ddof=1) / 60**0.5
        # sums of few overlaps are not Gaussian: that is worth a few thousandths of wrong signs
        slack = 0.006 if name == "sign_error" else 0
        assert bool((abs(found[name].mean("episode") - expected) < 3 * sem + slack).all())


def test_conditions_are_told_apart(result: xr.DataTree) -> None:
    keys, cells, rate = (result[name].to_dataset() for name in ("keys", "cells", "rate"))
    for model, rule in experiment.RULES.items():
        for active in SMALL.active:
            program = experiment.memory(SMALL, active, 2, seed=2)
            alone = experiment.score(
                program, RateNetwork(rule, on_off=True, bounds=(0, np.inf)).run(program), SMALL.pairs
            )
            xr.testing.assert_allclose(keys.sel(synapse_model=model, active=active, drop=True), alone)
            assert rate["r2"].sel(rule=rule, active=active).sizes == {"pairs": 3, "episode": 3}
        np.testing.assert_allclose(
            cells["r2"].sel(synapse_model=model, cells=2), keys["r2"].sel(synapse_model=model, active=6)
        )
        assert float(abs(cells["r2"].sel(synapse_model=model, cells=1).mean("episode")).max()) < 0.1  # says nothing


def test_tables_hold_means_of_all_networks(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    r2 = result["keys"].to_dataset()["r2"].sel(synapse_model="additive", active=3, pairs=4)
    assert numbers["keys.additive.3.4.r2"] == pytest.approx(float(r2.mean()))
    assert numbers["keys.additive.3.4.r2.sem"] == pytest.approx(float(r2.std(ddof=1)) / 2**0.5)
    assert numbers["theory.3.12.r2"] == pytest.approx(1 / (1 + 11 * theory.mean_square_overlap(3, 30)))
    assert numbers["theory.6.2.sign_error"] < numbers["theory.6.12.sign_error"]
    assert all(math.isfinite(each) for each in numbers.values())
    sizes = {name: dict(table.sizes) for name, table in experiment.tables(result).items()}
    assert sizes == {
        "theory": {"active": 2, "pairs": 3},
        "keys": {"synapse_model": 2, "active": 2, "pairs": 3},
        "cells": {"synapse_model": 2, "cells": 2, "pairs": 3},
        "rate": {"rule": 2, "active": 2, "pairs": 3},
    }
    assert set(experiment.plot(result)) == {"capacity_additive", "capacity_error-correcting"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pairs": (4, 2)}, "pairs must be at least 2 and rise"),
        ({"pairs": (1, 2)}, "pairs must be at least 2 and rise"),
        ({"active": (20, 200)}, "active must be at least 1 and below key_cells = 200, but has 200"),
        ({"standard_active": 15}, "standard_active must be one of active"),
        ({"standard_cells": 3}, "standard_cells must be one of cells"),
        ({"episodes": 1}, "episodes must be at least 2 and at most rate_episodes = 32, not 1"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(experiment.Settings(**settings), seed=0, device="cpu")
