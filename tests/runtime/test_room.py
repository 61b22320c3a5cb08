"""What does not fit is refused with its numbers before it begins; what fits is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofwp.errors import InputError
from neurofwp.runtime import room


def pretend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, available: int, swap: int = 0) -> None:
    """A machine that has so many KiB left, and no limits for groups of processes."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal: 99 kB\nMemAvailable: {available} kB\nSwapFree: {swap} kB\n")
    monkeypatch.setattr(room, "MEMINFO", meminfo)
    monkeypatch.setattr(room, "CGROUPS", ((tmp_path, "most", "now", "inactive_file"),))


def test_what_is_needed_what_is_free_and_what_to_reduce_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, tmp_path, 22 * 2**20)
    needs = {"Traces": 30.0 * room.GIB, "probes": 2.0**29, "nothing": 0.0}
    says = r"^this needs 30.5 GiB of memory \(30 GiB for Traces, 512 MiB for probes\), and 22 GiB are free: take less$"
    with pytest.raises(InputError, match=says):
        room.check("this needs", needs, {}, tmp_path, "less")
    room.check("this needs", {"Traces": 22.0 * room.GIB}, {}, tmp_path, "less")
    pretend(monkeypatch, tmp_path, 22 * 2**20, swap=9 * 2**20)
    room.check("this needs", needs, {}, tmp_path, "less")


def test_a_disk_that_is_too_small_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"this needs \d.* GiB of disk .*free in '{tmp_path}': take less"):
        room.check("this needs", {}, {"weights": 2.0**60}, tmp_path, "less")


def test_a_limit_for_a_group_of_processes_counts_but_for_what_can_be_given_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, tmp_path, 2**20)
    assert room.free_memory() == 2**30
    for name, number in (("most", str(2**28)), ("now", str(2**27)), ("memory.stat", f"inactive_file {2**26}\n")):
        (tmp_path / name).write_text(number)
    assert room.free_memory() == 2**28 - 2**27 + 2**26
    (tmp_path / "most").write_text("max")
    assert room.free_memory() == 2**30


def test_where_nothing_is_known_nothing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(room, "MEMINFO", tmp_path / "none")
    room.check("this needs", {"Traces": 2.0**60}, {"files": 2.0**60}, tmp_path / "none", "less")
