"""Several simulations at once: order, what is kept, and what is run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import program
from neurofwp.errors import InputError
from neurofwp.runtime import parallel, source, store
from neurofwp.spiking.jobs import Job, run_all, start

NETWORK = {"synapse": "additive", "cells_per_pool": 1, "backend": "numpy"}


def tiny(events: int) -> xr.Dataset:
    return program.from_arrays(np.ones((1, events, 3)), np.zeros((1, events, 1)), duration=120.0)


def two_jobs() -> list[Job]:
    return [
        Job("short", tiny(1), NETWORK, seed=1),
        Job("long", tiny(2), NETWORK, seed=2, recorded=True, probes=[(0, "on", 0, 2)]),
    ]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the jobs that ran, in this process; empty the list to begin anew."""
    names: list[str] = []
    run = Job.run

    def recorded(job: Job, *arguments: Any) -> xr.Dataset | xr.DataTree:
        names.append(job.name)
        return run(job, *arguments)

    monkeypatch.setattr(Job, "run", recorded)
    return names


def test_processes_give_what_one_run_gives_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(parallel.LIMIT)
    found = run_all(two_jobs(), workers=2)
    for job, one in zip(two_jobs(), found, strict=True):
        xr.testing.assert_identical(one, job.trace())


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
    with start(two_jobs(), folder=folder) as traces:
        recording = traces.recording("long")
    assert len(ran) == 3
    xr.testing.assert_identical(recording, two_jobs()[1].run())
    for one, other, third in zip(first, again, kept, strict=True):
        xr.testing.assert_identical(one, other)
        xr.testing.assert_identical(one, third)


def test_whatever_could_change_a_number_changes_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
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
        Job("name", made, NETWORK, recorded=True),
        Job("name", made, NETWORK, recorded=True, probes=[(0, "on", 0, 0)]),
    ]
    keys = {store.key(job) for job in (base, *variants)}
    assert len(keys) == 1 + len(variants)
    assert store.key(Job("name", made.copy(deep=True), dict(NETWORK))) == store.key(base)
    monkeypatch.setattr(source, "fingerprint", lambda: "other")
    assert store.key(base) not in keys


def test_small_simulations_are_not_worth_a_process_and_large_ones_are() -> None:
    """Synapses, time and backend count."""
    key = np.ones((4, 10, 500))
    large = program.from_arrays(key, np.zeros((4, 10, 20)), query=key, duration=1000.0)
    assert Job("small", tiny(2), {"cells_per_pool": 1}).seconds() < 0.1
    assert Job("large", large).seconds() > parallel.WORKER_START
    assert Job("large", large, NETWORK).seconds() > Job("large", large, NETWORK | {"backend": "cython"}).seconds()


def test_jobs_of_one_name_would_overwrite_each_other() -> None:
    with pytest.raises(InputError, match="jobs need different names, not a, b, a"):
        run_all([Job(name, tiny(1), NETWORK) for name in "aba"])
