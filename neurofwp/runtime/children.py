"""Programs and temporary paths that are gone when this process is, however it ends: by its end, a signal, or a crash.

A process that was killed cleans up nothing itself. The first time that there is something to clean up, a second, small
process is started that waits for the end of this one (`caretaker`), ends the programs that were still at work, with all
that they started, and removes what was temporary. It also finishes what an interrupt left half removed.

A fork of this process, as user code may make one, ends and removes nothing of its parent's.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from neurofwp.runtime import caretaker

_lock = threading.RLock()
_lasting: list[tuple[int, str]] = []  # processes, and folders that go with them
LONGEST = 1.0  # seconds that this process waits at its end until all is removed
GROUPS = hasattr(os, "killpg")  # Windows has no process groups: there a program may outlive a process that was killed


def run(words: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
    """`subprocess.run`, of a program that has a process group of its own and ends with this process.

    Signals of the terminal do not reach it: this process decides what becomes of it. What it started and left behind is
    ended with it where it fails, or is interrupted.
    """
    owner = os.getpid()
    program = subprocess.Popen(words, start_new_session=GROUPS, **options)
    try:
        with _kept("group", program.pid):
            said, complained = program.communicate()
            if program.returncode:
                _end(program)
    except BaseException:
        if os.getpid() == owner:
            _end(program)
            program.wait()
        raise
    return subprocess.CompletedProcess(list(words), program.returncode, said, complained)


@contextmanager
def temporary_folder(prefix: str = "neurofwp-", parent: Path | None = None) -> Iterator[Path]:
    """A folder that nobody else can read, and that goes with what is in it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    with temporary_path(folder):
        yield folder


@contextmanager
def temporary_path(path: Path) -> Iterator[Path]:
    """A file or folder that is removed at the end, if it is still there."""
    owner, name = os.getpid(), os.path.abspath(path)
    _tell("add", "path", name)
    try:
        yield path
    finally:
        if os.getpid() == owner:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):  # as in a folder that is gone
                    path.unlink(missing_ok=True)
            # what is left, as by an interrupt meanwhile, is left to the caretaker
            if not os.path.lexists(name):
                _tell("remove", "path", name)


@contextmanager
def temporary_lock(path: Path) -> Iterator[None]:
    """A lock file that this process holds, and removes itself: if it is killed, it is removed unless another has it."""
    with _kept("lock", os.path.abspath(path)):
        yield


def lasting_folder(prefix: str = "neurofwp-") -> Path:
    """A temporary folder that goes with this process."""
    folder = tempfile.mkdtemp(prefix=prefix)
    _tell("add", "path", folder)
    _lasting.append((os.getpid(), folder))
    return Path(folder)


def own_temporary_files() -> None:
    """Let all temporary files of this process, those of libraries too, lie in one folder that goes with it.

    To be called before the libraries are imported: what they remove at the end goes before the folder.
    """
    os.environ["TMPDIR"] = tempfile.tempdir = str(lasting_folder())


def _end(program: subprocess.Popen[Any]) -> None:
    """End what is left of a program, and all that it started."""
    with contextlib.suppress(OSError):
        os.killpg(program.pid, signal.SIGKILL) if GROUPS else program.kill()


@contextmanager
def _kept(kind: str, what: int | str) -> Iterator[None]:
    """Let the caretaker know of something for a while."""
    owner = os.getpid()
    _tell("add", kind, what)
    try:
        yield
    finally:
        if os.getpid() == owner:
            _tell("remove", kind, what)


def _tell(*words: object) -> None:
    with _lock:
        _write(_caretaker(os.getpid()), *words)


def _write(started: subprocess.Popen[bytes], *words: object) -> None:
    assert started.stdin is not None
    with contextlib.suppress(OSError, ValueError):  # somebody killed it: then this process cleans up alone
        started.stdin.write(json.dumps(words).encode() + b"\n")
        started.stdin.flush()


@cache
def _caretaker(process: int) -> subprocess.Popen[bytes]:
    """That of this process: a fork has one of its own."""
    started = subprocess.Popen(
        [sys.executable, "-I", "-S", caretaker.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=GROUPS,
    )
    atexit.register(_dismiss, started, process)
    if hasattr(os, "register_at_fork") and started.stdin is not None:  # a fork would keep it waiting
        os.register_at_fork(after_in_child=started.stdin.close)
    return started


def _dismiss(started: subprocess.Popen[bytes], process: int) -> None:
    """Let it remove what is left. Where that takes long, as of many files, it goes on alone."""
    if os.getpid() == process and started.stdin is not None:
        with contextlib.suppress(OSError):
            started.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            started.wait(LONGEST)
        if started.returncode:  # somebody killed it
            for _, folder in (each for each in _lasting if each[0] == process):
                shutil.rmtree(folder, ignore_errors=True)


if hasattr(os, "register_at_fork"):  # another thread may be telling something while this one forks
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
