"""The folder in which compiled networks are kept: where it is, whose it is, and how large it may become."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from neurofwp.errors import InputError

FOLDER = "NEUROFWP_CACHE"  # the environment variable that names another cache folder
LIMIT = 2_000_000_000  # bytes
SAFE = 3600  # seconds since its last use after which a build may be removed: nobody is starting it

log = logging.getLogger("neurofwp")


def check_private(path: Path) -> None:
    """Refuse a file or folder that somebody else owns or may write: a program from there would be run as this user's.

    Raises
    ------
    InputError
        with the command that mends it.
    """
    if not hasattr(os, "geteuid"):  # Windows says who may write in other ways
        return
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise InputError(
            f"{str(path)!r} belongs to another user, who could have programs run as yours: remove it, or set {FOLDER} "
            "to a folder of your own"
        )
    if found.st_mode & 0o022:
        raise InputError(
            f"others may write to {str(path)!r}, and so have programs run as yours: `chmod go-w {path}`, after a look "
            "at what is in it"
        )


@cache
def cache_folder() -> Path:
    """Where compiled networks are kept: with this process alone where it cannot be written, which is said once."""
    folder = user_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        log.warning(
            "compiled networks are not kept after this run: cannot write to %s (%s); set %s to a folder that can be "
            "written",
            folder,
            error.strerror or error,
            FOLDER,
        )
        temporary = tempfile.TemporaryDirectory(prefix="neurofwp-cache-")
        atexit.register(temporary.cleanup)
        return Path(temporary.name)


def user_folder() -> Path:
    """Where the user wants them."""
    own = os.environ.get(FOLDER)
    try:
        return (Path(own).expanduser() if own else user_cache_path("neurofwp", appauthor=False)).resolve()
    except RuntimeError as error:
        raise InputError(f"{FOLDER} is {own!r}, which names no folder: {error}") from error


@dataclass(frozen=True)
class Entry:
    """A build in the cache: bytes, and when it was last used (seconds since 1970)."""

    folder: Path
    size: int
    used: float


def entries(folder: Path) -> list[Entry]:
    """All builds in a cache folder, the last used first."""
    found = []
    for each in folder.iterdir() if folder.is_dir() else ():
        try:
            if each.is_dir():
                size = sum(file.stat().st_size for file in each.rglob("*") if file.is_file())
                found.append(Entry(each, size, each.stat().st_mtime))
        except OSError:
            continue  # another process removed it meanwhile
    return sorted(found, key=lambda entry: -entry.used)


def make_room(folder: Path, limit: int = LIMIT) -> list[Entry]:
    """Remove the builds that were not used for longest until all are below `limit` bytes, and return them."""
    total, gone = 0, []
    for entry in entries(folder):
        total += entry.size
        if total > limit and time.time() - entry.used > SAFE:
            remove(entry)
            gone.append(entry)
    return gone


def remove(entry: Entry) -> None:
    """Remove a build."""
    shutil.rmtree(entry.folder, ignore_errors=True)
    (entry.folder.parent / f"{entry.folder.name}.lock").unlink(missing_ok=True)
