"""Compiled networks, kept in the user's cache folder: compiling takes a thousand times longer than starting.

A network is compiled for its shape: equations, sizes, steps and recordings. All numbers (parameters, tables, initial
values, the seed) are given to the compiled program when it starts, the first time too, so that a network found in the
cache does exactly what a newly compiled one does. Each lies in a folder named after a hash of everything that shapes
its code, of the versions, compiler and processor too: what another machine compiled is not found, and not run.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from platformdirs import user_cache_path

from neurofwp.runtime import provenance

FOLDER = "NEUROFWP_CACHE"  # the environment variable that names another cache folder
SEED = "NEUROFWP_SEED"  # the one through which a compiled network is given its seed
GIVEN_SEED = f'std::strtoul(std::getenv("{SEED}"), nullptr, 10)'  # how its code reads it
LIMIT = 2_000_000_000  # bytes
SAFE = 3600  # seconds since its last use after which a build may be removed: nobody is starting it
MANIFEST = "manifest.json"

log = logging.getLogger("neurofwp")

Inputs = Mapping[str, np.ndarray | float]
Recorded = dict[str, np.ndarray]


@dataclass(frozen=True)
class Build:
    """A compiled network: its folder, and which numbers it takes and leaves."""

    folder: Path
    inputs: dict[str, str]  # dtype of every variable that can be set, by "group.variable"
    needed: tuple[str, ...]  # those without which it means nothing
    outputs: dict[str, dict[str, Any]]  # file, dtype and columns of what every monitor records, by "monitor.variable"

    def run(self, inputs: Inputs, seed: int, *, progress: bool = False) -> Recorded:
        """Run it once, in a process of its own.

        Parameters
        ----------
        inputs : numbers in SI units; those of variables that this network does not have are left out.
        progress : report the share that is done on standard error.

        Returns
        -------
        What monitors recorded, by "monitor.variable": (time,), or (index, time) of a StateMonitor. The seconds that it
        took, as "seconds.network", and, where it counts them, of every part of the code.

        Raises
        ------
        RuntimeError
            if it fails or complains, with what it said.
        """
        with tempfile.TemporaryDirectory(prefix="neurofwp-") as own:
            done = subprocess.run(
                self.command(inputs, Path(own)),
                cwd=self.folder,
                check=False,
                env=os.environ | {SEED: str(seed)},
                stderr=subprocess.PIPE,
                text=True,
                stdout=sys.__stderr__ if progress else subprocess.DEVNULL,
            )
            if progress:
                print("\r  simulating 100 %", file=sys.stderr, flush=True)
            # Brian2's programs complain of an array of the wrong size, and go on
            if done.returncode or done.stderr:
                raise RuntimeError(f"the compiled network stopped with code {done.returncode}: {done.stderr.strip()}")
            recorded = {name: _output(Path(own), **each) for name, each in self.outputs.items()}
            _check_lengths(recorded)
            return recorded | _run_times(Path(own))

    def command(self, inputs: Inputs, folder: Path) -> list[str]:
        """The command that runs it from its own folder, and leaves its results in another, where its inputs lie too."""
        if missing := [name for name in self.needed if name not in inputs]:
            raise RuntimeError(f"nothing was given for {', '.join(missing)}")
        given = [
            f"{name}={_argument(inputs[name], dtype, folder / f'{number}.in')}"
            for number, (name, dtype) in enumerate(self.inputs.items())
            if name in inputs
        ]
        return [str(self.folder / "main"), "--results_dir", f"{folder}/", *given]


def _argument(value: np.ndarray | float, dtype: str, path: Path) -> str:
    """How a number, or the file of an array, is written on the command line."""
    if np.ndim(value) == 0:
        return repr(float(value)).replace("inf", "1e999")  # what begins with a letter is a file
    np.ascontiguousarray(value, dtype=dtype).tofile(path)
    return str(path)


def _output(folder: Path, file: str, dtype: str, columns: int) -> np.ndarray:
    values = np.fromfile(folder / file, dtype=dtype)
    return values.reshape(-1, columns).T if columns else values


def _check_lengths(recorded: Recorded) -> None:
    """Brian2's programs end well when what they write at the end does not fit on the disk."""
    for name, values in recorded.items():
        times = recorded.get(f"{name.split('.')[0]}.t")
        if times is not None and values.shape[-1] != len(times):
            raise RuntimeError(
                f"the compiled network left {values.shape[-1]} of {len(times)} values of {name}: is the disk full?"
            )


def _run_times(folder: Path) -> Recorded:
    """Seconds, from the files in which Brian2's programs leave them."""
    lines = []
    for name in ("last_run_info.txt", "profiling_info.txt"):
        lines += (folder / name).read_text().splitlines() if (folder / name).is_file() else []
    spent = [line.split() for line in lines]
    return {
        f"seconds.{'network' if index == 0 else words[0]}": np.array(float(words[0] if index == 0 else words[1]))
        for index, words in enumerate(spent)
    }


def find_or_compile(shape: Any, compile: Callable[[Path], dict[str, Any]], *, folder: Path | None = None) -> Build:
    """The compiled network of this shape: from the cache, or else compiled, and kept there.

    Parameters
    ----------
    shape : all that shapes the code, as JSON.
    compile : makes `main` and what it reads in a folder, and returns the other fields of `Build`.
    folder : of the cache; by default the user's.
    """
    folder = folder or cache_folder()
    entry = folder / key(shape)
    with FileLock(folder / f"{entry.name}.lock"):  # others who want the same network wait for it
        if (found := _read_build(entry)) is not None:
            os.utime(entry)
            return found
        log.info("compiling a network of a new shape (kept for the next time: neurofwp cache)")
        with _replace_folder(entry) as temporary:
            fields = compile(temporary)
            (temporary / MANIFEST).write_text(json.dumps(fields))
    make_room(folder)
    return Build(entry, **fields)


@contextmanager
def _replace_folder(entry: Path) -> Iterator[Path]:
    """A temporary folder that becomes `entry` on success, and goes on failure."""
    temporary = Path(tempfile.mkdtemp(prefix=".building-", dir=entry.parent))
    try:
        yield temporary
        shutil.rmtree(entry, ignore_errors=True)
        temporary.rename(entry)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _read_build(entry: Path) -> Build | None:
    """A build that lies there, if it is whole."""
    try:
        fields = json.loads((entry / MANIFEST).read_text())
        return Build(entry, **fields) if os.access(entry / "main", os.X_OK) else None
    except (OSError, ValueError, TypeError):
        return None


def key(shape: Any) -> str:
    """The name of a build."""
    content = json.dumps([shape, provenance.versions(), _machine()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:24]


@cache
def _machine() -> list[str]:
    """Processor and compiler, by all that a compiled program depends on."""
    from neurofwp.brian import backends  # brings Brian2, which looking at the cache does not need

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = [line for line in dict.fromkeys(lines) if line.startswith(("model name", "flags", "Features"))]
    except OSError:
        processor = [platform.processor()]
    return [platform.platform(), *processor, *backends.compiler()]


@cache
def cache_folder() -> Path:
    """Where compiled networks are kept: with this process alone where it cannot be written, which is said once."""
    folder = user_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
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
    return Path(own).expanduser() if own else user_cache_path("neurofwp", appauthor=False)


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
