"""What is computed in a checkout: cases by area, each a function of no arguments whose result is dumped."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from importlib import import_module
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.same_science.arrays import Dump, Entry, flat, matches

# in the order in which they begin: the longest first, so that no process is left with one at the end
AREAS = ("experiments", "fits", "training", "synapses", "rules", "closed-forms")

Cases = Mapping[str, Callable[[], Any]]
Outcome = tuple[dict[str, Entry], str, float]


def of_area(area: str) -> Cases:
    """The cases of an area in this checkout, by name."""
    found: Cases = import_module(f"benchmarks.same_science.areas.{area.replace('-', '_')}").cases()
    return found


def dump(areas: Iterable[str], *, matching: str = "*", processes: int = 2) -> Dump:
    """All cases of some areas whose names match, side by side; a case that fails stops no other."""
    chosen = [(area, name) for area in AREAS if area in areas for name in of_area(area) if matches(name, matching)]
    made = Dump(made_with=provenance())
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=_begin) as pool:
        futures = {pool.submit(_outcome, area, name): f"{area}/{name}" for area, name in chosen}
        for number, future in enumerate(as_completed(futures), start=1):
            case = futures[future]
            entries, error, seconds = _result(future)
            made.arrays |= entries
            made.seconds[case] = seconds
            if error:
                made.failed[case] = error.strip().splitlines()[-1]
            print(
                f"[{number}/{len(futures)}] {case}: {seconds:.1f} s", error, sep="\n" if error else "", file=sys.stderr
            )
    return made


def provenance() -> dict[str, str]:
    """What a dump depends on beside the checkout."""
    code = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "areas").glob("*.py")):
        code.update(path.read_bytes())
    try:
        processor = {line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")}
    except OSError:
        processor = {platform.processor()}
    versions = {name: version(name) for name in ("numpy", "scipy", "torch", "brian2", "xarray")}
    return {"dumping code": code.hexdigest()[:12], "processor": "; ".join(sorted(processor)), **versions}


def _begin() -> None:
    """Set a process up: one thread, and nothing on the terminal, where experiments show their progress."""
    import torch

    torch.set_num_threads(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def _outcome(area: str, name: str) -> Outcome:
    """What a case comes to, in a process of the pool."""
    import torch

    before = _processor_time()
    torch.manual_seed(0)
    try:
        entries = dict(flat(f"{area}/{name}", of_area(area)[name]()))
        return entries, "", _processor_time() - before
    except Exception:
        return {}, traceback.format_exc(), _processor_time() - before


def _processor_time() -> float:
    """Seconds that this process and those that it waited for have computed: others that run slow no case down."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _result(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except Exception as error:  # the process was lost
        return {}, f"{type(error).__name__}: {error}", 0.0


def check_areas(areas: Sequence[str]) -> list[str]:
    """The areas asked for, or all.

    Raises
    ------
    ValueError
        for one that there is not.
    """
    if unknown := set(areas) - set(AREAS):
        raise ValueError(f"there is no area {', '.join(sorted(unknown))}; there are {', '.join(AREAS)}")
    return list(areas or AREAS)
