"""The numbers of a run of the rate benchmark, on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console

from benchmarks import layer_tables
from benchmarks.contenders import RULES, SUFFIX
from benchmarks.simple_table import table

# forward and backward, one thread of a CPU
AT_LEAST = (
    {f"ratio.{rule}.step_loop": 5.0 for rule in ("hebbian", "scalar_decay")}
    | {f"ratio.{rule}.step_loop": 2.5 for rule in ("delta", "gated_delta")}
    | {f"ratio.{rule}.reference": 1.3 for rule in RULES}
    | {f"ratio.{rule}.compiled.reference": 2.0 for rule in RULES}
)
FORWARD_AT_LEAST = {f"ratio.{rule}.reference": 1.0 for rule in RULES}
AT_MOST = {"crossover.hebbian": 512, "crossover.scalar_decay": 512, "crossover.delta": 1024}


def show(numbers: dict[str, Any], *, targets: bool) -> None:
    """Print times and memory, then ratios with their quartiles, and with the targets, which are for the full size."""
    least, most = (AT_LEAST, AT_MOST) if targets else ({}, {})
    console = Console()
    console.print(", ".join(f"{name}: {value}" for name, value in numbers["machine"].items()))
    console.print(f"load before and after: {numbers['load']}")
    console.print(
        table(
            "Medians, forward and both forward and backward",
            ("", "forward", "both", "forward", "both"),
            _costs(numbers),
        )
    )
    columns = ("", "ratio", "quartiles", "target")
    forward = _ratios(numbers, FORWARD_AT_LEAST if targets else {}, SUFFIX["forward"])
    console.print(table("Times faster, forward", columns, forward))
    console.print(table("Times faster, forward and backward", columns, _ratios(numbers, least, "")))
    lengths = [str(length) for length in numbers["plan"]["repeats_at"]]
    console.print(
        table("Times faster than softmax attention, forward and backward", ("", *lengths), _softmax(numbers, lengths))
    )
    console.print(table("Ahead of it from length", ("", "forward", "both", "target"), _crossovers(numbers, most)))
    layer_tables.show(console, numbers, targets=targets)


def _costs(numbers: dict[str, Any]) -> Iterable[list[str]]:
    for key in _whole(numbers, "seconds."):
        seconds = [numbers.get(key + suffix) for suffix in SUFFIX.values()]
        held = [numbers.get(key.replace("seconds", "bytes", 1) + suffix) for suffix in SUFFIX.values()]
        yield [
            key.removeprefix("seconds."),
            *("" if each is None else f"{1e3 * each:.1f} ms" for each in seconds),
            *("" if each is None else f"{each / 2**20:.0f} MiB" for each in held),
        ]


def _ratios(numbers: dict[str, Any], least: Mapping[str, float], suffix: str) -> Iterable[list[str]]:
    for spread in _whole(numbers, "spread."):
        if spread + suffix in numbers:
            key = spread.replace("spread", "ratio", 1)
            low, high = numbers[spread + suffix]
            ratio, quartiles = f"{numbers[key + suffix]:.2f}", f"{low:.2f} to {high:.2f}"
            yield [key.removeprefix("ratio."), ratio, quartiles, str(least.get(key, ""))]


def _softmax(numbers: dict[str, Any], lengths: list[str]) -> Iterable[list[str]]:
    for rule in RULES:
        yield [rule, *(f"{numbers[f'ratio.{rule}.softmax_{length}']:.2f}" for length in lengths)]


def _crossovers(numbers: dict[str, Any], most: Mapping[str, int]) -> Iterable[list[str]]:
    for key in _whole(numbers, "crossover."):
        lengths = (numbers[key + suffix] for suffix in SUFFIX.values())
        yield [
            key.removeprefix("crossover."),
            *("never" if length is None else str(length) for length in lengths),
            str(most.get(key, "")),
        ]


def _whole(numbers: dict[str, Any], prefix: str) -> list[str]:
    """The keys for forward and backward together."""
    return [key for key in numbers if key.startswith(prefix) and not key.endswith(SUFFIX["forward"])]
