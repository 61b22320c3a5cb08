"""Whether memory and disk have room for what a run will hold: refused before it begins, with the numbers.

Needs are estimated from below, as the arrays that must be there at the same time, and what is free from above: a run
that would end is never refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from neurofwp.errors import InputError

GIB = 2**30
MEMINFO = Path("/proc/meminfo")
# limit, use, and statistics with what of the use could be given back, of the group of processes that this one is in
CGROUPS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def check(what: str, memory: Mapping[str, float], disk: Mapping[str, float], folder: Path, reduce: str) -> None:
    """Refuse what does not fit.

    Parameters
    ----------
    what : needs it, as "this run needs". memory, disk : bytes that are needed at the same time, by what they hold.
    folder : on the disk. reduce : what would need less, as "fewer episodes".

    Raises
    ------
    InputError
        with what is needed for what, what is free, and what to reduce.
    """
    _refuse(what, "memory", memory, free_memory(), "", reduce)
    _refuse(what, "disk", disk, free_disk(folder), f" in {str(folder)!r}", reduce)


def free_memory() -> int | None:
    """Bytes that processes could still get, swapping included; None where the system does not say."""
    try:
        lines = dict(line.split(":") for line in MEMINFO.read_text("utf-8").splitlines() if ":" in line)
        free = sum(int(lines[name].split()[0]) * 1024 for name in ("MemAvailable", "SwapFree"))
    except (OSError, ValueError, KeyError, IndexError):
        return None
    return min([free, *(left for each in CGROUPS if (left := _left_in_group(*each)) is not None)])


def free_disk(folder: Path) -> int | None:
    """Bytes that can be written there; None where that is not known."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _left_in_group(folder: Path, limit: str, used: str, reclaimable: str) -> int | None:
    try:
        most, now = (int((folder / name).read_text("utf-8")) for name in (limit, used))
        said = dict(line.split() for line in (folder / "memory.stat").read_text("utf-8").splitlines())
        return most - now + int(said.get(reclaimable, 0))
    except (OSError, ValueError):  # there is no such group, or no limit: "max"
        return None


def _refuse(what: str, kind: str, needs: Mapping[str, float], free: int | None, where: str, reduce: str) -> None:
    needed = sum(needs.values())
    if free is None or needed <= free:
        return
    parts = ", ".join(f"{_size(size)} for {name}" for name, size in needs.items() if size)
    raise InputError(
        f"{what} {_size(needed)} of {kind} ({parts}), and {_size(max(free, 0))} are free{where}: take {reduce}"
    )


def _size(size: float) -> str:
    return f"{size / GIB:.3g} GiB" if size >= GIB else f"{size / 2**20:.3g} MiB"
