"""One process at a time at work in a folder: whoever comes second is told who is there.

The lock is the kernel's, on a file in the folder that is held open (`flock`): it ends with the process that holds it,
however that ends, and is never stale. What stands in the file, process id, machine and time, is for people alone. The
file goes with the lock.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from neurofwp.errors import InputError
from neurofwp.runtime import children, files

LOCK = ".lock"  # in the folder
AT_ONCE = 0.2  # seconds: another process may be removing a lock file that nobody holds

log = logging.getLogger("neurofwp")

_held: dict[str, _Held] = {}


@contextmanager
def hold(what: Path, file: Path | None = None) -> Iterator[None]:
    """Let no other process work in a folder that is there, or at one file, while this lasts.

    Where the file system has no locks, nothing is locked, which is said in the log.

    Parameters
    ----------
    what : the folder or file. file : of the lock, by default `LOCK` in the folder.

    Raises
    ------
    InputError
        at once, if another process does: which one, and since when.
    """
    place = os.path.abspath(file or what / LOCK)
    with children.temporary_lock(Path(place)):
        held = _held[place] = _Held(place, str(what))
        try:
            yield
        finally:
            _held.pop(place, None)
            held.release()


def confirm(folder: Path) -> None:
    """Make sure that a folder is still this process's: one that was removed, and made anew, is locked again.

    Raises
    ------
    InputError
        if another process works there meanwhile.
    """
    if (held := _held.get(os.path.abspath(folder / LOCK))) is not None:
        held.confirm()


class _Held:
    """A lock file of this process."""

    def __init__(self, path: str, folder: str) -> None:
        self._path, self._folder, self._owner = path, folder, os.getpid()
        self._lock: FileLock | None = None
        self._take()

    def confirm(self) -> None:
        if self._lock is not None and os.getpid() == self._owner and not self._is_there():
            self._lock.release()
            self._lock = None
            files.output_folder(os.path.dirname(self._path))
            self._take()

    def release(self) -> None:
        """Remove the file, then let go: whoever opened it meanwhile finds that it has no name any more."""
        if self._lock is not None and os.getpid() == self._owner:  # a fork would let go for its parent
            with contextlib.suppress(OSError):
                if self._is_there():
                    os.unlink(self._path)
            self._lock.release()

    def _take(self) -> None:
        lock = FileLock(self._path, timeout=AT_ONCE, fallback_to_soft=False)
        try:
            lock.acquire()
        except Timeout:
            raise InputError(
                f"{self._folder!r} is in use by another neurofwp{_describe(self._path)}: wait for its end, or choose "
                "another with --out"
            ) from None
        except OSError as error:
            log.warning("%s cannot be locked (%s): see that no other neurofwp works there", self._folder, error)
            return
        self._lock = lock
        said = {"process": os.getpid(), "machine": socket.gethostname(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
        with contextlib.suppress(OSError):  # the disk may be full
            Path(self._path).write_text(json.dumps(said), encoding="utf-8")
        self._found = os.stat(self._path)

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(self._found, os.stat(self._path))
        except OSError:
            return False


def _describe(path: str) -> str:
    """Who holds a lock, from its file; nothing where that says nothing."""
    try:
        said = json.loads(Path(path).read_text(encoding="utf-8"))
        where = "" if said["machine"] == socket.gethostname() else f" on {said['machine']}"
        return f", process {said['process']}{where}, since {said['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
