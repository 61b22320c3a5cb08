"""The folder in which compiled networks are kept: where it is, whose it is, and how large it may become."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from neurofwp.errors import InputError
from neurofwp.runtime import children

FOLDER = "NEUROFWP_CACHE"  # the environment variable that names another cache folder
LIMIT = 2_000_000_000  # bytes
GUARDED = hasattr(os, "geteuid")  # Windows says who may write in other ways
SAFE = 3600  # seconds since its last use after which a build may be removed: nobody is starting it

log = logging.getLogger("neurofwp")


def check_private(path: Path) -> None:
    """Refuse a file or folder that somebody else owns or may write: a program from there would be run as this user's.

    Raises
    ------
    InputError
        with the command that mends it.
    """
    if not GUARDED:
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


def check_way(path: Path) -> None:
    """Refuse a folder in whose place another user could put one of their own: who may write where it lies could rename
    it. In a folder with the sticky bit, like /tmp, everybody can rename only what is theirs.

    What is not there yet passes.

    Raises
    ------
    InputError
        with the command that mends it.
    """
    if not GUARDED:
        return
    trusted = {0, os.geteuid(), os.stat("/").st_uid}  # whoever has / has all
    for step in _way(path):
        try:
            found = step.lstat()
        except FileNotFoundError:
            return
        elsewhere = f"set {FOLDER} to a folder that only you can replace"
        whose = f"{str(step)!r}, on the way to the compiled networks in {str(path)!r},"
        if found.st_uid not in trusted:
            raise InputError(f"{whose} belongs to another user, who could have programs run as yours: {elsewhere}")
        if stat.S_ISDIR(found.st_mode) and found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
            mend = f"`chmod go-w {shlex.quote(str(step))}`, or " if os.access(step, os.W_OK) else ""
            raise InputError(f"others may write to {whose} and so have programs run as yours: {mend}{elsewhere}")


def _way(path: Path) -> Iterator[Path]:
    """Every folder and symbolic link that the system goes through on its way to the parent of an absolute path."""
    at = Path(path.anchor)
    for part in path.parts[1:]:
        yield at
        if part == "..":
            at = at.parent
            continue
        at = at / part
        if at.is_symlink():
            yield at
            yield from _way(at.parent / os.readlink(at))
            at = at.resolve()


@cache
def cache_folder() -> Path:
    """Where compiled networks are kept: with this process alone where it cannot be written, which is said once.

    Raises
    ------
    InputError
        if somebody else could have put a program there.
    """
    wanted = _wanted_folder()
    folder = user_folder()
    check_way(wanted)
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
        return children.lasting_folder("neurofwp-cache-")


def user_folder() -> Path:
    """Where the user wants them, without symbolic links."""
    try:
        return _wanted_folder().resolve()
    except (RuntimeError, OSError) as error:
        raise InputError(f"{FOLDER} is {os.environ.get(FOLDER)!r}, which names no folder: {error}") from error


def _wanted_folder() -> Path:
    own = os.environ.get(FOLDER)
    return (Path(own).expanduser() if own else user_cache_path("neurofwp", appauthor=False)).absolute()


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
