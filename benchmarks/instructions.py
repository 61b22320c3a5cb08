"""Instructions that the spiking network executes, by callgrind: what it costs, without the noise of a clock.

Ours and the loop by hand (see `benchmarks.spiking`) at 200 x 64, compiled for processors that valgrind knows (AVX2).
In the JSON file: `instructions.ours_synapses`, `instructions.kernel` per synapse and update, `instructions.ours`,
`instructions.fused` per simulated second, and the ratios `ratio.kernel` and `ratio.fused`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from unittest.mock import patch

import tyro

from benchmarks.spiking_contenders import Fused, Size, contest
from neurofwp.brian import backends, builds
from neurofwp.errors import InputError

SIZE = Size(1, 200, 64)


@dataclass(frozen=True)
class Settings:
    """Where to write."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-instructions.json")
    """Where the numbers go."""
    seed: int = 0
    """Of keys, values and noise."""


def main(words: list[str] | None = None) -> int:
    """Count, write the numbers, print them."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.instructions", description=__doc__, args=words)
    found = count(settings.seed)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    settings.json.write_text(json.dumps(found, indent=2) + "\n")
    for name, value in found.items():
        print(f"{name}: {value:.4g}")
    print(settings.json)
    return 0


def count(seed: int) -> dict[str, float]:
    """Instructions of both, and their ratios.

    Raises
    ------
    InputError
        without valgrind.
    """
    if not shutil.which("valgrind"):
        raise InputError("instructions are counted by valgrind, which is not installed")
    flags = tuple("-march=x86-64-v3" if flag == "-march=native" else flag for flag in backends.flags())
    own = contest(SIZE, seed=seed, short=True)
    with (
        tempfile.TemporaryDirectory(prefix="neurofwp-") as name,
        patch.object(backends, "flags", lambda: tuple(flag for flag in flags if "512" not in flag)),
    ):
        place = Path(name)
        for each in ("build", "results"):
            (place / each).mkdir()
        build = builds.Build(place / "build", **own.simulation._compile(place / "build"))
        fused = Fused(own, place / "fused")
        command = build.command(own.numbers(seed), place / "results")
        ours = _callgrind(command, build.folder, place / "ours.out", seed)
        by_hand = _callgrind(fused.command(seed), fused.folder, place / "fused.out", seed)
    updates = SIZE.synapses * own.seconds * 1000
    made: dict[str, float] = {
        "instructions.ours_synapses": _of("_run_plastic_update_codeobject", ours) / updates,
        "instructions.kernel": _of("synapses", by_hand) / updates,
        "instructions.ours": _of("Network::run", ours) / own.seconds,
        "instructions.fused": _of("main", by_hand) / own.seconds,
    }
    made["ratio.kernel"] = made["instructions.ours_synapses"] / made["instructions.kernel"]
    made["ratio.fused"] = made["instructions.ours"] / made["instructions.fused"]
    return made


def _callgrind(command: list[str], folder: Path, out: Path, seed: int) -> str:
    """Instructions of every function and of what it calls, as callgrind_annotate prints them."""
    watched = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command]
    subprocess.run(watched, cwd=folder, check=True, capture_output=True, env=os.environ | {builds.SEED: str(seed)})
    told = subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(out)],
        check=True,
        capture_output=True,
        text=True,
    )
    return told.stdout


def _of(function: str, told: str) -> float:
    # Brian2 numbers the code of a network whose like is still in memory
    found = re.search(rf"^\s*([\d,]+)\s.*[:\s]{re.escape(function)}(?:_\d+)?(?:\(| )", told, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"callgrind does not tell of {function}")
    return float(found[1].replace(",", ""))


if __name__ == "__main__":
    raise SystemExit(main())
