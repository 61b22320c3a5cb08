"""How often verdicts are right: `python -m benchmarks.verdicts outside`, `inside`, `power` and `coverage`.

`outside` runs truths that are no rule of the library: a verdict should be "none", "mixture" or "undecided", and a rule
that is named must predict the truth without noise, with D of at most .02, under other keys, loads and overlaps.
`inside` runs the rules that compete: the truth should be named, alone or in a class. `power` asks, before any noise is
drawn, of which of these truths that can be expected. `coverage` counts how often 95 % intervals of the unexplained
share and of parameters hold them. Rows go to a CSV file, and data sets that were judged before are not judged again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks.verdicts.coverage import cover, shares
from benchmarks.verdicts.expected import expect, weakest_rivals
from benchmarks.verdicts.outside import TRUTHS
from benchmarks.verdicts.rates import count, table
from neurofwp.identification import candidates
from neurofwp.metrics import upper_limit

IDS = tuple(rule.id for rule in candidates())


@dataclass(frozen=True)
class DataSets:
    """Truths, and how many data sets of each."""

    truths: tuple[str, ...]
    """Names, as in benchmarks/verdicts/outside.py, or ids of rules."""
    draws: int
    """Data sets of each truth and noise."""
    noises: tuple[float, ...]
    """Coefficients of variation of keys and values."""
    folder: Path
    """Where rows and kept data sets go."""
    first: int = 0
    """Number of the first draw."""
    restarts: int = 3
    """Random starts of each fit."""
    workers: int | None = None
    """Processes; by default one per core."""

    @property
    def numbers(self) -> range:
        """Of the draws."""
        return range(self.first, self.first + self.draws)


OUTSIDE = DataSets(TRUTHS, draws=50, noises=(0.15,), folder=Path("results/verdicts-outside"))
INSIDE = DataSets(IDS, draws=10, noises=(0.15, 0.3), folder=Path("results/verdicts-inside"))
POWER = replace(INSIDE, draws=3, folder=Path("results/verdicts-power"))


def outside(of: Annotated[DataSets, tyro.conf.arg(name="")] = OUTSIDE) -> None:
    """Truths outside the library."""
    _run(of)


def inside(of: Annotated[DataSets, tyro.conf.arg(name="")] = INSIDE) -> None:
    """Rules of the library."""
    _run(of)


def power(of: Annotated[DataSets, tyro.conf.arg(name="")] = POWER) -> None:
    """The power to tell each rule of the library from all that predict other weights."""
    rows = expect(
        of.truths, of.noises, of.numbers, restarts=of.restarts, folder=of.folder / "parts", workers=of.workers
    )
    of.folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(of.folder / "power.csv", index=False)
    print(weakest_rivals(rows).round(3).to_string())


def coverage(
    draws: int = 400,
    first: int = 0,
    noise: float = 0.15,
    folder: Path = Path("results/verdicts-coverage"),
    workers: int | None = None,
) -> None:
    """Intervals of the unexplained share, and of parameters.

    Args:
        draws: Data sets.
        first: Number of the first draw.
        noise: Coefficient of variation of keys and values.
        folder: Where rows and kept data sets go.
        workers: Processes; by default one per core.
    """
    rows = cover(range(first, first + draws), noise, folder / "parts", workers)
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / "coverage.csv", index=False)
    print(shares(rows).round(3).to_string())


def _run(of: DataSets) -> None:
    rows = count(of.truths, of.noises, of.numbers, restarts=of.restarts, folder=of.folder / "parts", workers=of.workers)
    of.folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(of.folder / "verdicts.csv", index=False)
    print(table(rows).round(3).to_string())
    print(table(rows, by=["noise"]).round(3).to_string())
    for noise, own in rows.groupby("noise"):
        wrong = int((own["outcome"] == "wrong").sum())
        limit = float(upper_limit(wrong, len(own)))
        print(f"noise {noise:g}: {wrong} of {len(own)} named wrong, {wrong / len(own):.3f}, at most {limit:.3f} (95 %)")


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"outside": outside, "inside": inside, "power": power, "coverage": coverage})
