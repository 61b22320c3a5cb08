"""What spiking plasticity costs: against other simulators, a loop written by hand, and Brian2's plain style.

First the contest of `benchmarks.peers.contest`: one network in neurofwp, in Brian2 as a skilful user writes it, and in
BrainPy on JAX, weights compared, in turns (`peers` in the JSON file). Then the limit for one core, and the rest.

The network of `SpikingNetwork` with error-correcting synapses (calcium and weight in each), in several sizes, as

- ours: what `SpikingNetwork.run` runs;
- plain: the same cells with synapses as Brian2's examples write them, differential equations on the membrane's clock
  with the magnesium block in every synapse, at membrane steps of 0.1 and 0.5 ms;
- fused: the whole model as one loop written by hand in C++ (`fused.cpp`), with the same compiler and flags, which
  passes over idle synapses as ours does, and its loop over synapses alone, the kernel; `every`: the same, but it passes
  over none;
- a loop over conditions: 64 small networks one after the other, each started anew from its compiled program, against
  the same as replicas in one.

All contenders take turns; a ratio is the median over rounds, its spread the quartiles. Seconds are those of the network
alone, without its start, except for the loop over conditions, which is told as a user sees it. Ours and the fused loop
draw the same random numbers, so that their spikes can be compared one by one. In the JSON file: `ratio.plain_at_0.1ms`,
`ratio.plain_at_0.5ms`, `ratio.kernel`, `ratio.fused`, `ratio.every` (times that ours takes of it), all at 1000 x 256,
and each with the name of another size; `ratio.replicas`; `seconds.*` per simulated second, `nanoseconds.*` per synapse
and update, `exponent.*` of what grows, `bytes.*` per synapse, `agreement.*`, and `model.*`, a sum of costs fitted to
ours.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import torch
import tyro
import xarray as xr
from brian2 import ms, nS
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import machine, spiking_growth as growth
from benchmarks.peers import contest as peers
from benchmarks.spiking_contenders import Contest, Fused, Plain, Size, contest
from neurofwp import plots, program
from neurofwp.brian.builds import Recorded
from neurofwp.spiking import SpikingNetwork
from neurofwp.spiking.circuit_simulation import CircuitSimulation
from neurofwp.spiking.conditions import from_quantities

FULL = "1000 x 256"


SIZES = {
    "200 x 64": Size(1, 200, 64),
    FULL: Size(1, 1000, 256),
    "4000 x 512": Size(1, 4000, 512),
    "64 of 64 x 32": Size(64, 64, 32),
}
PLAIN = ("200 x 64", FULL)
CONDITIONS = 64
REST = ("ratio.replicas", "seconds.conditions", "bytes", "exponent", "agreement", "nanoseconds", "model")  # in no table


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-spiking.json")
    """Where the numbers go; the scaling plot is drawn beside it."""
    rounds: int = 5
    """How often each contender runs."""
    seeds: int = 8
    """Runs of ours and the fused loop whose spikes and weights are compared."""
    seed: int = 0
    """Of keys, values and noise."""


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers, print the tables, draw the plot."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.spiking", description=__doc__, args=words)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    found: dict[str, Any] = {"machine": machine.describe(torch.device("cpu")), "rounds": settings.rounds}
    found["peers"] = peers.compare(settings.rounds)
    with tempfile.TemporaryDirectory(prefix="neurofwp-") as place:
        found |= costs(settings, Path(place))
        found |= agreement(settings, Path(place))
    found |= conditions(settings)
    found |= growth.memory(SIZES, settings.seed) | growth.exponents(SIZES, found, settings.seed)
    found |= growth.model(SIZES, found)
    found["load"] = [load, os.getloadavg()[0]]
    settings.json.write_text(json.dumps(found, indent=2) + "\n")
    figure = plots.cost_by_synapses(_seconds(found))
    figure.savefig(settings.json.with_suffix(".png"), dpi=200)
    _show(found)
    print(settings.json)
    return 0


def costs(settings: Settings, place: Path) -> dict[str, Any]:
    """Seconds of each contender for one simulated second, in turns, and their ratios."""
    runs: dict[str, dict[str, Callable[[], float]]] = {}
    for name, size in tqdm(SIZES.items(), desc="compiling"):
        own = contest(size, seed=settings.seed)
        runs[name] = {
            "ours": _network(own, own.simulation),
            "ours_synapses": _network(own, replace(own.simulation, profile=True), "plastic_update"),
            "fused": _loop(own, Fused(own, place / name)),
            "kernel": _loop(own, Fused(own, place / f"{name} timed", "TIMED"), "synapses"),
            "every": _loop(own, Fused(own, place / f"{name} every", "EVERY")),
        }
        for step in (0.1, 0.5) if name in PLAIN else ():
            short = contest(size, seed=settings.seed, short=True, membrane_step=step * ms)
            plain = Plain(**vars(short.simulation))
            runs[name][f"plain_at_{step}ms"] = _network(short, plain)
        if name in PLAIN:
            coarse = contest(size, seed=settings.seed, membrane_step=0.5 * ms)
            runs[name]["ours_at_0.5ms"] = _network(coarse, coarse.simulation)
    found: dict[str, Any] = {}
    for name, contenders in runs.items():
        seconds: dict[str, list[float]] = {each: [] for each in contenders}
        for turn in tqdm(range(settings.rounds), desc=name):
            for each in sorted(contenders, reverse=bool(turn % 2)):
                seconds[each].append(contenders[each]())
        found |= _statistics(name, {each: np.array(own) for each, own in seconds.items()})
    return found


def _statistics(name: str, seconds: dict[str, np.ndarray]) -> dict[str, Any]:
    """Medians of the seconds (round,) of each contender at a size, and of their ratios, with quartiles."""
    found: dict[str, Any] = {f"seconds.{each}.{name}": float(np.median(own)) for each, own in seconds.items()}
    updates = SIZES[name].synapses * 1000  # the plasticity clock ticks every millisecond
    for each in ("ours_synapses", "kernel"):
        found[f"nanoseconds.{each}.{name}"] = 1e9 * float(np.median(seconds[each])) / updates
    ratios = {"kernel": seconds["ours_synapses"] / seconds["kernel"]}
    ratios |= {each: seconds["ours"] / seconds[each] for each in ("fused", "every")}
    if "plain_at_0.1ms" in seconds:
        ratios["plain_at_0.1ms"] = seconds["plain_at_0.1ms"] / seconds["ours"]
        ratios["plain_at_0.5ms"] = seconds["plain_at_0.5ms"] / seconds["ours_at_0.5ms"]
    for ratio, values in ratios.items():
        found[f"ratio.{ratio}.{name}"] = float(np.median(values))
        found[f"spread.{ratio}.{name}"] = np.quantile(values, (0.25, 0.75)).tolist()
        if name == FULL:
            found[f"ratio.{ratio}"] = float(np.median(values))
    return found


def _network(own: Contest, simulation: CircuitSimulation, part: str = "network") -> Callable[[], float]:
    """Compiles it; each call runs it, and tells the seconds of what begins with `part`."""
    simulation.build()

    def run() -> float:
        told = own.brian(simulation)
        return next(float(value) for name, value in told.items() if name.startswith(f"seconds.{part}")) / own.seconds

    return run


def _loop(own: Contest, fused: Fused, part: str = "seconds") -> Callable[[], float]:
    return lambda: float(fused.run()[part]) / own.seconds


def agreement(settings: Settings, place: Path) -> dict[str, Any]:
    """Spikes and mean weights of ours and the fused loop, which draw the same random numbers."""
    name = "200 x 64"
    own = contest(SIZES[name], seed=settings.seed)
    fused = Fused(own, place / "agreement")
    same, spikes, apart = [], [], []
    for seed in tqdm(range(settings.seeds), desc="agreement"):
        told, loop = own.brian(own.simulation, seed), fused.run(seed)
        weight = float(told["weight_at_events.weight"][:, -1].mean())
        same.append([moment(told, each.name, own) for each in own.plan.populations] == loop["moments"])
        spikes.append(sum(loop["spikes"]))
        apart.append(abs(weight / loop["weight"] - 1))
    return {
        "agreement.runs_with_the_same_spikes": float(np.mean(same)),
        "agreement.spikes_per_run": float(np.mean(spikes)),
        "agreement.weight.largest_relative_difference": float(np.max(apart)),
    }


def moment(told: Recorded, cells: str, own: Contest) -> int:
    """The sum over spikes of (step + 1) (cell + 1)."""
    steps = np.rint(told[f"{cells}_spikes.t"] / float(own.plan.membrane_step)).astype(np.int64)
    index = told[f"{cells}_spikes.i"]
    inside = index < own.plan.replicas * own.plan.members[cells]  # the others are in no replica
    return int(((steps + 1) * (index + 1))[inside].sum())


def conditions(settings: Settings) -> dict[str, Any]:
    """As many conditions of a small network, one run each, and side by side in one network; wall time, warm."""
    rng = np.random.default_rng(settings.seed)
    key = (rng.random((1, 2, 16)) < 0.3).astype(float)
    made = program.from_arrays(key, rng.choice([-1.0, 1.0], (1, 2, 2)), query=key, duration=400.0)
    strength = np.linspace(0, 4, CONDITIONS)
    alone = [SpikingNetwork(parameters={"g_gaba": each * nS}) for each in strength]
    network = SpikingNetwork()
    every = from_quantities(g_gaba=strength * nS)
    works: dict[str, Callable[[], Any]] = {
        "loop": lambda: [each.run(made) for each in alone],
        "replicas": lambda: network.run(made, conditions=every),
    }
    seconds: dict[str, list[float]] = {each: [] for each in works}
    alone[0].run(made)  # compiles
    works["replicas"]()
    for _ in tqdm(range(settings.rounds), desc="conditions"):
        for each, work in works.items():
            begun = perf_counter()
            work()
            seconds[each].append(perf_counter() - begun)
    ratios = np.array(seconds["loop"]) / np.array(seconds["replicas"])
    return {
        "seconds.conditions.loop": float(np.median(seconds["loop"])),
        "seconds.conditions.replicas": float(np.median(seconds["replicas"])),
        "ratio.replicas": float(np.median(ratios)),
        "spread.replicas": np.quantile(ratios, (0.25, 0.75)).tolist(),
    }


def _seconds(found: Mapping[str, Any]) -> xr.Dataset:
    """Seconds of one simulated second over size and contender."""
    contenders = ("plain_at_0.1ms", "plain_at_0.5ms", "ours", "fused", "every")
    table = [[found.get(f"seconds.{each}.{name}", np.nan) for each in contenders] for name in SIZES]
    return xr.Dataset(
        {"seconds": (("size", "contender"), table, {"units": "s"})},
        coords={
            "contender": list(contenders),
            "size": list(SIZES),
            "synapses": ("size", [size.synapses for size in SIZES.values()], {"units": "1"}),
        },
    )


def _show(found: Mapping[str, Any]) -> None:
    console = Console()
    console.print(", ".join(f"{name}: {value}" for name, value in found["machine"].items()))
    table = Table(box=SIMPLE_HEAD, title="Seconds of one simulated second (medians)")
    columns = ("plain_at_0.1ms", "plain_at_0.5ms", "ours", "ours_at_0.5ms", "fused", "every", "ours_synapses", "kernel")
    for column in ("", *columns):
        table.add_column(column, justify="right" if column else "left")
    for name in SIZES:
        seconds = [found.get(f"seconds.{each}.{name}") for each in columns]
        table.add_row(name, *("" if each is None else f"{each:.3g}" for each in seconds))
    console.print(table)
    table = Table(box=SIMPLE_HEAD, title="Ratios (medians, quartiles)")
    wanted = {
        "kernel": "≤ 1.5",
        "fused": "≤ 1.25",
        "every": "≤ 1.25",
        "plain_at_0.1ms": "≥ 100",
        "plain_at_0.5ms": "≥ 30",
    }
    for column in ("", *(f"{ratio} ({target})" for ratio, target in wanted.items())):
        table.add_column(column, justify="right" if column else "left")
    for name in SIZES:
        cells = []
        for ratio in wanted:
            low, high = found.get(f"spread.{ratio}.{name}", (np.nan, np.nan))
            value = found.get(f"ratio.{ratio}.{name}")
            cells.append("" if value is None else f"{value:.3g} [{low:.3g}, {high:.3g}]")
        table.add_row(name, *cells)
    console.print(table)
    for name in found:
        if name.startswith(REST):
            console.print(f"{name}: {found[name]:.4g}", highlight=False)


if __name__ == "__main__":
    raise SystemExit(main())
