"""Disks that are full or read-only, files that may not become so large, folders that go: one sentence, no half file.

For disks of any size it takes Linux, and a user who may mount.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

COMMANDS = {
    "identify": ("identify", "{given}/recording", "--units", "nS", "--no-references", "--rules", "delta", "hebbian",
                 "--out", "{disk}/out"),
    "rerun": ("rerun", "{given}/result", "--out", "{disk}/out"),
    "plot": ("plot", "{given}/result", "--out", "{disk}/out"),
    "calibrate circuit": ("calibrate", "circuit", "--out", "{disk}/circuit.toml"),
    "calibrate measurements": ("calibrate", "measurements", "--train", "sjostrom_2001_visual_cortex", "--bootstrap",
                               "0", "--out", "{disk}/out"),
    "protocol-template": ("protocol-template", "{disk}/measurements.csv"),
}  # fmt: skip


@contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """A file system of its own, in memory."""
    place = folder / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], check=True, capture_output=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True, capture_output=True)


def may_mount() -> bool:
    """Whether this user may mount a file system."""
    folder = Path("/tmp", f"neurofwp-mount-{os.getpid()}")
    folder.mkdir()
    try:
        with disk(folder, "size=64k"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)


mounts = pytest.mark.skipif("torture" not in " ".join(sys.argv) or not may_mount(), reason="it takes a mount")


def start(command: str, given: Path, place: Path, limit: str = "unlimited") -> subprocess.Popen[str]:
    words = [each.format(given=given, disk=place) for each in COMMANDS[command]]
    return subprocess.Popen(
        ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "bash", sys.executable, "-m", "neurofwp", *words],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def check(process: subprocess.Popen[str], place: Path) -> int:
    """One sentence or all well, and no half file."""
    said = process.communicate(timeout=300)[1]
    assert "Traceback" not in said
    assert process.returncode in (0, 1, 2), said
    if process.returncode == 2:
        assert said.splitlines()[-1].startswith("neurofwp: cannot write ") or "was removed" in said, said
    elif process.returncode == 1:  # figures alone failed
        assert "could not be drawn" in said
    deadline = time.monotonic() + 5
    while (left := list(place.rglob(".*"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    return process.returncode


@pytest.mark.torture
@mounts
@pytest.mark.parametrize("size", [4, 20, 60, 200])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_full_disk(command: str, size: int, given: Path, tmp_path: Path) -> None:
    with disk(tmp_path, f"size={size}k") as place:
        failed = check(start(command, given, place), place)
        if failed:
            subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
            assert check(start(command, given, place), place) == 0, "with room, the same command ends well"


@pytest.mark.torture
@mounts
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_read_only_disk(command: str, given: Path, tmp_path: Path) -> None:
    with disk(tmp_path, "size=1m,ro") as place:
        assert check(start(command, given, place), place) == 2


@pytest.mark.torture
@pytest.mark.parametrize("limit", ["1", "16"])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_files_that_may_not_become_so_large(command: str, limit: str, given: Path, tmp_path: Path) -> None:
    if check(start(command, given, tmp_path, limit), tmp_path):
        assert check(start(command, given, tmp_path), tmp_path) == 0


@pytest.mark.torture
@pytest.mark.parametrize("after", [2.0, 5.0, 8.0])
@pytest.mark.parametrize("command", ["identify", "rerun", "calibrate measurements"])
def test_a_folder_that_is_removed_meanwhile(command: str, after: float, given: Path, tmp_path: Path) -> None:
    process = start(command, given, tmp_path)
    time.sleep(after)
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    if check(process, tmp_path):
        assert check(start(command, given, tmp_path), tmp_path) == 0
