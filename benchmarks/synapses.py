"""How fast synapses run that look at calcium only when a spike comes, against the same synapses on a clock.

1000 presynaptic and 256 postsynaptic cells fire as Poisson processes, with a synapse between every two of them: the
cortical slice set of Graupner & Brunel (2012), without noise and bistable term. Contenders are compiled programs of
Brian2, take turns, and tell the processor time of their simulation loop. A ratio is the time of the clock over that of
the events: above one, events are faster. Its spread is the quartiles of the ratios within a round.

Events are exact; what a clock errs is the largest error of efficacies against the closed form, on Poisson trains of
20 Hz on both sides. In the JSON file: `ratio.CLOCK.RATE`, `spread.CLOCK.RATE`, `seconds.CONTENDER.RATE` of one
simulated second (rates in Hz), and `error.CONTENDER`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import brian2 as b2
import numpy as np
import torch
import tyro
from brian2 import Hz, ms, nS, second
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from benchmarks import machine
from neurofwp.brian.backends import use_backend
from neurofwp.brian.connect import begin, connect, events, watch_plateaus
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses import model
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stage import Stage
from neurofwp.synapses.stages.calcium.jump_events import JumpEvents
from neurofwp.synapses.stages.calcium.jumps import Jumps
from neurofwp.synapses.stages.expression.two_threshold import TwoThreshold
from neurofwp.synapses.stages.expression.two_threshold_events import Events
from neurofwp.theory import graupner_brunel

PRE, POST = 1000, 256
RATES = (10, 40)  # Hz
ROUNDS = 5
FINE = "clock_0.01ms"
TELL = 'std::printf("\\nprocessor seconds %.6f\\n", double(std::clock() - began)/CLOCKS_PER_SEC);'


@dataclass(frozen=True)
class Contender:
    """A synapse and its clock: `step` in ms, and how many seconds are simulated."""

    stages: tuple[Stage, Stage]
    step: float
    seconds: float = 1.0


CONTENDERS = {
    "events": Contender((JumpEvents(), Events()), 0.1),
    "clock_0.1ms": Contender((Jumps(), TwoThreshold()), 0.1),
    FINE: Contender((Jumps(), TwoThreshold()), 0.01, 0.1),
}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-synapses.json")
    """Where the numbers go."""
    seed: int = 0
    """Of all spikes."""


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers, print the table."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.synapses", description=__doc__, args=words)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    numbers: dict[str, Any] = {"machine": machine.describe(torch.device("cpu")), "rounds": ROUNDS}
    for rate in RATES:
        numbers |= compare(time_contenders(rate, settings.seed), rate)
    numbers |= {f"error.{name}": error(each, settings.seed) for name, each in CONTENDERS.items()}
    numbers["load"] = [load, os.getloadavg()[0]]
    settings.json.write_text(json.dumps(numbers, indent=2) + "\n")
    _show(numbers)
    print(settings.json)
    return 0


def synapse(contender: Contender) -> SynapseModel:
    """The cortical slice synapse in the forms of a contender."""
    shipped = model.load("graupner-brunel-cortical-slice")
    forms = {stage.stage: stage for stage in contender.stages}
    stages = tuple(forms.get(stage.stage, stage) for stage in shipped.stages)
    names = {parameter.name for stage in stages for parameter in stage.parameters}
    return replace(shipped, stages=stages, values={name: shipped.values[name] for name in names})


def time_contenders(rate: float, seed: int) -> dict[str, NDArray[np.float64]]:
    """Processor seconds (rounds,) of one simulated second, of every contender."""
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with tempfile.TemporaryDirectory(prefix="neurofwp-") as place:
        programs = {}
        for name, contender in tqdm(CONTENDERS.items(), desc=f"compiling, {rate:g} Hz"):
            programs[name] = Path(place, name)
            build(contender, rate, seed, programs[name])
        for turn in range(ROUNDS):
            for name in sorted(CONTENDERS, reverse=bool(turn % 2)):
                told = subprocess.run(["./main"], cwd=programs[name], capture_output=True, text=True, check=True).stdout
                seconds[name].append(float(told.rsplit("processor seconds", 1)[1]) / CONTENDERS[name].seconds)
    return {name: np.array(each) for name, each in seconds.items()}


def build(contender: Contender, rate: float, seed: int, place: Path) -> None:
    """Compile a network of a contender's synapses, and leave the program at `place`."""
    own, step = synapse(contender), contender.step * ms
    with use_backend("cpp_standalone") as folder:
        assert folder is not None
        b2.seed(seed)
        # intervals of a Poisson process: drawing them is cheaper than asking every cell at every step
        fires = {"threshold": "t >= next_spike", "dt": step, "method": "exponential_euler"}
        names = {"namespace": {**own.values, "mean_rate": rate * Hz}}
        draw = "next_spike = t - log(1 - rand())/mean_rate"
        equations = "next_spike : second\nnmda_gain : 1\nplateau : 1\nplateau_before : 1\n"
        key, value = (
            b2.NeuronGroup(
                count,
                equations + own.text(cell),
                reset=draw + "\n" + own.text(f"{cell}_spike"),
                events=watched,
                **fires,
                **names,
            )
            for cell, count, watched in (("presynaptic", PRE, {}), ("postsynaptic", POST, events(own)))
        )
        for group in (key, value):
            group.next_spike = "-log(1 - rand())/mean_rate"
        value.nmda_gain = 1
        watch_plateaus(own, value)
        i, j = np.divmod(np.arange(PRE * POST), POST)
        plastic = connect(own, key, value, i, j, clock=key.clock, plasticity=key.clock)
        begin(own, plastic, step)
        device = b2.get_device()
        device.insert_code("before_network_run", "const std::clock_t began = std::clock();")
        device.insert_code("after_network_run", TELL)
        b2.Network(key, value, plastic).run(contender.seconds * second, namespace={})
        device.build(directory=str(folder), with_output=False, run=False)
        shutil.copytree(folder, place, ignore=shutil.ignore_patterns("*.o"))


def error(contender: Contender, seed: int, seconds: float = 3.0) -> float:
    """Largest error of an efficacy after Poisson firing at 20 Hz on both sides, against the closed form."""
    own = synapse(contender)
    # delay and spikes on the grid of the coarser clock, so that only calcium and efficacy err
    own = replace(own, values=own.values | {"pre_delay": 4.6 * ms})
    w0, w1 = (float(own.values[name] / nS) for name in ("w0", "w1"))
    rng = np.random.default_rng(seed)
    protocols, exact = [], []
    for index in range(16):
        pre, post = (
            np.unique(rng.uniform(0, 1000 * seconds, round(20 * seconds)).round()) + 0.1 for _ in range(2)
        )  # fmt: skip
        protocols.append(Protocol(f"{index}", tuple(pre), tuple(post), period=seconds + 0.2, initial=w0))
        exact.append(graupner_brunel.moments(own.values, pre, post)[0])
    made = Laboratory(own, step=contender.step * ms, backend="cpp_standalone").run(protocols)
    return float(abs((made["after"].values[:, 0] - w0) / (w1 - w0) - exact).max())


def compare(seconds: dict[str, NDArray[np.float64]], rate: float) -> dict[str, Any]:
    """Medians, and ratios of the clocks' times to that of the events."""
    numbers: dict[str, Any] = {f"seconds.{name}.{rate}": float(np.median(each)) for name, each in seconds.items()}
    for name in (name for name in seconds if name != "events"):
        ratios = seconds[name] / seconds["events"]
        numbers[f"ratio.{name}.{rate}"] = float(np.median(ratios))
        numbers[f"spread.{name}.{rate}"] = np.quantile(ratios, (0.25, 0.75)).tolist()
    return numbers


def _show(numbers: dict[str, Any]) -> None:
    table = Table(box=SIMPLE_HEAD, title=f"{PRE} x {POST} synapses, processor seconds of one simulated second")
    for column in ("", *(f"{rate} Hz" for rate in RATES), *(f"ratio, {rate} Hz" for rate in RATES), "error"):
        table.add_column(column, justify="left" if not column else "right")
    for name in CONTENDERS:
        ratios = (numbers.get(f"ratio.{name}.{rate}") for rate in RATES)
        table.add_row(
            name.replace("_", ", "),
            *(f"{numbers[f'seconds.{name}.{rate}']:.2f}" for rate in RATES),
            *("" if ratio is None else f"{ratio:.1f}" for ratio in ratios),
            f"{numbers[f'error.{name}']:.0e}",
        )
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
