"""Compiled networks, kept in the user's cache folder: compiling takes a thousand times longer than starting.

A network is compiled for its shape: equations, sizes, steps and recordings. All numbers (parameters, tables, initial
values, the seed) are given to the compiled program when it starts, the first time too, so that a network found in the
cache does exactly what a newly compiled one does. Each lies in a folder named after a hash of everything that shapes
its code, of the versions, compiler and processor too: what another machine compiled is not found, and not run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache as remember
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from neurofwp.brian import cache, not_finite
from neurofwp.brian.mapped import map_array
from neurofwp.runtime import children, provenance

SEED = "NEUROFWP_SEED"  # the one through which a compiled network is given its seed
GIVEN_SEED = f'std::strtoul(std::getenv("{SEED}"), nullptr, 10)'  # how its code reads it
MANIFEST = "manifest.json"
DIGEST = "sha256"  # in it

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
        What monitors recorded, by "monitor.variable": (time,), or (index, time) of a StateMonitor, on the disk where it
        is much. The seconds that it
        took, as "seconds.network", and, where it counts them, of every part of the code.

        Raises
        ------
        NotFinite
            if a number of its cells or synapses is no longer finite.
        RuntimeError
            if it fails or complains, with what it said.
        """
        with children.temporary_folder() as own:
            done = children.run(
                self.command(inputs, own),
                cwd=self.folder,
                env=os.environ | {SEED: str(seed)},
                stderr=subprocess.PIPE,
                text=True,
                stdout=sys.__stderr__ if progress else subprocess.DEVNULL,
            )
            if progress:
                print("\r  simulating 100 %", file=sys.stderr, flush=True)
            if (lost := not_finite.find(own)) is not None:
                raise lost
            # Brian2's programs complain of an array of the wrong size, and go on
            if done.returncode or done.stderr:
                raise RuntimeError(f"the compiled network stopped with code {done.returncode}: {done.stderr.strip()}")
            recorded = {
                name: map_array(own / each["file"], each["dtype"], each["columns"])
                for name, each in self.outputs.items()
            }
            _check_lengths(recorded)
            return recorded | _run_times(own)

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
        lines += (folder / name).read_text("utf-8").splitlines() if (folder / name).is_file() else []
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

    Raises
    ------
    InputError
        if somebody else could have put a program there.
    """
    folder = folder or cache.cache_folder()
    cache.check_way(folder)
    cache.check_private(folder)
    entry = folder / key(shape)
    with FileLock(folder / f"{entry.name}.lock"):  # others who want the same network wait for it
        if (found := _read_build(entry)) is not None:
            os.utime(entry)
            return found
        log.info("compiling a network of a new shape (kept for the next time: neurofwp cache)")
        with _replace_folder(entry) as temporary:
            fields = compile(temporary)
            (temporary / MANIFEST).write_text(json.dumps(fields | {DIGEST: _digest(temporary, fields)}), "utf-8")
    cache.make_room(folder)
    return Build(entry, **fields)


@contextmanager
def _replace_folder(entry: Path) -> Iterator[Path]:
    """A temporary folder that becomes `entry` on success, and goes on failure."""
    with children.temporary_folder(".building-", entry.parent) as temporary:
        yield temporary
        shutil.rmtree(entry, ignore_errors=True)
        temporary.rename(entry)


def _read_build(entry: Path) -> Build | None:
    """A build that lies there, if it is whole: what is damaged is compiled again.

    Raises
    ------
    InputError
        if somebody else could have put it there.
    """
    if not entry.is_dir():
        return None
    cache.check_private(entry)
    try:
        fields = json.loads((entry / MANIFEST).read_text("utf-8"))
        if fields.pop(DIGEST) == _digest(entry, fields) and os.access(entry / "main", os.X_OK):
            return Build(entry, **fields)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    log.warning("the compiled network in %s is damaged: it is compiled again", entry)
    return None


def _digest(entry: Path, fields: Mapping[str, Any]) -> str:
    """SHA-256 of a build: of its fields, the program, and what that reads."""
    sha = hashlib.sha256(json.dumps(fields, sort_keys=True).encode())
    for path in sorted(each for each in entry.rglob("*") if each.is_file() and each.name != MANIFEST):
        content = path.read_bytes()
        sha.update(f"{path.relative_to(entry)} {len(content)}\n".encode())
        sha.update(content)
    return sha.hexdigest()


def key(shape: Any) -> str:
    """The name of a build."""
    content = json.dumps([shape, provenance.versions(), _machine()], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:24]


@remember
def _machine() -> list[str]:
    """Processor and compiler, by all that a compiled program depends on."""
    from neurofwp.brian import backends  # brings Brian2, which looking at the cache does not need

    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        processor = [line for line in dict.fromkeys(lines) if line.startswith(("model name", "flags", "Features"))]
    except OSError:
        processor = [platform.processor()]
    return [platform.platform(), *processor, *backends.compiler()]
