"""One process at a time in a folder: whoever comes second is told who is there, and nobody who is gone is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from neurofwp.errors import InputError
from neurofwp.runtime import locks

OWNER = """
import sys, time
from pathlib import Path
from neurofwp.runtime import locks
with locks.hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds a folder until its standard input ends."""
    words = [sys.executable, "-c", OWNER, str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_is_there_until_that_is_killed(tmp_path: Path) -> None:
    with owner(tmp_path) as process:
        expected = (
            rf"^{re.escape(repr(str(tmp_path)))} is in use by another neurofwp, process {process.pid}, since "
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: wait for its end, or choose another with --out$"
        )
        with pytest.raises(InputError, match=expected), locks.hold(tmp_path):
            pass
        process.kill()
        process.wait()
        with locks.hold(tmp_path):  # at once
            assert (tmp_path / locks.LOCK).exists()
            time.sleep(0.3)
            assert (tmp_path / locks.LOCK).exists(), "the caretaker of the killed one leaves the lock of its successor"
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_one_that_was_killed_goes(tmp_path: Path) -> None:
    with owner(tmp_path) as process:
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_removed_is_locked_again_or_found_to_be_anothers(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with locks.hold(folder):
        shutil.rmtree(folder)
        locks.confirm(folder)
        assert (folder / locks.LOCK).exists()
        shutil.rmtree(folder)
        folder.mkdir()
        with owner(folder), pytest.raises(InputError, match="is in use by another"):
            locks.confirm(folder)
    locks.confirm(folder)  # of which nothing is held


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.filterwarnings("ignore:.*use of fork")
def test_a_fork_neither_frees_nor_keeps_the_lock(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with locks.hold(tmp_path):
        if not (child := os.fork()):
            try:
                sys.exit()  # the way out goes through all that this process has open
            except SystemExit:
                locks._held[str(tmp_path / locks.LOCK)].release()
                os.write(writing, b"x")
                time.sleep(60)
            finally:
                os._exit(0)
        os.read(reading, 1)
        assert (tmp_path / locks.LOCK).exists()
        refused = subprocess.run([sys.executable, "-c", OWNER, str(tmp_path)], capture_output=True, text=True)
        assert f"process {os.getpid()}, since" in refused.stderr
    with owner(tmp_path):  # while the fork is still there
        pass
    os.kill(child, 9)
    os.waitpid(child, 0)


def test_where_there_are_no_locks_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def acquire(self: FileLock) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", acquire)
    with locks.hold(tmp_path):
        locks.confirm(tmp_path)
    assert "cannot be locked ([Errno 37] No locks available): see that no other" in caplog.text
