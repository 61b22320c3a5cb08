"""Signals at any moment: nothing is left at work, nothing temporary stays, and the same command ends as if undisturbed.

A process, and all that it starts, is known by a variable in its environment.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

MARK = "NEUROFWP_TORTURE"
KINDS = (".csv", ".nc", ".safetensors", ".toml")  # of files with what was measured
GONE = 5.0  # seconds until no process is left
ORDERLY = 2.5  # seconds until the exit code of an interrupt, on a busy machine
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
RUN = ("run", "hetero-associative", "--pairs", "2", "--episodes", "2", "--no-fit")
COMMANDS = {
    "run": RUN,
    "sweep": ("sweep", "hetero-associative", "--over", "pairs=2,3", "--workers", "2", "--episodes", "2", "--no-fit"),
    "train": ("train", "digit-pairs", "--steps", "4000"),
    "train-short": ("train", "digit-pairs", "--steps", "400"),
    "protocols": ("run", "plasticity-protocols"),
    "phase-diagram": ("run", "phase-diagram"),
    "identify": ("identify", "recording", "--units", "nS", "--no-references"),
    "rerun": ("rerun", "result"),
    "calibrate-measurements": (
        "calibrate", "measurements", "--train", "paired_recordings", "--studies", "Markram", "--test",
        "sjostrom_2001_visual_cortex", "--bootstrap", "2", "--device", "cpu",
    ),
    "calibrate-circuit": ("calibrate", "circuit"),
}  # fmt: skip


MOMENTS = (
    "identify",
    "rerun",
    "calibrate-measurements",
    "calibrate-circuit",
    "train",
)  # at which signals come at random


@dataclass
class Place:
    """A folder for everything that one command leaves anywhere; and one with what commands read."""

    folder: Path
    mark: str
    given: Path

    def environment(self) -> dict[str, str]:
        own = {"TMPDIR": "tmp", "NEUROFWP_CACHE": "cache", "MPLCONFIGDIR": "matplotlib"}
        paths = {name: str(self.folder / each) for name, each in own.items()}
        for path in paths.values():
            Path(path).mkdir(parents=True, exist_ok=True)
        (self.folder / "cache").chmod(0o700)
        clean = {name: value for name, value in os.environ.items() if name != "NEUROFWP_PROCESSES"}
        return clean | paths | {MARK: self.mark}

    def start(self, words: Sequence[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "neurofwp", *words, "--out", str(self.out(words))],
            env=self.environment(), cwd=self.given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def out(self, words: Sequence[str]) -> Path:
        return self.folder / "out" / ("circuit.toml" if words == COMMANDS["calibrate-circuit"] else "")

    def at_work(self) -> list[str]:
        """Command lines of all processes that carry the mark."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"{MARK}={self.mark}".encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:80])
        return found

    def left_over(self) -> list[str]:
        """Temporary files, unfinished builds, half files."""
        found = [*(self.folder / "tmp").iterdir(), *(self.folder / "cache").glob(".building-*")]
        return [str(each) for each in (*found, *(self.folder / "out").rglob(".*"))]

    def finish(self, words: Sequence[str]) -> None:
        """Run a command to its end."""
        process = self.start(words)
        _, said = process.communicate(timeout=600)
        assert process.returncode == 0, said

    def results(self) -> dict[str, str]:
        """A hash of each file with what was measured."""
        files = [each for each in (self.folder / "out").rglob("*") if each.suffix in KINDS]
        return {
            str(each.relative_to(self.folder)): hashlib.sha256(each.read_bytes()).hexdigest()
            for each in files
            if "parts" not in each.parts and each.name != "sweep.nc"  # which tells how long points took
        }


@pytest.fixture
def place(tmp_path: Path, given: Path) -> Place:
    return Place(tmp_path, uuid.uuid4().hex, given)


@pytest.fixture(scope="session")
def undisturbed() -> dict[str, dict[str, str]]:
    """What commands leave that nobody interrupts, by command."""
    return {}


def interrupt(place: Place, words: Sequence[str], number: signal.Signals, after: float) -> tuple[int, float, str]:
    """Start a command and send it a signal; its exit code, the seconds until it ended, and what it said."""
    process = place.start(words)
    time.sleep(after)
    began = time.monotonic()
    process.send_signal(number)
    try:
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    return process.returncode, time.monotonic() - began, said


def check(place: Place, words: Sequence[str], number: signal.Signals, after: float) -> None:
    code, seconds, said = interrupt(place, words, number, after)
    if code == 0:
        return  # it had finished
    assert code == CODES[number], said
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert seconds < ORDERLY
        assert said.strip().splitlines()[-1].startswith("neurofwp: ")
    deadline = time.monotonic() + GONE
    while (place.at_work() or place.left_over()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert place.at_work() == []
    assert place.left_over() == []


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc")
@pytest.mark.parametrize(("number", "after"), [(signal.SIGTERM, 9.0), (signal.SIGKILL, 9.0)])
def test_a_run_that_compiles_leaves_nothing(place: Place, number: signal.Signals, after: float) -> None:
    check(place, RUN, number, after)


@pytest.mark.torture
@pytest.mark.parametrize("number", list(CODES))
@pytest.mark.parametrize("after", [1.0, 3.0, 6.0, 12.0, 20.0])
@pytest.mark.parametrize("command", [each for each in COMMANDS if each not in MOMENTS])
def test_any_command_at_any_moment(place: Place, command: str, after: float, number: signal.Signals) -> None:
    check(place, COMMANDS[command], number, after)


@pytest.mark.torture
@pytest.mark.parametrize("number", list(CODES))
@pytest.mark.parametrize("draw", [0, 1])
@pytest.mark.parametrize("command", MOMENTS)
def test_commands_at_random_moments_end_as_if_undisturbed(
    place: Place, undisturbed: dict[str, dict[str, str]], command: str, draw: int, number: signal.Signals
) -> None:
    words = COMMANDS[command]
    check(place, words, number, random.Random(f"{command} {number} {draw}").uniform(0.2, 12.0))
    if draw == 0:
        place.finish(words)
        if command not in undisturbed:
            other = Place(place.folder / "other", place.mark, place.given)
            other.finish(words)
            undisturbed[command] = other.results()
        assert undisturbed[command]
        assert place.results() == undisturbed[command]


@pytest.mark.torture
@pytest.mark.parametrize("command", ["run", "sweep"])
def test_what_was_interrupted_ends_as_if_it_had_not_been(place: Place, tmp_path: Path, command: str) -> None:
    undisturbed = Place(tmp_path / "other", place.mark, place.given)
    undisturbed.finish(COMMANDS[command])
    for number, after in ((signal.SIGKILL, 8.0), (signal.SIGTERM, 14.0), (signal.SIGINT, 20.0)):
        interrupt(place, COMMANDS[command], number, after)
    place.finish(COMMANDS[command])
    assert place.results() == undisturbed.results()
