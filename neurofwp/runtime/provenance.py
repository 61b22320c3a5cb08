"""Everything that is needed to make a result again: config, seed, versions, commit."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

PACKAGES = ("neurofwp", "brian2", "torch", "numpy", "scipy", "scikit-learn", "xarray", "cython", "cma")


@cache
def versions() -> dict[str, str]:
    """The installed version of each package that can change a number."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@cache
def commit() -> str:
    """The git commit of the source tree, with '+' where it had changes; 'unknown' outside a checkout."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(("git", *words), cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != here.parents[1].resolve():
            return "unknown"  # installed inside somebody else's repository
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def stamp(data: xr.Dataset, *, config: dict[str, Any], seed: int | None) -> xr.Dataset:
    """Write provenance into `data.attrs` (JSON, since NetCDF attributes hold no None) and return it.

    Leaves the time out: two runs with the same seed are identical, bit for bit.
    """
    data.attrs |= {
        "config": json.dumps(config, default=str, sort_keys=True),
        "seed": json.dumps(seed),
        "versions": json.dumps(versions(), sort_keys=True),
        "commit": commit(),
    }
    return data


def now() -> str:
    """UTC time as a sortable name."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
