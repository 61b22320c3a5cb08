"""Memory against the peer, streaming and long sequences, on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console

from benchmarks.contenders import RULES, SUFFIX
from benchmarks.simple_table import table

AT_MOST = {"memory": 1.3, "stream": 1.2, "event": 1.1}


def show(console: Console, numbers: dict[str, Any], *, targets: bool) -> None:
    """Print what was measured of it, with the targets, which are for the full size."""
    most = AT_MOST if targets else {}
    memory = [rule for rule in RULES if f"memory.{rule}{SUFFIX['forward']}" in numbers]
    if memory:
        rows = (
            [rule, *(f"{numbers[f'memory.{rule}{suffix}']:.2f}" for suffix in SUFFIX.values()), _target(most, "memory")]
            for rule in memory
        )
        console.print(table("Memory, ours over the reference", ("", "forward", "both", "at most, forward"), rows))
    if "event.lengths" in numbers:
        columns = ("", "ours, µs", "naive, µs", "times longer", "quartiles", "at most")
        streams = _streams(numbers, _target(most, "stream"))
        console.print(table("One streaming step of a layer, batch 1", columns, streams))
        lengths = numbers["event.lengths"]
        by_length = ("", *(str(n) for n in lengths), "last / second", "quartiles", "at most")
        title = "One event of a layer in sequences of this length, µs and KiB"
        console.print(table(title, by_length, _events(numbers, lengths, _target(most, "event"))))


def _target(most: dict[str, float], name: str) -> str:
    return str(most.get(name, ""))


def _streams(numbers: dict[str, Any], target: str) -> Iterable[list[str]]:
    for rule in RULES:
        seconds = [f"{1e6 * numbers[f'stream.{rule}.{name}']:.0f}" for name in ("ours", "naive")]
        yield [rule, *seconds, *_with_quartiles(numbers, f"stream.{rule}"), target]


def _events(numbers: dict[str, Any], lengths: list[int], target: str) -> Iterable[list[str]]:
    for rule in RULES:
        costs = [
            f"{1e6 * numbers[f'event.{rule}.{n}.seconds']:.1f}, {numbers[f'event.{rule}.{n}.bytes'] / 1024:.1f}"
            for n in lengths
        ]
        yield [rule, *costs, *_with_quartiles(numbers, f"event.{rule}"), target]


def _with_quartiles(numbers: dict[str, Any], key: str) -> list[str]:
    low, high = numbers[f"{key}.quartiles"]
    return [f"{numbers[key]:.2f}", f"{low:.2f} to {high:.2f}"]
