"""Means over many seeds of small spiking networks, and whether those of two checkouts differ by more than chance."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.same_science.arrays import Dump, Entry
from benchmarks.same_science.report import wide

REGIMES = ("error-correcting", "thresholds", "additive", "decay")
PORTION = 5  # seeds that a process takes at a time


@dataclass(frozen=True)
class Difference:
    """A number of one regime: its means in two checkouts, and how many standard errors they are apart."""

    regime: str
    number: str
    base: float
    here: float
    sem: float

    @property
    def z(self) -> float:
        """Difference over its standard error; 0 where both are the same without any scatter."""
        apart = self.here - self.base
        return apart / self.sem if self.sem > 0 else (0.0 if apart == 0 else np.inf)


def measure(seeds: int, processes: int) -> Dump:
    """Numbers (seed,) of every regime, each seed a network of its own, compiled once."""
    portions = [list(range(seeds))[first : first + PORTION] for first in range(0, seeds, PORTION)]
    made = Dump()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        futures = {regime: [pool.submit(numbers, regime, each) for each in portions] for regime in REGIMES}
        for regime, each in futures.items():
            started = time.perf_counter()
            rows = [row for portion in each for row in portion.result()]
            for name in rows[0]:
                made.arrays[f"{regime}/{name}"] = Entry(np.array([row[name] for row in rows]), ("seed",))
            print(f"{regime}: {len(rows)} seeds, {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return made


def numbers(regime: str, seeds: Sequence[int]) -> list[dict[str, float]]:
    """Recall, weights and rates of some seeds, on a Program that is always the same."""
    from benchmarks.same_science.areas.inputs import program
    from benchmarks.same_science.names import call, find

    made = program(episodes=3, keys=3, pre=40, active=10, post=4, duration=400.0, gates=False)
    network = call("spiking.SpikingNetwork", regime, cells_per_pool=2)
    return [_of_trace(made, network.run(made, seed=seed), find("metrics.recall.recall_r2")) for seed in seeds]


def _of_trace(program: Any, trace: Any, recall_r2: Any) -> dict[str, float]:
    """What a run comes to; of each weight what it is and how much it varies over synapses."""
    written = (program["key"] > 0).any("event").isel(episode=slice(None))
    conductance = trace["conductance"].isel(event=-1)
    return {
        "recall R2": float(recall_r2(program, trace)),
        "weight of key cells": float(conductance.where(written).mean()),
        "weight of other cells": float(conductance.where(~written).mean()),
        "spread of weights": float(conductance.where(written).std()),
        "weight after first write": float(trace["conductance"].isel(event=0).mean()),
        "rate of key cells": float(trace["pre_rate"].where(program["key"] > 0).mean()),
        "rate of silent key cells": float(trace["pre_rate"].where(program["key"] == 0).mean()),
        "rate of value cells": float(trace["post_rate"].mean()),
        "spread of value rates": float(trace["post_rate"].std()),
        "dendrite": float(trace["dendrite"].mean()),
        "spikes": float(trace.sizes["spike"]),
    }


def differences(base: Dump, here: Dump) -> list[Difference]:
    """Every mean, and every standard deviation over seeds, of two checkouts.

    Raises
    ------
    ValueError
        if they did not measure the same numbers.
    """
    if base.arrays.keys() != here.arrays.keys():
        raise ValueError("the two have measured different numbers: measure both again with the same code")
    rows = []
    for key, entry in base.arrays.items():
        regime, name = key.split("/")
        one, other = entry.values, here.arrays[key].values
        (a, a_sem), (b, b_sem) = _mean(one), _mean(other)
        rows.append(Difference(regime, name, a, b, float(np.hypot(a_sem, b_sem))))
        (a, a_sem), (b, b_sem) = _deviation(one), _deviation(other)
        rows.append(Difference(regime, f"{name}, SD over seeds", a, b, float(np.hypot(a_sem, b_sem))))
    return rows


def _mean(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def _deviation(values: np.ndarray) -> tuple[float, float]:
    """Standard deviation, and its standard error by leaving out one seed at a time."""
    count = len(values)
    without = np.array([np.delete(values, index).std(ddof=1) for index in range(count)])
    return float(values.std(ddof=1)), float(np.sqrt((count - 1) * without.var()))


def show(rows: Sequence[Difference], limit: float) -> bool:
    """Print all means; returns whether none differs by more than `limit` standard errors."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("regime", "number", "base", "here", "difference", "SEM", "difference / SEM"):
        table.add_column(name, justify="left" if name in ("regime", "number") else "right")
    for row in rows:
        apart = f"{row.here - row.base:+.2g}"
        mark = " !" if abs(row.z) > limit else ""
        numbers = (f"{row.base:.4g}", f"{row.here:.4g}", apart, f"{row.sem:.1g}", f"{row.z:+.2f}{mark}")
        table.add_row(row.regime, row.number, *numbers)
    console = wide()
    console.print(table)
    z = np.array([row.z for row in rows])
    beyond = int((abs(z) > 2).sum())
    console.print(
        f"{beyond} of {len(rows)} beyond 2 standard errors (5 % are expected by chance, were all independent); mean "
        f"square {np.mean(z**2):.2f} (1 expected, 0 if nothing changed); largest {abs(z).max():.2f} (limit {limit:g})"
    )
    return bool((abs(z) <= limit).all())
