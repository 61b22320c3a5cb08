"""Disks that are full or read-only, files that may not become so large, folders that go: one sentence, no half file.

For disks of any size it takes Linux, and a user who may mount.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from neurofwp import cli

COMMANDS = {
    "identify": ("identify", "{given}/recording", "--units", "nS", "--no-references", "--rules", "delta", "hebbian",
                 "--out", "{disk}/out"),
    "rerun": ("rerun", "{given}/result", "--out", "{disk}/out"),
    "plot": ("plot", "{given}/result", "--out", "{disk}/out"),
    "calibrate circuit": ("calibrate", "circuit", "--out", "{disk}/circuit.toml"),
    "calibrate measurements": ("calibrate", "measurements", "--train", "paired_recordings", "--studies", "Markram",
                               "--test", "sjostrom_2001_visual_cortex", "--bootstrap", "2", "--out", "{disk}/out"),
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


def run(command: str, given: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """One sentence or all well, and no half file."""
    try:
        code = cli.main([each.format(given=given, disk=place) for each in COMMANDS[command]])
    finally:
        said = capsys.readouterr().err
    assert "Traceback" not in said
    assert code in (0, 1, 2), said
    if code == 2:
        assert said.splitlines()[-1].startswith("neurofwp: cannot write ") or "was removed" in said, said
    elif code == 1:  # figures alone failed
        assert "could not be drawn" in said
    assert list(place.rglob(".*")) == []
    return code


@pytest.mark.torture
@mounts
@pytest.mark.parametrize("size", [4, 20, 60, 200])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_full_disk(command: str, size: int, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with disk(tmp_path, f"size={size}k") as place:
        if run(command, given, place, capsys):
            subprocess.run(["mount", "-o", "remount,size=64m", str(place)], check=True)
            assert run(command, given, place, capsys) == 0, "with room, the same command ends well"


@pytest.mark.torture
@mounts
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_read_only_disk(command: str, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with disk(tmp_path, "size=1m,ro") as place:
        assert run(command, given, place, capsys) == 2


@pytest.mark.torture
@pytest.mark.parametrize("limit", [1, 16])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_files_that_may_not_become_so_large(
    command: str, limit: int, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit * 1024, before[1]))  # as `ulimit -f` does
    try:
        failed = run(command, given, tmp_path, capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    if failed:
        assert run(command, given, tmp_path, capsys) == 0


@pytest.mark.torture
@pytest.mark.parametrize("after", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("command", ["identify", "rerun", "calibrate measurements"])
def test_a_folder_that_is_removed_meanwhile(
    command: str, after: float, given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timer = threading.Timer(after, shutil.rmtree, (tmp_path / "out",), {"ignore_errors": True})
    timer.start()
    failed = run(command, given, tmp_path, capsys)
    timer.cancel()
    timer.join()
    if failed or not (tmp_path / "out").exists():
        assert run(command, given, tmp_path, capsys) == 0
