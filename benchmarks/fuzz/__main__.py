"""Fuzz one reader, or all of them one after the other."""

from __future__ import annotations

import faulthandler
import logging
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Annotated

import tyro

from benchmarks.fuzz import command_lines
from benchmarks.fuzz.readers import BY_SUFFIX, READERS
from neurofwp.errors import InputError

PATIENCE = 10  # seconds of computing
ABSURD = 120  # seconds of waiting
SETS = 3
COMMAND_LINE = "command-line"


@dataclass(frozen=True)
class Settings:
    """What to fuzz, and for how long."""

    reader: tyro.conf.Positional[str] = "all"
    """A reader; "all" for one after the other."""
    seconds: float = 600.0
    """For each reader."""
    seed: int = 0
    """The first; every change has its own."""
    keep: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("results/fuzz")
    """Where files stay that raised something else than an InputError."""


class Waited(Exception):
    """A reader computed for longer than `PATIENCE`."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise Waited


@cache
def valid_files(name: str) -> list[dict[str, bytes]]:
    """Some sets of files that a reader takes."""
    every = []
    for _ in range(SETS):
        with tempfile.TemporaryDirectory() as folder:
            READERS[name].write(Path(folder))
            READERS[name].read(Path(folder))
            every.append({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})
    return every


def change_and_read(name: str, seed: int, folder: Path) -> str:
    """Change one of the files that a reader is given, or two, and read them: "taken" or "refused"."""
    rng = random.Random(seed)
    content = dict(rng.choice(valid_files(name)))
    for file in rng.sample(list(content), min(len(content), rng.choice((1, 1, 2)))):
        content[file] = BY_SUFFIX[Path(file).suffix](rng, content[file])
    for file, each in content.items():
        (folder / file).write_bytes(each)
    try:
        READERS[name].read(folder)
    except InputError as error:
        if not str(error).strip():
            raise AssertionError("an InputError without a sentence") from error
        return "refused"
    return "taken"


def _once(name: str, seed: int, folder: Path) -> str:
    if name == COMMAND_LINE:
        command_lines.read(command_lines.words(random.Random(seed)))
        return "read"
    return change_and_read(name, seed, folder)


def fuzz(name: str, seconds: float, seed: int, keep: Path) -> Counter[str]:
    """How many changes were taken, refused and, by what was raised where, neither."""
    outcomes: Counter[str] = Counter()
    if name != COMMAND_LINE:
        valid_files(name)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
        faulthandler.dump_traceback_later(ABSURD, exit=True)  # where no signal is heard
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)  # other work of the machine does not count
        try:
            outcome = _once(name, seed, folder)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)
            own = next((each for each in reversed(last) if "neurofwp" in each.filename), last[-1])
            outcome = f"{type(error).__name__} at {Path(own.filename).name}:{own.lineno}"
            if outcome not in outcomes:
                print(f"{name}, seed {seed}: {outcome}", file=sys.stderr)
                traceback.print_exception(error)
                shutil.copytree(folder, keep / f"{name}-{seed}", dirs_exist_ok=True)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            shutil.rmtree(folder, ignore_errors=True)
        outcomes[outcome] += 1
        seed += 1
    faulthandler.cancel_dump_traceback_later()
    return outcomes


def main() -> int:
    chosen = tyro.cli(Settings)
    names = [*READERS, COMMAND_LINE] if chosen.reader == "all" else [chosen.reader]
    signal.signal(signal.SIGPROF, _stop)
    logging.getLogger("neurofwp").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    found = 0
    for name in names:
        outcomes = fuzz(name, chosen.seconds, chosen.seed, chosen.keep)
        print(f"{name}: {sum(outcomes.values())} tried; {dict(outcomes)}", flush=True)
        found += sum(count for outcome, count in outcomes.items() if outcome not in ("taken", "refused", "read"))
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
