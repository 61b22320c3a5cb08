"""What the command line costs before it does anything: processor seconds of help, lists and refusals, and a small run.

`python -m benchmarks.startup [--repeats N] [--small-run]` prints medians, user and system time of all processes, run
one after the other in an empty folder.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from neurofwp.cli import COMMANDS, catalogue, text
from neurofwp.cli.list import KINDS

AT_MOST = 1.0  # processor seconds
SMALL_RUN = ("run", "hetero-associative", "--pairs", "2", "--episodes", "2", "--no-fit", "--out", "out")
SMALL_RUN_AT_MOST = 6.0


def commands() -> list[tuple[str, ...]]:
    """Everything that must answer at once."""
    experiments, families = list(catalogue.experiments()), list(catalogue.families())
    return [
        ("--help",),
        *((command, "--help") for command in COMMANDS),
        *(("run", name, "--help") for name in experiments),
        *(("sweep", name, "--help") for name in experiments),
        *(("train", name, "--help") for name in families),
        ("list",),
        *(("list", kind) for kind in KINDS),
        ("list", "--json"),
        ("cache",),
        ("rnu",),
        ("run", "hetero-asociative"),
        ("run", "hetero-associative", "--pairs", "x"),
        ("run", "hetero-associative", "--parameters", "g_gabba=1"),
        ("run", "hetero-associative", "--parameters", "g_gaba=1mV"),
        ("sweep", "hetero-associative", "--over", "pairz=2,3"),
        ("train", "gated-pairs", "--rule", "delt"),
        ("list", "parameters", "--model", "additiv"),
    ]


def seconds(words: tuple[str, ...], folder: Path) -> float:
    """Processor seconds of one command."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "neurofwp", *words], cwd=folder, capture_output=True, check=False)
    after = os.times()
    spent = after.children_user + after.children_system
    return spent - before.children_user - before.children_system


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--small-run", action="store_true", help="measure the small run too")
    given = parser.parse_args()
    wanted = [(words, AT_MOST) for words in commands()]
    wanted += [(SMALL_RUN, SMALL_RUN_AT_MOST)] if given.small_run else []
    rows, slow = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for words, at_most in wanted:
            seconds(words, Path(folder))  # files read, network compiled
            every = [seconds(words, Path(folder)) for _ in range(given.repeats)]
            median = statistics.median(every)
            slow += median > at_most
            rows.append((" ".join(words), f"{median:.2f}", f"{min(every):.2f}", "" if median <= at_most else "slow"))
    table = text.table(
        f"processor seconds, medians of {given.repeats}; {slow} of {len(rows)} take too long",
        ("neurofwp ...", "median", "least", ""),
        rows,
    )
    Console().print(table)


if __name__ == "__main__":
    main()
