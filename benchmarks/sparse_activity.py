"""What synapses of silent key cells cost: rows that sleep, against rows that are all advanced at every step.

The network of `benchmarks.spiking` with error-correcting synapses. In a key a share of the key cells fires; the others
are silent, or fire spontaneously at a rate (as Poisson cells). Both programs draw the same random numbers and take
turns; a ratio is the median over rounds, its spread the quartiles. In the JSON file, for each case: `ratio.synapses.*`
and `ratio.network.*` (times that every row takes of rows that sleep), with `spread.*`; `seconds.*` of processor time
per simulated second; `spikes.*`: whether all spikes are the same; `weight.*`: the largest difference of weights, as a
share of the largest weight.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import torch
import tyro
from brian2 import Hz
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import machine
from benchmarks.spiking_contenders import Contest, Size, contest
from neurofwp.brian import builds, rows, simulation


@dataclass(frozen=True)
class Case:
    """A size, the share of its key cells in a key, and the rate at which the others fire (Hz)."""

    size: Size
    active: float
    rate: float

    @property
    def name(self) -> str:
        """As in "1000 x 256, 5 %, 1 Hz"."""
        return f"{self.size.pre} x {self.size.cells}, {100 * self.active:g} %, {self.rate:g} Hz"

    def contest(self, seed: int) -> Contest:
        """Its network."""
        if not self.rate:
            return contest(self.size, seed=seed, active=self.active)
        poisson: dict[str, Any] = {"key_cells": "poisson", "parameters": {"key_rest_rate": self.rate * Hz}}
        return contest(self.size, seed=seed, active=self.active, **poisson)


SMALL, LARGE = Size(1, 1000, 256), Size(1, 4000, 512)
CASES = [
    Case(SMALL, 0.05, 0),
    Case(SMALL, 0.01, 0),
    Case(LARGE, 0.05, 0),
    Case(LARGE, 0.01, 0),
    Case(SMALL, 0.05, 0.05),
    Case(SMALL, 0.05, 1),
    Case(LARGE, 0.01, 0.05),
    Case(LARGE, 0.01, 1),
]


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-sparse-activity.json")
    """Where the numbers go."""
    rounds: int = 5
    """How often each program runs."""
    seed: int = 0
    """Of keys, values and noise."""


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers, print the table."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.sparse_activity", description=__doc__, args=words)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"machine": machine.describe(torch.device("cpu")), "rounds": settings.rounds}
    for case in tqdm(CASES):
        found |= measure(case, settings.seed, settings.rounds) | {"load": os.getloadavg()[0]}
        settings.json.write_text(json.dumps(found, indent=2) + "\n")  # so that one that is stopped leaves some
    _show(found)
    print(settings.json)
    return 0


def measure(case: Case, seed: int, rounds: int) -> dict[str, Any]:
    """Seconds of both programs, their ratios, and whether they tell the same."""
    own = case.contest(seed)
    found: dict[str, Any] = {}
    for what, profile in (("synapses", True), ("network", False)):
        made = replace(own.simulation, profile=profile)
        asleep = made.build()
        with no_row_sleeps():
            every = made.build()
        seconds = np.empty((rounds, 2))
        for turn in range(rounds):
            order = [every, asleep] if turn % 2 else [asleep, every]
            told = {build.folder: build.run(own.numbers(seed), seed, progress=False) for build in order}
            pair = [told[each.folder] for each in (every, asleep)]
            seconds[turn] = [_seconds(each, what) / own.seconds for each in pair]
        ratio = seconds[:, 0] / seconds[:, 1]
        found[f"ratio.{what}.{case.name}"] = float(np.median(ratio))
        found[f"spread.{what}.{case.name}"] = np.quantile(ratio, (0.25, 0.75)).tolist()
        for column, each in enumerate(("every", "asleep")):
            found[f"seconds.{what}.{each}.{case.name}"] = float(np.median(seconds[:, column]))
    weights = [each["weight_at_events.weight"] for each in pair]
    spikes = [name for name in pair[0] if name.endswith(("spikes.t", "spikes.i"))]
    found[f"spikes.{case.name}"] = all(np.array_equal(pair[0][name], pair[1][name]) for name in spikes)
    found[f"weight.{case.name}"] = float(abs(weights[0] - weights[1]).max() / abs(weights[0]).max())
    return found


@contextmanager
def no_row_sleeps() -> Iterator[None]:
    """Compile programs that advance all rows."""
    with patch.object(rows, "_sleeper", lambda *_: None), patch.object(simulation, "_source", lambda kind: "every row"):
        yield


def _seconds(told: builds.Recorded, what: str) -> float:
    part = "seconds.plastic_update" if what == "synapses" else "seconds.network"
    return next(float(value) for name, value in told.items() if name.startswith(part))


def _show(found: dict[str, Any]) -> None:
    table = Table(box=SIMPLE_HEAD, title="Every row against rows that sleep (medians, quartiles)")
    for column in ("", "synapses: ms per second", "times", "network: ms per second", "times", "spikes", "weights"):
        table.add_column(column, justify="right" if column else "left")
    for case in CASES:
        cells = []
        for what in ("synapses", "network"):
            every, asleep = (1e3 * found[f"seconds.{what}.{each}.{case.name}"] for each in ("every", "asleep"))
            low, high = found[f"spread.{what}.{case.name}"]
            cells += [f"{every:.3g}, {asleep:.3g}", f"{found[f'ratio.{what}.{case.name}']:.3g} [{low:.3g}, {high:.3g}]"]
        same = "the same" if found[f"spikes.{case.name}"] else "others"
        table.add_row(case.name, *cells, same, f"{found[f'weight.{case.name}']:.1g}")
    Console(width=140).print(table)


if __name__ == "__main__":
    raise SystemExit(main())
