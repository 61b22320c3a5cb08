"""How long it takes to identify a rule, and what fitting all restarts of a rule in one batch gains.

The whole: `identify` with all rules and its defaults, nominal keys, on a Trace of 20 episodes of 20 events, 256 key
cells and 64 value dimensions with an ON and an OFF pool each, in a process of its own, whose peak memory is told. The
Trace is that of a rate network with the delta rule and disturbed keys and values. On a GPU too, where there is one.

The ratio: the search that every fit begins with, all starts as one batch, against the same search start by start. Both
take turns; a ratio above one says that the batch is faster, its spread is the quartiles within a round. They end
at the same optima, which is checked. In the JSON file: `seconds.identify.DEVICE`, `mebibytes.identify.DEVICE`,
`seconds.batch.RULE`, `seconds.single.RULE`, `ratio.batch.RULE`, `spread.batch.RULE`, `ratio.gpu`, and `rules`, what was
identified. The plot shows the seconds of every rule.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import torch
import tyro
import xarray as xr
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor
from tqdm import tqdm

from benchmarks import machine
from neurofwp import RateNetwork, identification, program
from neurofwp.identification import competing, fit_rule, recovery
from neurofwp.identification.levenberg_marquardt import Minimum, minimise
from neurofwp.identification.preparation import prepare
from neurofwp.identification.records import Records
from neurofwp.plots import style
from neurofwp.rules import Independent, Rule

ROUNDS = 5
STARTS = 9  # the defaults and as many random points as `identify` tries
ITERATIONS = 3  # the ratio is that of one iteration
NOISE = 0.2


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-identification.json")
    """Where the numbers go."""
    episodes: int = 20
    """Episodes; half are fitted."""
    keys: int = 10
    """Keys of an episode, each written twice."""
    pre: int = 256
    """Key cells."""
    post: int = 64
    """Value dimensions."""
    seed: int = 0
    """Of keys, values, disturbance and starts."""


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers, print the table."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.fitting", description=__doc__, args=words)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    numbers: dict[str, Any] = {"machine": machine.describe(torch.device("cpu")), "rounds": ROUNDS}
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    for device in tqdm(devices, desc="identifying"):
        # a process of its own: its peak memory is that of this fit
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            numbers |= alone.submit(whole, settings, device).result()
    if len(devices) > 1:
        numbers["ratio.gpu"] = numbers["seconds.identify.cpu"] / numbers["seconds.identify.cuda"]
    numbers |= batches(settings)
    numbers["load"] = [load, os.getloadavg()[0]]
    settings.json.write_text(json.dumps(numbers, indent=2) + "\n")
    _draw(numbers).savefig(settings.json.with_suffix(".png"), dpi=200)
    _show(numbers)
    print(settings.json)
    return 0


def traces(settings: Settings) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """A Program, and two Traces of it by a delta rule with other disturbances."""
    rng = np.random.default_rng(settings.seed)
    active = max(1, settings.pre // 12)
    keys = (rng.random((settings.episodes, settings.keys, settings.pre)).argsort(axis=2) < active).astype(float)
    keys = np.tile(keys, (1, 2, 1))
    values = rng.uniform(-1, 1, (settings.episodes, 2 * settings.keys, settings.post))
    made = program.from_arrays(keys, values, query=keys)
    network = RateNetwork(
        "delta", parameters=recovery.truth("delta", rng), on_off=True, bounds=(0, np.inf), unit_keys=False
    )
    one, other = (network.run(recovery.disturb(made, NOISE, rng)) for _ in range(2))
    return made, one, other


def whole(settings: Settings, device: str) -> dict[str, Any]:
    """Seconds and peak memory of `identify`, and what it says."""
    made, one, other = traces(settings)
    begun = perf_counter()
    fits = identification.identify(made, one, repeat=other, seed=settings.seed, device=device, progress=False)
    seconds = perf_counter() - begun
    if device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10  # of kibibytes, on Linux
    return {
        f"seconds.identify.{device}": seconds,
        f"mebibytes.identify.{device}": peak,
        "rules": [str(rule) for rule in fits["rule"].values[fits["best"].values]],
    }


def batches(settings: Settings) -> dict[str, Any]:
    """The search of every rule as one batch and start by start, in turns, on one thread."""
    made, one, _ = traces(settings)
    records = prepare(made, one).episodes(range(settings.episodes // 2)).without_silent()
    numbers: dict[str, Any] = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for rule in tqdm(identification.candidates(), desc="batch against start by start"):
        residuals, starts = problem(rule, records, settings.seed)
        seconds: dict[str, list[float]] = {"batch": [], "single": []}
        for turn in range(ROUNDS):
            found = {}
            for name in sorted(seconds, reverse=bool(turn % 2)):
                begun = perf_counter()
                if name == "batch":
                    found[name] = minimise(residuals, starts, low=0, high=1, iterations=ITERATIONS).cost
                else:
                    found[name] = torch.cat([each.cost for each in one_by_one(residuals, starts)])
                seconds[name].append(perf_counter() - begun)
            torch.testing.assert_close(found["batch"].min(), found["single"].min(), rtol=1e-6, atol=0)
        ratios = np.array(seconds["single"]) / np.array(seconds["batch"])
        numbers[f"ratio.batch.{rule.id}"] = float(np.median(ratios))
        numbers[f"spread.batch.{rule.id}"] = np.quantile(ratios, (0.25, 0.75)).tolist()
        numbers |= {f"seconds.{name}.{rule.id}": float(np.median(own)) for name, own in seconds.items()}
    torch.set_num_threads(threads)
    return numbers


def problem(rule: Rule, records: Records, seed: int) -> tuple[Any, Tensor]:
    """The residuals of a search, on the subset that it sees, and the starts (start, parameter)."""
    generator = torch.Generator().manual_seed(seed)
    bounds = fit_rule.Bounds(competing.free_parameters(rule), records)
    size = records.weight.shape[-2 if rule.independent is Independent.ROWS else -1]
    search = fit_rule.subset(rule, records, torch.randperm(size, generator=generator), fit_rule.SEARCH_SIZE)
    starts = bounds.shares([bounds.defaults, *bounds.random(STARTS - 1, generator)])
    return fit_rule.residuals(rule, search, bounds), starts


def one_by_one(residuals: Any, starts: Tensor) -> list[Minimum]:
    """Every start by itself."""
    return [minimise(residuals, start[None], low=0, high=1, iterations=ITERATIONS) for start in starts]


def _draw(numbers: dict[str, Any]) -> Figure:
    """Seconds of the search of every rule, all starts as one batch and one by one."""
    with style.context():
        figure = style.figure(style.ONE_COLUMN, 2.8)
        ax = figure.subplots()
        names = {"single": ("one by one", style.GREY, "o"), "batch": ("as one batch", style.ORANGE, "s")}
        for name, (label, color, marker) in names.items():
            seconds = [numbers[f"seconds.{name}.{rule.id}"] for rule in identification.candidates()]
            ax.plot(seconds, range(len(seconds)), marker, color=color, markersize=4, label=label)
        ax.set_yticks(
            range(len(identification.candidates())), [rule.id.replace("_", " ") for rule in identification.candidates()]
        )
        ax.invert_yaxis()
        ax.set_xlim(left=0)
        ax.set_xlabel(f"{ITERATIONS} iterations from {STARTS} starts (s), medians of {ROUNDS}")
        figure.legend(loc="outside upper center", ncols=2)
        return figure


def _show(numbers: dict[str, Any]) -> None:
    console = Console()
    console.print(", ".join(f"{name}: {value}" for name, value in numbers["machine"].items()))
    for key in (key for key in numbers if key.startswith("seconds.identify.")):
        device = key.rsplit(".", 1)[1]
        memory = numbers[f"mebibytes.identify.{device}"]
        console.print(
            f"identify on {device}: {numbers[key]:.0f} s, {memory:.0f} MiB; left: {', '.join(numbers['rules'])}"
        )
    table = Table(box=SIMPLE_HEAD, title=f"{STARTS} starts as one batch, against one by one")
    for column in ("rule", "seconds", "times faster", "quartiles"):
        table.add_column(column, justify="left" if column == "rule" else "right")
    for rule in identification.candidates():
        low, high = numbers[f"spread.batch.{rule.id}"]
        table.add_row(
            rule.id,
            f"{numbers[f'seconds.batch.{rule.id}']:.2f}",
            f"{numbers[f'ratio.batch.{rule.id}']:.1f}",
            f"{low:.1f} to {high:.1f}",
        )
    console.print(table)


if __name__ == "__main__":
    raise SystemExit(main())
