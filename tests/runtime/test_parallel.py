"""The parallel map: every case done once, whatever happens; order, errors, and where it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.runtime import parallel, processes as pools, progress, source
from neurofwp.runtime.parallel import parallel_map, processes_pay, start
from neurofwp.runtime.processes import Processes

# in a module of its own, since workers import it by name, and pytest's own imports leave none
WORK = """
import os, sys, time
from pathlib import Path


def square(number, folder, seconds=0.0, fails=False):
    Path(folder, f"{number}-{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(seconds)
    if fails:
        raise ValueError(f"no square of {number}")
    return {"square": number**2, "threads": os.environ.get("OMP_NUM_THREADS"), "torch": "torch" in sys.modules}
"""


@pytest.fixture
def square(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "squares_for_tests.py").write_text(WORK)
    monkeypatch.delitem(sys.modules, "squares_for_tests", raising=False)
    return __import__("squares_for_tests").square


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(parallel.LIMIT)


def done(marks: Path) -> dict[str, int]:
    """How often each number was squared."""
    return dict(Counter(path.name.split("-")[0] for path in marks.iterdir()))


def cases(marks: Path, numbers: Any = range(4), **more: Any) -> dict[str, tuple[Any, ...]]:
    return {f"case {number}": (number, str(marks), *more.values()) for number in numbers}


def squares(results: dict[str, Any]) -> list[int]:
    return [each["square"] for each in results.values()]


@pytest.mark.usefixtures("processes")
def test_processes_give_results_in_order_with_one_thread_each_and_without_torch(square: Any, marks: Path) -> None:
    slow_first = {"a": (3, str(marks), 0.3), "b": (2, str(marks)), "c": (1, str(marks))}
    before = os.environ.get("OMP_NUM_THREADS")
    results = parallel_map(square, slow_first, workers=2)
    assert list(results) == ["a", "b", "c"]
    assert squares(results) == [9, 4, 1]
    assert os.environ.get("OMP_NUM_THREADS") == before
    assert {each["threads"] for each in results.values()} == {"1"}
    assert not any(each["torch"] for each in results.values())
    assert {path.name.split("-")[1] for path in marks.iterdir()} != {str(os.getpid())}


@pytest.mark.usefixtures("processes")
def test_other_work_can_be_done_while_results_come(square: Any, marks: Path) -> None:
    with start(square, cases(marks, seconds=0.0), workers=2) as results:
        assert results["case 3"]["square"] == 9
        assert {name for name, _ in results.as_completed()} == {f"case {number}" for number in range(4)}
        with pytest.raises(KeyError):
            results["case 4"]


@given(st.lists(st.sampled_from(["ok", "fails"]), min_size=1, max_size=5))
def test_a_run_that_failed_is_resumed_and_nothing_is_done_twice(outcomes: list[str]) -> None:
    """In this process; with any of the cases failing, time and again."""
    with pytest.MonkeyPatch.context() as patch:
        ran: list[int] = []
        broken = {index for index, outcome in enumerate(outcomes) if outcome == "fails"}

        def work(index: int) -> int:
            if index in broken:
                broken.remove(index)
                raise ValueError(f"{index}")
            ran.append(index)
            return index**2

        patch.setattr(source, "fingerprint", lambda: "code")
        with tempfile.TemporaryDirectory() as folder:
            todo = {index: (index,) for index in range(len(outcomes))}
            for _ in range(len(broken)):
                with pytest.raises(ValueError, match=f"^{min(broken)}$"):
                    parallel_map(work, todo, folder=Path(folder))
            results = parallel_map(work, todo, folder=Path(folder))
            assert list(results.items()) == [(index, index**2) for index in range(len(outcomes))]
            assert sorted(ran) == list(range(len(outcomes)))


@pytest.mark.usefixtures("processes")
def test_an_error_drops_what_has_not_begun_and_keeps_what_is_done(square: Any, marks: Path, tmp_path: Path) -> None:
    many = cases(marks, [0]) | {"bad": (100, str(marks), 0.0, True)} | cases(marks, range(1, 40), seconds=0.05)
    with pytest.raises(ValueError, match="no square of 100"):
        parallel_map(square, many, folder=tmp_path / "kept", workers=2)
    begun = done(marks)
    assert len(begun) < 41
    fixed = many | {"bad": (100, str(marks))}
    results = parallel_map(square, fixed, folder=tmp_path / "kept", workers=2)
    assert squares(results) == [0, 100**2, *(number**2 for number in range(1, 40))]
    assert done(marks) == dict.fromkeys(map(str, range(40)), 1) | {"100": 2}


def test_exceptions_as_results_stop_no_other_and_are_not_kept(square: Any, marks: Path, tmp_path: Path) -> None:
    some = cases(marks, [1]) | {"bad": (2, str(marks), 0.0, True)} | cases(marks, [3])
    for _ in range(2):
        with start(square, some, folder=tmp_path / "kept", return_exceptions=True) as results:
            found = dict(results.as_completed())
        assert str(found["bad"]) == "no square of 2"
        assert found["case 3"]["square"] == 9
    assert done(marks) == {"1": 1, "2": 2, "3": 1}


def test_what_is_damaged_or_of_other_arguments_or_code_is_done_again(
    square: Any, marks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "kept"
    parallel_map(square, cases(marks), folder=folder)
    parallel_map(square, cases(marks), folder=folder)
    assert done(marks) == dict.fromkeys("0123", 1)
    next(folder.glob("case-2-*")).write_text("half")
    parallel_map(square, cases(marks) | {"case 3": (3, str(marks), 0.001)}, folder=folder)
    assert done(marks) == {"0": 1, "1": 1, "2": 2, "3": 2}
    monkeypatch.setattr(source, "fingerprint", lambda: "other code")
    parallel_map(square, cases(marks), folder=folder)
    assert done(marks) == {"0": 2, "1": 2, "2": 3, "3": 3}


def test_code_that_changed_meanwhile_is_refused(marks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with start(done, {"a": (marks,)}, folder=tmp_path) as results:
        monkeypatch.setattr(source, "package_hash", lambda: "other")
        with pytest.raises(InputError, match="the source of neurofwp changed while this ran"):
            results["a"]
    assert not list(tmp_path.glob("*.json"))


def test_reports_take_the_place_of_the_bar_and_only_the_first_case_shows_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[bool] = []

    def work(number: int, progress: bool = False) -> int:
        shown.append(progress)
        return number

    caplog.set_level("INFO", "neurofwp")
    monkeypatch.setattr(parallel, "watch", lambda: True)
    parallel_map(work, {"a": (1,), "b": (2,)}, report=lambda name, result: f"{name} gave {result}")
    assert shown == [True, False]
    assert caplog.messages[-2:] == ["a gave 1", "b gave 2"]


def test_bars_are_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress_bar(total=2) as bar:
        bar.update()
    assert capsys.readouterr().err == ""


@given(st.lists(st.floats(0, 1000), max_size=20), st.integers(1, 16))
def test_processes_are_started_only_where_they_end_sooner(seconds: list[float], count: int) -> None:
    longest = max([sum(seconds) / count, *seconds])
    assert processes_pay(seconds, count) == (parallel.WORKER_START + longest < sum(seconds))
    assert not processes_pay(seconds[:1], count)


@pytest.mark.usefixtures("processes")
def test_short_work_is_done_here_and_long_work_in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    with parallel.open_executor(2, seconds=[0.5, 0.5]) as short, parallel.open_executor(2, seconds=[20, 20]) as long:
        assert isinstance(short, parallel._Here)
        assert isinstance(long, Processes)
    with parallel.open_executor(1, workers=2) as single, parallel.open_executor(2) as unknown:
        assert isinstance(single, parallel._Here)
        assert isinstance(unknown, Processes)
    monkeypatch.setenv(parallel.LIMIT, "1")
    with parallel.open_executor(8) as one_of_many:
        assert isinstance(one_of_many, parallel._Here)


INTERRUPTED = """
import sys
from pathlib import Path
from squares_for_tests import square
from neurofwp.runtime.parallel import parallel_map

if __name__ == "__main__":
    marks, folder = sys.argv[1:]
    cases = {f"case {number}": (number, marks, 0.25) for number in range(8)}
    print([each["square"] for each in parallel_map(square, cases, folder=Path(folder), workers=2).values()])
"""


@pytest.mark.usefixtures("processes")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_or_interrupted_is_resumed(
    square: Any, marks: Path, tmp_path: Path, sign: signal.Signals
) -> None:
    """Of what is done nothing is done again, and no half file is left."""
    script, folder = tmp_path / "script.py", tmp_path / "kept"
    script.write_text(INTERRUPTED)
    command = [sys.executable, str(script), str(marks), str(folder)]
    first = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while len(list(folder.glob("[!.]*.json"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        os.killpg(first.pid, sign)  # with its workers, as a terminal and a batch system do
        first.wait(60)
    kept = [path.name.split("-")[1] for path in folder.glob("[!.]*.json")]
    assert 3 <= len(kept) < 8
    deadline = time.monotonic() + 5
    while list(folder.glob(".*")) and time.monotonic() < deadline:
        time.sleep(0.05)  # processes that were killed are cleaned up after
    assert not list(folder.glob(".*"))
    again = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert again.stdout.strip() == str([number**2 for number in range(8)])
    times = done(marks)
    assert set(times) == set(map(str, range(8)))
    assert {number: times[number] for number in kept} == dict.fromkeys(kept, 1)


@pytest.mark.usefixtures("processes")
def test_workers_end_with_a_parent_that_was_killed_alone(square: Any, marks: Path, tmp_path: Path) -> None:
    """A parent that is killed tells its workers nothing: they would go on with what is queued, or wait forever."""
    script, folder = tmp_path / "script.py", tmp_path / "kept"
    script.write_text(INTERRUPTED.replace("0.25", "600"))
    command = [sys.executable, str(script), str(marks), str(folder)]
    parent = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def workers() -> list[int]:
        found = {int(path.name.split("-")[1]) for path in marks.iterdir()}
        return [each for each in found if Path(f"/proc/{each}").exists()]

    try:
        deadline = time.monotonic() + 60
        while len(workers()) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(workers()) == 2
        parent.kill()
        parent.wait(60)
        deadline = time.monotonic() + 20
        while workers() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not workers()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)


def test_threads_that_start_processes_leave_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """However they overlap: each sets variables for its processes for a while."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    begun = threading.Barrier(4)

    def submit() -> None:
        begun.wait()
        with pools._environment(pools.ONE_THREAD):
            time.sleep(0.01)
            assert os.environ["OMP_NUM_THREADS"] == "1"

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(submit) for _ in range(4)]:
            each.result()
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.usefixtures("processes")
def test_a_script_that_is_not_guarded_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "from neurofwp.runtime.parallel import parallel_map\n"
        "print(parallel_map(abs, {n: (n,) for n in range(3)}, workers=2))\n"
    )
    run = [sys.executable, str(script)]
    unguarded = subprocess.run(run, capture_output=True, text=True, timeout=100, check=False)
    assert unguarded.returncode == 1
    assert 'below `if __name__ == "__main__":`' in unguarded.stderr.splitlines()[-1]
    assert unguarded.stdout == ""
