"""What a sweep costs: how two workers share the work, and what is lost on every point.

- 64 points, each a network of half a simulated second, on one worker and on two, which have started already: the ratio
  of wall times. The limit is what the machine itself gains by a second process: the same networks, run by one bare
  process and by two, started already too.
- The start of one worker and of two, with the imports of the first points; once.
- 250 points that do nothing: the overhead of a point.
- 1000 points of a tiny network, in units of 64 replicas, on two workers.

All else takes turns. Compiled networks are in the cache before anything is timed. In the JSON file:
`ratio.two_workers`, `ratio.two_processes` (the limit), `seconds.overhead` per point, `seconds.thousand`,
`seconds.start_*`, `spread.*`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import torch
import tyro
import xarray as xr
from brian2 import nS
from distributed import LocalCluster
from matplotlib.figure import Figure
from rich.console import Console
from tqdm import tqdm

from benchmarks import machine
from neurofwp import program
from neurofwp.plots import style
from neurofwp.runtime.sweeps import Point, sweep
from neurofwp.spiking import SpikingNetwork
from neurofwp.spiking.conditions import from_quantities

POINTS, EMPTY, MANY, TOGETHER = 64, 250, 1000, 64
STRENGTH = 4.0  # largest inhibition (nS)


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-sweep.json")
    """Where the numbers go; the plot is drawn beside it."""
    rounds: int = 5
    """How often all but the starts is timed."""


def tiny() -> xr.Dataset:
    """One pair for 16 key cells and two dimensions."""
    key = np.zeros((1, 1, 16))
    key[..., :5] = 1
    return program.from_arrays(key, np.array([[[1.0, -1.0]]]), query=key, duration=200.0)


def alone(tasks: Sequence[float], places: Sequence[Path]) -> list[dict[str, Any]]:
    """Networks one after the other, each with its own inhibition."""
    traces = [SpikingNetwork(parameters={"g_gaba": task * nS}).run(tiny()) for task in tasks]
    return [{"weight": float(trace["weight"].mean())} for trace in traces]


def bare(pool: ProcessPoolExecutor, processes: int) -> float:
    """Wall time of the networks of all points in processes of a pool, each with its share of them."""
    begun = perf_counter()
    list(pool.map(alone, np.array_split(np.linspace(0, STRENGTH, POINTS), processes), [[]] * processes))
    return perf_counter() - begun


def together(tasks: Sequence[float], places: Sequence[Path]) -> list[dict[str, Any]]:
    """One network of as many replicas; the last unit is filled up, so that all have one shape."""
    strength = np.resize(tasks, TOGETHER)
    trace = SpikingNetwork().run(tiny(), conditions=from_quantities(g_gaba=strength * nS))
    weights = trace["weight"].mean(("episode", "event", "post", "pre"))
    return [{"weight": float(weight)} for weight in weights][: len(tasks)]


def nothing(tasks: Sequence[float], places: Sequence[Path]) -> list[dict[str, Any]]:
    """As little as can be."""
    return [{"weight": 0.0}] * len(tasks)


def seconds(work: Callable[..., Any], points: int, unit: int = 1, **where: Any) -> float:
    """Wall time of a sweep; `where` it runs is as `sweep` takes it."""
    strength = np.linspace(0, STRENGTH, points)
    with tempfile.TemporaryDirectory(prefix="neurofwp-") as place:
        every = [Point({"g_gaba": each}, each, Path(place, str(index))) for index, each in enumerate(strength)]
        begun = perf_counter()
        made = sweep(work, [every[first : first + unit] for first in range(0, points, unit)], **where)
        spent = perf_counter() - begun
    failed = set(made["error"].values.tolist()) - {""}
    if failed:
        raise RuntimeError(f"points failed: {failed}")
    return spent


@contextmanager
def start_scheduler(workers: int) -> Iterator[tuple[str, float]]:
    """The address of a scheduler whose workers have imported everything, and the seconds that this took."""
    begun = perf_counter()
    with LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=None, memory_limit=0,
        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
    ) as cluster:  # fmt: skip
        seconds(alone, workers, scheduler=cluster.scheduler_address)
        spent = perf_counter() - begun
        seconds(alone, 4 * workers, scheduler=cluster.scheduler_address)  # should one of them have had both points
        yield cluster.scheduler_address, spent


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers, print them, draw the plot."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.sweep", description=__doc__, args=words)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    alone([1.0], [])
    together([1.0], [])  # compiled, and kept
    with ExitStack() as stack:
        (one, start_one), (two, start_two) = (stack.enter_context(start_scheduler(workers)) for workers in (1, 2))
        pool = stack.enter_context(ProcessPoolExecutor(2, mp_context=get_context("spawn")))
        bare(pool, 2)  # everything is imported
        works = {
            "one": lambda: seconds(alone, POINTS, scheduler=one),
            "two": lambda: seconds(alone, POINTS, scheduler=two),
            "bare": lambda: bare(pool, 1),
            "both": lambda: bare(pool, 2),
            "overhead": lambda: seconds(nothing, EMPTY, scheduler=two) / EMPTY,
            "thousand": lambda: seconds(together, MANY, TOGETHER, scheduler=two),
        }
        rows: dict[str, list[float]] = {name: [] for name in works}
        for turn in tqdm(range(settings.rounds), desc="rounds"):
            for name in reversed(works) if turn % 2 else works:  # what is compared runs one right after the other
                rows[name].append(works[name]())
    times = {name: np.array(own) for name, own in rows.items()}
    ratios = {
        "two_workers": times["one"] / times["two"],
        "two_processes": times["bare"] / times["both"],
    }
    found: dict[str, Any] = {"machine": machine.describe(torch.device("cpu")), "rounds": settings.rounds}
    found |= {f"seconds.{name}": float(np.median(own)) for name, own in times.items()}
    found |= {"seconds.start_one": start_one, "seconds.start_two": start_two}
    for name, own in ratios.items():
        found |= {f"ratio.{name}": float(np.median(own)), f"spread.{name}": np.quantile(own, (0.25, 0.75)).tolist()}
    found["load"] = [load, os.getloadavg()[0]]
    settings.json.write_text(json.dumps(found, indent=2) + "\n")
    _draw(found).savefig(settings.json.with_suffix(".png"), dpi=200)
    console = Console()
    for name, value in found.items():
        console.print(f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}", highlight=False)
    print(settings.json)
    return 0


def _draw(found: dict[str, Any]) -> Figure:
    """Where the time of the sweep of 64 points goes, on one worker and on two."""
    with style.context():
        figure = style.figure(style.ONE_COLUMN, 2.0)
        ax = figure.subplots()
        starts = np.array([found["seconds.start_one"], found["seconds.start_two"]])
        points = np.array([found["seconds.one"], found["seconds.two"]])
        ax.barh([0, 1], starts, color=style.GREY, label="start of the workers (once)")
        ax.barh([0, 1], points, left=starts, color=style.SKY, label="points")
        half = starts[1] + points[0] / 2
        ax.plot([half, half], [0.6, 1.4], color=style.BLACK, linestyle=":", label="half of one worker's time for them")
        ax.set_yticks([0, 1], ["1 worker", "2 workers"])
        ax.set_xlabel(f"wall time of {POINTS} points (s), medians of {found['rounds']}")
        figure.legend(loc="outside upper center", ncols=2)
        return figure


if __name__ == "__main__":
    raise SystemExit(main())
