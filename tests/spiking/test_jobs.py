"""Several simulations at once: order, what is kept, and what is run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import program
from neurofwp.errors import InputError
from neurofwp.runtime import processes
from neurofwp.spiking import jobs
from neurofwp.spiking.jobs import Job, run_all

NETWORK = {"synapse": "additive", "cells_per_pool": 1, "target": "numpy"}


def tiny(events: int) -> xr.Dataset:
    return program.from_arrays(np.ones((1, events, 3)), np.zeros((1, events, 1)), duration=120.0)


def two_jobs() -> list[Job]:
    return [
        Job("short", tiny(1), NETWORK, seed=1),
        Job("long", tiny(2), NETWORK, seed=2, probes=[(0, "on", 0, 2)]),
    ]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the jobs that ran, in this process; empty the list to begin anew."""
    names: list[str] = []
    run = jobs._run

    def recorded(job: Job, *arguments: Any) -> xr.Dataset:
        names.append(job.name)
        return run(job, *arguments)

    monkeypatch.setenv(processes.LIMIT, "1")
    monkeypatch.setattr(jobs, "_run", recorded)
    return names


def test_processes_give_what_one_run_gives_and_in_order() -> None:
    found = run_all(two_jobs(), workers=2)
    for job, one in zip(two_jobs(), found, strict=True):
        xr.testing.assert_identical(one, job.run())


@pytest.mark.usefixtures("clean_tree")
def test_finished_jobs_are_kept_and_damaged_ones_run_again(tmp_path: Path, ran: list[str]) -> None:
    folder = tmp_path / "parts"
    first = run_all(two_jobs(), folder=folder)
    assert ran == ["short", "long"]
    assert [one.sizes["event"] for one in first] == [1, 2]
    long, short = sorted(folder.iterdir())
    assert (long.name[:5], short.name[:6]) == ("long-", "short-")

    short.write_bytes(short.read_bytes()[:1000])
    again = run_all(two_jobs(), folder=folder)
    assert ran == ["short", "long", "short"]
    kept = run_all(two_jobs(), folder=folder)
    assert len(ran) == 3
    for one, other, third in zip(first, again, kept, strict=True):
        xr.testing.assert_identical(one, other)
        xr.testing.assert_identical(one, third)


@pytest.mark.usefixtures("clean_tree")
def test_whatever_could_change_a_number_changes_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tiny(1)
    other_key = made.copy(deep=True)
    other_key["key"][0, 0, 0] = 0.5
    base = Job("name", made, NETWORK)
    variants = [
        Job("name", other_key, NETWORK),
        Job("name", made, NETWORK | {"synapse": "error-correcting"}),
        Job("name", made, NETWORK | {"synapse_dtype": np.float64}),
        Job("name", made, NETWORK | {"read_gate": 1e-9}),
        Job("name", made, NETWORK, seed=1),
        Job("name", made, NETWORK, probes=[(0, "on", 0, 0)]),
    ]
    places = {job.place(tmp_path) for job in (base, *variants)}
    assert len(places) == 1 + len(variants)
    assert Job("name", made.copy(deep=True), dict(NETWORK)).place(tmp_path) == base.place(tmp_path)
    monkeypatch.setattr(jobs.parts.provenance, "commit", lambda: "b" * 40)
    assert base.place(tmp_path) not in places


@pytest.mark.parametrize("commit", ["unknown", "a" * 40 + "+"])
def test_nothing_is_kept_where_the_commit_does_not_name_the_code(
    commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.parts.provenance, "commit", lambda: commit)
    run_all([Job("short", tiny(1), NETWORK)], folder=tmp_path / "parts")
    assert not (tmp_path / "parts").exists()


def test_jobs_of_one_name_would_overwrite_each_other() -> None:
    with pytest.raises(InputError, match="jobs need different names, not a, b, a"):
        run_all([Job(name, tiny(1), NETWORK) for name in "aba"])
