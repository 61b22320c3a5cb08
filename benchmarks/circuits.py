"""What more of the truth costs: circuits and synapses against the network without coupling, in one run.

Seconds of the network alone for a simulated second, in turns; a ratio is the median over rounds of what a contender
takes of the uncoupled circuit with synapses that never fail, its spread the quartiles. In the JSON file:
`seconds.CONTENDER.SIZE`, `ratio.CONTENDER.SIZE`, `spread.CONTENDER.SIZE`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import tyro
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import machine
from benchmarks.spiking import FULL, SIZES
from benchmarks.spiking_contenders import contest

BASE = "uncoupled"
CONTENDERS: dict[str, dict[str, Any]] = {
    BASE: {},
    "gate by number": {"circuit": "two-compartment-by-number"},
    "gate by spikes": {"circuit": "two-compartment"},
    "gate by spikes, failures": {"circuit": "two-compartment", "synapse": "error-correcting-release"},
}
SHOWN = (FULL, "64 of 64 x 32")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-circuits.json")
    """Where the numbers go."""
    rounds: int = 5
    """How often each contender runs."""
    seed: int = 0
    """Of keys, values and noise."""


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers, print the table."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.circuits", description=__doc__, args=words)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    found: dict[str, Any] = {"machine": machine.describe(torch.device("cpu")), "rounds": settings.rounds}
    for name in SHOWN:
        found |= costs(name, settings)
    found["load"] = [load, os.getloadavg()[0]]
    settings.json.write_text(json.dumps(found, indent=2) + "\n")
    _show(found)
    print(settings.json)
    return 0


def costs(name: str, settings: Settings) -> dict[str, Any]:
    """Seconds for one simulated second and ratios, at one size."""
    contests = {each: contest(SIZES[name], seed=settings.seed, **network) for each, network in CONTENDERS.items()}
    for contestant in tqdm(contests.values(), desc=f"compiling {name}"):
        contestant.simulation.build()
    seconds: dict[str, list[float]] = {each: [] for each in contests}
    for turn in tqdm(range(settings.rounds), desc=name):
        for each in sorted(contests, reverse=bool(turn % 2)):
            own = contests[each]
            told = own.brian(own.simulation)
            spent = next(float(value) for key, value in told.items() if key.startswith("seconds.network"))
            seconds[each].append(spent / own.seconds)
    base = np.array(seconds[BASE])
    found: dict[str, Any] = {}
    for each, own_seconds in seconds.items():
        ratio = np.array(own_seconds) / base
        found[f"seconds.{each}.{name}"] = float(np.median(own_seconds))
        found[f"ratio.{each}.{name}"] = float(np.median(ratio))
        found[f"spread.{each}.{name}"] = np.quantile(ratio, (0.25, 0.75)).tolist()
    return found


def _show(found: dict[str, Any]) -> None:
    table = Table("circuit", *(f"{name}: s / s, ratio" for name in SHOWN))
    for each in CONTENDERS:
        cells = [f"{found[f'seconds.{each}.{name}']:.3f}, {found[f'ratio.{each}.{name}']:.2f}" for name in SHOWN]
        table.add_row(each, *cells)
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
