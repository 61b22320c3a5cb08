"""How fast a slow net trains on gated pairs: through fast weights, and through softmax attention in their place.

One step of training draws a batch of episodes, goes forward and backward, and updates the weights. The contenders are
one slow net with the same initial weights, on the same episodes, and take turns; one thread of a CPU, or a GPU. A ratio
is the examples (episodes) per second of fast weights over those of attention: above one, fast weights are faster. Its
spread is the quartiles of the ratios within a round. Memory is the most that tensors hold at once during a step.

In the JSON file, keys end with the events of an episode, which shows every pair once and then asks for every pair:
`ratio.RULE.EVENTS`, `spread.RULE.EVENTS`, `examples_per_s.CONTENDER.EVENTS`, `peak_mib.CONTENDER.EVENTS`; with
`.without_drawing` behind them they are for a batch that is there already. `crossover.RULE` is the number of events from
which on fast weights are ahead.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor
from tqdm import tqdm

from benchmarks import machine
from neurofwp.errors import InputError
from neurofwp.rate.network import choose_device
from neurofwp.runtime.cost import ahead_from, one_thread, peak_bytes, time_interleaved
from neurofwp.slownet.episode_tensors import Episodes
from neurofwp.slownet.families import Family, gated_pairs as task
from neurofwp.slownet.programmer import Programmer
from neurofwp.slownet.training.loop import Outcome, train
from neurofwp.slownet.training.meta_training import draw_batch, initial_programmer, loss_of
from neurofwp.slownet.training.settings import MetaTraining

RULES = ("hebbian", "delta")
ATTENTION = "attention"
SUFFIX = {"training": "", "without drawing": ".without_drawing"}
ROUNDS = {18: 15, 72: 9, 288: 5, 600: 3}  # pairs of an episode, as many as there are images in the end: rounds
BATCH = MetaTraining().batch
ONE_STEP = MetaTraining(steps=1).training()


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-slownet.json")
    """Where the numbers go."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to run."""
    seed: int = 0
    """Of the initial weights and the episodes."""


class SoftmaxReads(Programmer):
    """The slow net with softmax attention (Vaswani et al. 2017) over what was written in place of fast weights.

    y_t = sum over the writes s <= t of softmax_s(q_t.k_s) beta_s v_s, and 0 before the first one. The write gate is a
    factor of the value: shares of attention add up to one, so with a gate in the score no read could return nothing.
    Keys are used as the slow net makes them, so that the score of sparse ones counts the cells that they have in
    common; it would be at most 1, and attention nearly even, if their norm was one.
    """

    def _read(self, key: Tensor, query: Tensor, value: Tensor, gate: Tensor, retention: Tensor) -> Tensor:
        """Reads (episode, event, content); the lowest number, not -inf, keeps a row without any write finite."""
        events = gate.shape[1]
        future = torch.ones(events, events, dtype=torch.bool, device=gate.device).triu(1)
        closed = torch.zeros_like(gate).masked_fill(gate == 0, torch.finfo(gate.dtype).min)
        barred = closed[:, None].masked_fill(future, -torch.inf)
        return torch.baddbmm(barred, query, key.mT).softmax(-1) @ (gate[..., None] * value)


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers, print the table."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.slownet", description=__doc__, args=words)
    try:
        device = choose_device(settings.device)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    with one_thread():
        numbers = {"machine": machine.describe(device)} | measure(device, settings.seed)
    numbers |= {
        "batch": BATCH,
        "rounds": {str(2 * pairs): rounds for pairs, rounds in ROUNDS.items()},
        "clock": "wall" if device.type == "cuda" else "process",
        "load": [load, os.getloadavg()[0]],
    }
    settings.json.write_text(json.dumps(numbers, indent=2) + "\n")
    _show(numbers)
    print(settings.json)
    return 0


def measure(device: torch.device, seed: int) -> dict[str, Any]:
    """Throughput, memory and ratios at every length, and from which length on fast weights are ahead."""
    numbers: dict[str, Any] = {}
    for pairs, rounds in tqdm(ROUNDS.items(), desc="lengths"):
        family = task.family(task.Settings(stored=pairs // 3, distractors=pairs - pairs // 3))
        nets = contenders(family, seed, device)
        for batch, suffix in zip(batches(family, seed, device), SUFFIX.values(), strict=True):
            calls = {name: step(net, batch) for name, net in nets.items()}
            at = f"{2 * pairs}{suffix}"
            numbers |= compare(time_interleaved(calls, rounds, device), at)
            for name, call in calls.items():
                nets[name].zero_grad()  # the profiler does not know, and says so, what was there before and is let go
                numbers[f"peak_mib.{name}.{at}"] = peak_bytes(call, device) / 2**20
    events = [2 * pairs for pairs in ROUNDS]
    for rule in RULES:
        for suffix in SUFFIX.values():
            ratios = [numbers[f"ratio.{rule}.{n}{suffix}"] for n in events]
            numbers[f"crossover.{rule}{suffix}"] = ahead_from(events, ratios)
    return numbers


def contenders(family: Family, seed: int, device: torch.device) -> dict[str, Programmer]:
    """The slow net with each rule, and with attention, from the same initial weights."""
    nets = {rule: initial_programmer(family, MetaTraining(rule=rule), seed=seed, device=str(device)) for rule in RULES}
    first = nets[RULES[0]]
    nets[ATTENTION] = SoftmaxReads(first.shape).to(device)
    nets[ATTENTION].load_state_dict(first.state_dict())
    return nets


def batches(
    family: Family, seed: int, device: torch.device
) -> tuple[Callable[[int], Episodes], Callable[[int], Episodes]]:
    """The batch of a training step, drawn whenever it is asked for, and one that is there already."""

    def draw(step: int) -> Episodes:
        return draw_batch(family, BATCH, (0, seed, step), str(device))

    there = draw(0)
    return draw, lambda step: there


def loss(net: Programmer, episodes: Episodes) -> Tensor:
    """What meta-training makes small."""
    answer, signals = net(episodes)
    return loss_of(net, answer, signals.gate, episodes)


def step(net: Programmer, batch: Callable[[int], Episodes]) -> Callable[[], Outcome]:
    """One step of meta-training, to call."""
    return lambda: train(net, batch, loss, lambda net: {"loss": 0.0}, settings=ONE_STEP, progress=False)


def compare(seconds: Mapping[str, NDArray[np.float64]], at: str) -> dict[str, Any]:
    """Examples per second, and ratios to attention with their quartiles, from the seconds (round,) of a step each."""
    median = {name: float(np.median(each)) for name, each in seconds.items()}
    numbers: dict[str, Any] = {f"examples_per_s.{name}.{at}": BATCH / each for name, each in median.items()}
    for rule in RULES:
        numbers[f"ratio.{rule}.{at}"] = median[ATTENTION] / median[rule]
        numbers[f"spread.{rule}.{at}"] = np.quantile(seconds[ATTENTION] / seconds[rule], (0.25, 0.75)).tolist()
    return numbers


def _show(numbers: Mapping[str, Any]) -> None:
    console = Console()
    console.print(", ".join(f"{name}: {value}" for name, value in numbers["machine"].items()))
    console.print(f"load before and after: {numbers['load']}")
    table = Table(
        title=f"Gated pairs, {numbers['batch']} episodes a step: with drawing them | without",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in ("events", "reads", "examples/s", "× attention", "quartiles", "MiB"):
        table.add_column(column, justify="left" if column == "reads" else "right", no_wrap=True)
    for events in numbers["rounds"]:
        for name in (*RULES, ATTENTION):
            keys = [f"{name}.{events}{suffix}" for suffix in SUFFIX.values()]
            ratios, quartiles = "", ""
            if name in RULES:
                ratios = " | ".join(f"{numbers[f'ratio.{key}']:.2f}" for key in keys)
                low, high = numbers[f"spread.{keys[0]}"]
                quartiles = f"{low:.2f} to {high:.2f}"
            table.add_row(
                events,
                name,
                " | ".join(f"{numbers[f'examples_per_s.{key}']:.3g}" for key in keys),
                ratios,
                quartiles,
                " | ".join(f"{numbers[f'peak_mib.{key}']:.0f}" for key in keys),
            )
        table.add_section()
    console.print(table)
    for rule in RULES:
        first = numbers[f"crossover.{rule}"]
        console.print(f"{rule} is ahead of attention from: {'none of these' if first is None else f'{first} events'}")


if __name__ == "__main__":
    sys.exit(main())
