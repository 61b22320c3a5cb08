"""How fast the rate rules are: against a step loop, a public peer and softmax attention, in one run.

One thread of a CPU in float32, or a GPU in bfloat16, which the peer's kernels ask for. The contenders of a comparison
take turns. A ratio is the median over rounds of their time to ours: above one, we are faster. Its spread is the
quartiles over rounds. Memory is the most that tensors hold at once during a call.

In the JSON file, `ratio.RULE.CONTENDER` and `crossover.RULE`, the shortest length from which on we are ahead of softmax
attention, are for forward and backward together; with `.forward` behind them they are for forward alone.
`memory.RULE.forward` is our memory over the peer's. `stream.RULE` and `event.RULE` are of a layer on a CPU: the time of
one step over that of a naive loop of the same maps, and the time of an event in the longest sequence over that in one
of the second length.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import tyro
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from benchmarks import agreement, bandwidth, flash_linear_attention, lengths, machine, scaling, streaming, tables
from benchmarks.contenders import (
    RULES,
    SUFFIX,
    Contender,
    Signals,
    Size,
    backend,
    draw,
    ours,
    precision,
    reference,
    step_loop,
)
from neurofwp.errors import InputError
from neurofwp.plots.attention import cost_against_length
from neurofwp.rate.network import choose_device
from neurofwp.runtime.cost import one_thread, peak_bytes, time_interleaved

Compile = Literal["neither", "ours", "both"]


@dataclass(frozen=True)
class Plan:
    """What is measured, and how often; `repeats_at` holds the lengths for softmax attention, `lengths` those of a
    layer, and `steps` are how many events it streams."""

    size: Size
    repeats: int
    repeats_at: dict[int, int]
    compile: Compile = "neither"
    lengths: tuple[int, ...] = lengths.LENGTHS
    steps: int = streaming.STEPS


FULL = Plan(
    Size(batch=8, time=1024, heads=4, d_k=64, d_v=64),
    repeats=5,
    repeats_at={256: 5, 512: 5, 1024: 5, 2048: 5, 4096: 3, 8192: 2},
)
QUICK = Plan(
    Size(batch=2, time=256, heads=2, d_k=32, d_v=32),
    repeats=3,
    repeats_at={64: 3, 128: 3, 256: 3, 512: 3},
    lengths=(64, 128, 256),
    steps=20,
)


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-rate.json")
    """Where the numbers go; the figure goes beside it, as PNG."""
    quick: bool = False
    """Small sizes and no compiler: shows in seconds that it works; the ratios mean little."""
    compile: Compile = "ours"
    """What is also measured under torch.compile, forward and backward; the peer takes minutes to compile."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to run."""
    seed: int = 0
    """Of the random signals."""


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers and the figure, print the tables."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.rate", description=__doc__, args=words)
    try:
        device = choose_device(settings.device)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    plan = QUICK if settings.quick else replace(FULL, compile=settings.compile)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    with one_thread():
        numbers = {"machine": machine.describe(device)} | against_peers(plan, device, settings.seed)
        cost = scaling.measure(plan.size, plan.repeats_at, device, settings.seed)
        if device.type == "cpu":
            numbers |= streaming.measure(repeats=plan.repeats, steps=plan.steps, seed=settings.seed)
            numbers |= lengths.measure(lengths=plan.lengths, repeats=plan.repeats, seed=settings.seed)
    numbers |= scaling.numbers(cost) | {
        "plan": asdict(plan),
        "clock": "wall" if device.type == "cuda" else "process",
        "load": [load, os.getloadavg()[0]],
    }
    settings.json.write_text(json.dumps(numbers, indent=2) + "\n")
    cost_against_length(cost, "seconds").savefig(settings.json.with_suffix(".png"))
    tables.show(numbers, targets=not settings.quick and device.type == "cpu")
    print(settings.json)
    return 0


def against_peers(plan: Plan, device: torch.device, seed: int, chosen: Sequence[str] = RULES) -> dict[str, Any]:
    """Rules at one size: times, memory, ratios, and the share of the time that moving the bytes would take."""
    speed = bandwidth.bytes_per_second(device)
    numbers: dict[str, Any] = {"bytes_per_second": speed}
    for rule in tqdm(chosen, desc="against peers"):
        torch.compiler.reset()  # else what was compiled for one rule makes the next one's shapes dynamic, and slow
        signals, upstream = draw(rule, plan.size, seed, device, precision(device))
        contenders = _contenders(rule, signals, upstream, plan.compile)
        numbers[f"backend.{rule}"] = backend(rule, signals)
        numbers[f"difference.{rule}"] = agreement.check(rule, contenders)
        for work, suffix in SUFFIX.items():
            calls = {
                name: contender.works[work]
                for name, contender in contenders.items()
                if "compiled" not in name or "backward" in work  # another work is another compilation
            }
            seconds = time_interleaved(calls, plan.repeats, device)
            for name, call in calls.items():
                numbers[f"seconds.{rule}.{name}{suffix}"] = float(np.median(seconds[name]))
                numbers[f"bytes.{rule}.{name}{suffix}"] = peak_bytes(call, device)
            least = bandwidth.least_bytes(contenders["ours"], backward="backward" in work)
            numbers[f"floor.{rule}{suffix}"] = least / speed / float(np.median(seconds["ours"]))
            numbers |= _ratios(rule, suffix, seconds)
            if "reference" in calls:
                ours_held, theirs = (numbers[f"bytes.{rule}.{name}{suffix}"] for name in ("ours", "reference"))
                numbers[f"memory.{rule}{suffix}"] = ours_held / theirs
    return numbers


def _contenders(rule: str, signals: Signals, upstream: Tensor, compile: Compile) -> dict[str, Contender]:
    peer = flash_linear_attention.version() is not None
    found = {"ours": ours(rule, signals, upstream), "step_loop": step_loop(rule, signals, upstream)}
    if peer:
        found["reference"] = reference(rule, signals, upstream)
    if compile != "neither":
        found["ours_compiled"] = ours(rule, signals, upstream, compiled=True)
    if compile == "both" and peer:
        found["reference_compiled"] = reference(rule, signals, upstream, compiled=True)
    return found


def _ratios(rule: str, suffix: str, seconds: dict[str, NDArray[np.float64]]) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for mine, prefix in (("ours", ""), ("ours_compiled", "compiled.")):
        for theirs in ("step_loop", "reference", "reference_compiled"):
            if mine in seconds and theirs in seconds:
                key = f"{rule}.{prefix}{theirs}{suffix}"
                numbers[f"ratio.{key}"] = float(np.median(seconds[theirs] / seconds[mine]))
                numbers[f"spread.{key}"] = np.quantile(seconds[theirs] / seconds[mine], (0.25, 0.75)).tolist()
    return numbers


if __name__ == "__main__":
    sys.exit(main())
