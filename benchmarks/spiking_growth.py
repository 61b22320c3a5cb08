"""How the cost of our spiking network grows: with neurons, synapses, replicas and duration, in time and in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls
from tqdm import tqdm

from benchmarks.spiking_contenders import Contest, Size, contest
from neurofwp.brian import builds

ROUNDS = 3
# What grows, and for each step its number, the network and how much longer than usual it runs
GROWING = {
    "neurons": [(cells, Size(1, cells, 8), 1) for cells in (1000, 16000)],
    "synapses": [(size.synapses, size, 1) for size in (Size(1, 200, 64), Size(1, 1000, 256), Size(1, 4000, 512))],
    "replicas": [(replicas, Size(replicas, 64, 32), 1) for replicas in (4, 64)],
    "duration": [(times, Size(1, 200, 64), times) for times in (1, 16)],
}


def exponents(sizes: Mapping[str, Size], found: Mapping[str, Any], seed: int) -> dict[str, float]:
    """Exponents of the processor time of a run, from medians; that in neurons is of key cells with few synapses.

    What has been `found` of networks of usual duration is not measured again.
    """
    known = {size: found[f"seconds.ours.{name}"] for name, size in sizes.items()}
    made = {}
    for what, steps in tqdm(GROWING.items(), desc="growth"):
        seconds = []
        for _, size, times in steps:
            own = contest(size, seed=seed, stretched=times)
            if times == 1 and size in known:
                seconds.append(known[size] * own.seconds)
            else:
                runs = [float(own.brian(own.simulation)["seconds.network"]) for _ in range(ROUNDS)]
                seconds.append(float(np.median(runs)))
        made[f"exponent.{what}"] = float(np.polyfit(np.log([step[0] for step in steps]), np.log(seconds), 1)[0])
    return made


def memory(sizes: Mapping[str, Size], seed: int) -> dict[str, float]:
    """Peak bytes per synapse of the compiled network with most of them, beyond those of the one with fewest."""
    few, most = (pick(sizes, key=lambda name: sizes[name].synapses) for pick in (min, max))
    peaks = {name: _peak(contest(sizes[name], seed=seed)) for name in (few, most)}
    return {f"bytes.{most}": (peaks[most] - peaks[few]) / (sizes[most].synapses - sizes[few].synapses)}


# Started from a small process: what a child shares with its parent before it begins counts as its own.
LAUNCHER = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def _peak(own: Contest) -> int:
    """Bytes that the compiled network holds at most."""
    build = own.simulation.build()
    with tempfile.TemporaryDirectory(prefix="neurofwp-") as folder:
        command = build.command(own.numbers(0), Path(folder))
        told = subprocess.run(
            [sys.executable, "-c", LAUNCHER, *command], cwd=build.folder, check=True, capture_output=True, text=True,
            env=os.environ | {builds.SEED: "0"},
        )  # fmt: skip
    return int(told.stdout) * 1024


def model(sizes: Mapping[str, Size], found: Mapping[str, Any]) -> dict[str, Any]:
    """Cost of ours as a sum over synapses, cells and steps, and what it says of 10^9 synapses.

    Fitted to the relative errors of the sizes, with no negative cost (Lawson & Hanson 1974).
    """
    seconds = np.array([found[f"seconds.ours.{name}"] for name in sizes])
    counts = np.array([_counts(size) for size in sizes.values()])
    costs, _ = nnls(counts / seconds[:, np.newaxis], np.ones(len(seconds)))
    large = Size(1, 100_000, 10_000)
    return {
        "model.nanoseconds_per_synapse_update": 1e9 * costs[0],
        "model.nanoseconds_per_cell_step": 1e9 * costs[1],
        "model.nanoseconds_per_step": 1e9 * costs[2],
        "model.largest_relative_error": float(abs(counts @ costs / seconds - 1).max()),
        "model.seconds_at_1e9_synapses": float(np.dot(_counts(large), costs)),
    }


def _counts(size: Size) -> tuple[int, int, int]:
    """Updates of synapses, steps of cells (key cells, value cells and as many interneurons) and steps, per second."""
    cells = size.episodes * (size.pre + 2 * size.cells)
    return size.synapses * 1000, cells * 10_000, 10_000
