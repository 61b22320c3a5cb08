"""What `children` starts beside a process: it waits for the end of that process, however it comes, and cleans up.

A program of its own that imports nothing of neurofwp. Lines of standard input, in JSON, say what is to be cleaned up:
``["add", "group", 123]`` (a process group), ``["add", "path", "/tmp/neurofwp-x"]`` (a file or folder),
``["add", "lock", "/results/.lock"]`` (a lock file), and ``"remove"`` what was seen to meanwhile. Standard input ends
with the process.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time

PATIENCE = 2.0  # seconds in which programs that were killed may still write into folders that are removed


def main() -> None:
    """Wait, then end process groups and remove paths."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # of the process, not of its caretaker
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    left: dict[tuple[str, object], None] = {}
    for line in sys.stdin:
        verb, kind, what = json.loads(line)
        if verb == "add":
            left[kind, what] = None
        else:
            left.pop((kind, what), None)
    for kind, what in left:
        if kind == "group" and isinstance(what, int):
            with contextlib.suppress(OSError):
                os.killpg(what, signal.SIGKILL)
    for kind, what in left:
        if kind == "lock" and isinstance(what, str):
            with contextlib.suppress(OSError):
                remove_lock(what)
    for kind, what in left:
        if kind == "path" and isinstance(what, str):
            remove(what)


def remove(path: str) -> None:
    """A file or a folder, in which a program that is being killed may still write."""
    deadline = time.monotonic() + PATIENCE
    while os.path.lexists(path) and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            os.unlink(path) if not os.path.isdir(path) else shutil.rmtree(path, ignore_errors=True)
        if os.path.lexists(path):
            time.sleep(0.05)


def remove_lock(path: str) -> None:
    """A lock file, unless another process has taken it meanwhile."""
    import fcntl  # which Windows lacks

    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), os.stat(path)):
            os.unlink(path)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
