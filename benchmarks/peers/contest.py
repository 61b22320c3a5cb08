"""One network in several simulators, in turns: processor seconds of each run, once their weights agree.

Each contender is a file of this folder and runs in a process of its own, on one core. What is counted is the processor
time of the network alone, of all threads and children; what a new shape costs before that, compilers included, and the
import of packages are told apart. A ratio is the time of a contender over that of neurofwp in the same round; it is the
median of the rounds, its spread the quartiles.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from brian2 import second
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.peers.cases import PLASTICITY_STEP, TRIPLET, Case
from benchmarks.simple_table import table
from neurofwp.synapses.model import load

INSTALL = {"brainpy_jax": "pip install neurofwp[peers]"}
# the first of each network is ours
CONTENDERS = {
    "calcium": ("ours", "brian2_skilful", "brainpy_jax"),
    "triplet": ("triplet_ours", "triplet_brian2"),
}
CASES = (
    Case("1000 x 256, dense", 1000, 256, 2.0, rate=10),
    Case("1000 x 256, sparse", 1000, 256, 2.0, rate=40, share=0.05, rest=1),
    Case("4000 x 512, dense", 4000, 512, 1.0, rate=10),
    Case("4000 x 512, sparse", 4000, 512, 1.0, rate=40, share=0.05, rest=1),
    Case("1000 x 256, triplets, 10 Hz", 1000, 256, 2.0, rate=10, network="triplet"),
    Case("1000 x 256, triplets, 40 Hz", 1000, 256, 2.0, rate=40, network="triplet"),
)
TOLERANCE = 1e-4  # of the largest weight: what thousands of updates in single precision may round
NAMES = ("tau_nmda", "alpha_nmda", "tau_ampa", "E_calcium", "g_calcium")


class Worker:
    """A contender that waits for its turn."""

    def __init__(self, module: str, case: Case, place: Path) -> None:
        self.place = place / f"{module}.npy"
        own = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers.worker", module, json.dumps(asdict(case)), str(self.place)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | own,
        )  # fmt: skip
        self.told = self._hear()

    def run(self) -> dict[str, float]:
        """Once more."""
        assert self.process.stdin
        print(file=self.process.stdin, flush=True)
        return self._hear()

    def end(self) -> None:
        """Let it go."""
        assert self.process.stdin
        with self.process:  # closes its pipes and waits
            self.process.stdin.close()

    def _hear(self) -> dict[str, Any]:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith("@"):
                return dict(json.loads(line[1:]))
        raise RuntimeError(f"{self.place.stem} ended with status {self.process.wait()}")


def numbers(network: str) -> dict[str, float]:
    """Of the synapses, in SI units."""
    if network == "triplet":
        triplet = load("triplet-visual-cortex")
        return {name: float(triplet.values[name]) for name in TRIPLET}
    synapse = load("error-correcting")
    every = synapse.constants(PLASTICITY_STEP * second) | {name: synapse.values[name] for name in NAMES}
    wanted = (*NAMES, "calcium_survival", "per_K_P", "per_K_D", "P_step", "D_step", "w_max", "K_m")
    made = {name: float(every[name]) for name in wanted}
    return made | {"magnesium": float(synapse.values["Mg"]) / 3.57, "weight": 1e-9}


def measure(case: Case, modules: Sequence[str], rounds: int) -> dict[str, Any]:
    """Medians, ratios and what a start costs, by contender; who is not installed is told in a line and left out.

    Raises
    ------
    RuntimeError
        if weights or spikes do not agree: a ratio of times would mean nothing.
    """
    case = replace(case, numbers=numbers(case.network))
    with tempfile.TemporaryDirectory(prefix="neurofwp-") as place:
        every = {module: Worker(module, case, Path(place)) for module in modules}
        workers = {name: each for name, each in every.items() if "missing" not in each.told}
        for name in every.keys() - workers.keys():
            how = INSTALL.get(name, "")
            print(f"{name} is left out ({every[name].told['missing']}): {how}", file=sys.stderr)
        try:
            first = {name: each.run() for name, each in workers.items()}
            weights = {name: np.load(each.place) for name, each in workers.items()}
            apart = differences(weights)
            same_spikes({name: each["fired"] for name, each in first.items()})
            seconds: dict[str, list[float]] = {name: [] for name in workers}
            for turn in range(rounds):
                for name in sorted(workers, reverse=bool(turn % 2)):
                    seconds[name].append(workers[name].run()["seconds"] / case.seconds)
        finally:
            for each in every.values():
                each.end()
    return {
        name: summary(np.array(seconds[name]), np.array(seconds[modules[0]]))
        | workers[name].told
        | {"weights_apart": apart[name], "spikes": first[name]["fired"], "mebibytes": first[name]["mebibytes"]}
        for name in workers
    }


def differences(weights: dict[str, NDArray[np.float64]]) -> dict[str, float]:
    """Largest difference from the first's weights, as a share of the largest.

    Raises
    ------
    RuntimeError
        if one is beyond single precision.
    """
    ours = next(iter(weights.values()))
    apart = {name: float(abs(each - ours).max() / abs(ours).max()) for name, each in weights.items()}
    for name, each in apart.items():
        if not each <= TOLERANCE:
            raise RuntimeError(f"weights of {name} are {each:.1e} of the largest from ours, {TOLERANCE:.0e} at most")
    return apart


def same_spikes(fired: dict[str, float]) -> None:
    """Value cells fire alike, but for spikes that rounding moves past the end.

    Raises
    ------
    RuntimeError
        if a contender has 1 % more or fewer.
    """
    ours = next(iter(fired.values()))
    for name, each in fired.items():
        if not abs(each - ours) <= 0.01 * ours:
            raise RuntimeError(f"value cells of {name} fire {each:.0f} spikes, ours {ours:.0f}")


def summary(seconds: NDArray[np.float64], ours: NDArray[np.float64]) -> dict[str, Any]:
    """Of the seconds (round,) of a contender."""
    ratio = seconds / ours
    return {
        "seconds": float(np.median(seconds)),
        "ratio": float(np.median(ratio)),
        "quartiles": np.quantile(ratio, (0.25, 0.75)).tolist(),
    }


def compare(rounds: int = 5, cases: Sequence[Case] = CASES) -> dict[str, Any]:
    """All cases, printed one by one."""
    found = {}
    for case in cases:
        slow = {"brian2_skilful"} if case.pre > 1000 else set()  # would take minutes
        modules = [each for each in CONTENDERS[case.network] if each not in slow]
        found[case.name] = measure(case, modules, rounds)
        show(case.name, found[case.name])
    return found


def show(title: str, found: dict[str, Any]) -> None:
    """A case as a table."""
    columns = ("", "s per simulated s", "times ours", "start, s", "imports, s", "MiB", "weights apart", "spikes")
    Console(width=140).print(table(title, columns, (_row(name, each) for name, each in found.items())))


def _row(name: str, found: dict[str, Any]) -> list[str]:
    low, high = found["quartiles"]
    return [
        name, f"{found['seconds']:.3g}", f"{found['ratio']:.3g} [{low:.3g}, {high:.3g}]", f"{found['start']:.3g}",
        f"{found['imports']:.2g}", f"{found['mebibytes']:.0f}", f"{found['weights_apart']:.0e}",
        f"{found['spikes']:.0f}",
    ]  # fmt: skip


def main() -> None:
    """`python -m benchmarks.peers.contest [--rounds N] [--cases N]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", type=int, default=len(CASES), help="only the first ones")
    parser.add_argument("--json", type=Path, default=Path("results/benchmark-peers.json"))
    given = parser.parse_args()
    found = compare(given.rounds, CASES[: given.cases])
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
