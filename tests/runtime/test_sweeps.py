"""Sweeps: every point is done once, whatever happens to others, to workers, or to the run."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import LocalCluster

from neurofwp.errors import InputError
from neurofwp.runtime import parallel, sweeps
from neurofwp.runtime.sweeps import Point, sweep

ANY_PORT = {"dashboard_address": "127.0.0.1:0"}
# in a module of its own, since workers import it by name, and pytest's own imports leave none
WORK = '''
import os, signal


def squares(tasks: list, places: list) -> list:
    """Leaves a mark at every point; a task may ask for trouble."""
    for (_, trouble), place in zip(tasks, places, strict=True):
        place.mkdir(parents=True, exist_ok=True)
        mark = place / "done"
        if trouble == "killed once" and not mark.exists():
            mark.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "fails":
            raise ValueError(f"no square of {tasks[0][0]}")
        mark.write_text(mark.read_text() + "x" if mark.exists() else "x")
    return [{"square": task**2, "text": f"of {task}", "rules": ["a", "b"]} for task, _ in tasks]
'''


@pytest.fixture
def squares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv(parallel.LIMIT)
    (tmp_path / "sweep_for_tests.py").write_text(WORK)
    monkeypatch.delitem(sys.modules, "sweep_for_tests", raising=False)
    return __import__("sweep_for_tests").squares


def points(folder: Path, trouble: dict[int, str] | None = None) -> list[Point]:
    return [
        Point({"task": task, "seed": seed}, (task + seed, (trouble or {}).get(task, "")), folder / f"{task}-{seed}")
        for task in (1, 2, 3)
        for seed in (0, 10)
    ]


def test_points_fill_a_dataset_and_those_that_fail_or_lose_a_worker_harm_no_other(squares: Any, tmp_path: Path) -> None:
    every = points(tmp_path, {2: "fails", 3: "killed once"})
    made = sweep(squares, [[point] for point in every], workers=2)
    assert made["square"].dims == ("task", "seed")
    np.testing.assert_array_equal(made["square"], [[1, 121], [np.nan, np.nan], [9, 169]])
    np.testing.assert_array_equal(made["text"].sel(task=3), ["of 3", "of 13"])
    assert (made["rules"].sel(task=1) == "a, b").all()
    assert made["error"].sel(task=2, seed=10) == "ValueError: no square of 12"
    assert (made["error"].sel(task=[1, 3]) == "").all()

    again = sweep(squares, [[point] for point in points(tmp_path)], workers=1)  # what failed is tried again
    np.testing.assert_array_equal(again["square"], [[1, 121], [4, 144], [9, 169]])
    times = [(point.place / "done").read_text() for point in every]
    assert set(times) == {"x"}  # what was at work beside a lost worker too


def test_what_was_done_needs_no_worker(squares: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = points(tmp_path)
    for point in every:
        sweeps._keep(point, sweeps._Outcome({"square": point.task[0] ** 2}, seconds=2.0))
    monkeypatch.setattr(sweeps, "_do", lambda *_: pytest.fail("nothing was left to do"))
    made = sweep(squares, [every])
    np.testing.assert_array_equal(made["square"], [[1, 121], [4, 144], [9, 169]])
    assert (made["seconds"] == 2).all()


def test_points_that_run_together_share_their_seconds(squares: Any, tmp_path: Path) -> None:
    began = time.perf_counter()
    outcomes = sweeps._do(squares, points(tmp_path))
    assert 0 < sum(outcome.seconds for outcome in outcomes) <= time.perf_counter() - began


def test_of_points_that_run_together_one_that_fails_stops_no_other(squares: Any, tmp_path: Path) -> None:
    every = points(tmp_path, {2: "fails"})
    outcomes = sweeps._do(squares, every)
    assert [outcome.error for outcome in outcomes] == [
        "", "", "ValueError: no square of 2", "ValueError: no square of 12", "", ""
    ]  # fmt: skip
    assert [outcome.numbers.get("square") for outcome in outcomes] == [1, 121, None, None, 9, 169]


def test_a_half_written_point_is_done_again(tmp_path: Path) -> None:
    place = tmp_path / "point"
    sweeps._keep(Point({"task": 1}, None, place), sweeps._Outcome({"square": 1}))
    assert sweeps._read_outcome(place) is not None
    (file,) = place.iterdir()
    file.write_text(file.read_text()[:-9])
    assert sweeps._read_outcome(place) is None


def test_what_is_forgotten_is_done_again_but_results_stay(tmp_path: Path) -> None:
    every = points(tmp_path)
    for point in every:
        sweeps._keep(point, sweeps._Outcome({"square": 1}))
    part = every[0].place / "parts" / f"spiking-{'0' * 16}.nc"
    part.parent.mkdir()
    part.touch()
    (every[0].place / "result.nc").touch()
    sweeps.forget(every[:2])
    assert [sweeps._read_outcome(point.place) is None for point in every] == [True, True, False, False, False, False]
    assert not part.exists()
    assert (every[0].place / "result.nc").exists()


def test_the_workers_of_a_running_scheduler_do_it(squares: Any, tmp_path: Path) -> None:
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, scheduler_kwargs=ANY_PORT) as cluster:
        made = sweep(squares, [points(tmp_path)], scheduler=cluster.scheduler_address)
    np.testing.assert_array_equal(made["square"], [[1, 121], [4, 144], [9, 169]])


def test_an_address_without_a_scheduler_is_refused(
    squares: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "PATIENCE", 0.5)
    with pytest.raises(InputError, match=r"no dask scheduler answers at 'tcp://127\.0\.0\.1:1'"):
        sweep(squares, [points(tmp_path)], scheduler="tcp://127.0.0.1:1")
    with pytest.raises(InputError, match="workers must be 1 or more, not 0"):
        sweep(squares, [points(tmp_path)], workers=0)


def test_a_point_that_always_loses_its_worker_fails_alone(squares: Any, tmp_path: Path) -> None:
    made = sweep(squares, [[point] for point in points(tmp_path, {2: "killed"})], workers=2)
    np.testing.assert_array_equal(made["square"], [[1, 121], [np.nan, np.nan], [9, 169]])
    assert str(made["error"].sel(task=2, seed=0).item()).endswith("lost, one after the other: is memory short?")
    assert (made["error"].sel(task=[1, 3]) == "").all()
