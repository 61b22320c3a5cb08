"""How often verdicts are right: `python -m benchmarks.verdicts outside`, `inside`, and `coverage`.

`outside` runs truths that are no rule of the library: a verdict should be "none", "mixture" or "undecided", and a rule
that is named must predict the truth without noise, with D of at most .02, under other keys, loads and overlaps.
`inside` runs the rules that compete: the truth should be named, alone or in a class. `coverage` counts how often 95 %
intervals of the unexplained share hold it. Rows go to a CSV file, and data sets that were judged before are not judged
again.
"""

from __future__ import annotations

from pathlib import Path

import tyro

from benchmarks.verdicts.coverage import cover, shares
from benchmarks.verdicts.outside import TRUTHS
from benchmarks.verdicts.rates import count, table
from neurofwp.identification import candidates
from neurofwp.metrics import upper_limit

IDS = tuple(rule.id for rule in candidates())


def outside(
    draws: int = 50,
    first: int = 0,
    noises: tuple[float, ...] = (0.15,),
    truths: tuple[str, ...] = TRUTHS,
    restarts: int = 3,
    folder: Path = Path("results/verdicts-outside"),
    workers: int | None = None,
) -> None:
    """Truths outside the library.

    Args:
        draws: Data sets of each truth and noise.
        first: Number of the first draw.
        noises: Coefficients of variation of keys and values.
        truths: Names, as in benchmarks/verdicts/outside.py.
        restarts: Random starts of each fit.
        folder: Where rows and kept data sets go.
        workers: Processes; by default one per core.
    """
    _run(truths, noises, range(first, first + draws), restarts, folder, workers)


def inside(
    draws: int = 10,
    first: int = 0,
    noises: tuple[float, ...] = (0.1, 0.2, 0.4),
    truths: tuple[str, ...] = IDS,
    restarts: int = 3,
    folder: Path = Path("results/verdicts-inside"),
    workers: int | None = None,
) -> None:
    """Rules of the library; as `outside`.

    Args:
        draws: Data sets of each truth and noise.
        first: Number of the first draw.
        noises: Coefficients of variation of keys and values.
        truths: Ids of rules.
        restarts: Random starts of each fit.
        folder: Where rows and kept data sets go.
        workers: Processes; by default one per core.
    """
    _run(truths, noises, range(first, first + draws), restarts, folder, workers)


def coverage(
    draws: int = 400,
    first: int = 0,
    noise: float = 0.15,
    folder: Path = Path("results/verdicts-coverage"),
    workers: int | None = None,
) -> None:
    """Intervals of the unexplained share.

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


def _run(
    truths: tuple[str, ...], noises: tuple[float, ...], draws: range, restarts: int, folder: Path, workers: int | None
) -> None:
    rows = count(truths, noises, draws, restarts=restarts, folder=folder / "parts", workers=workers)
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / "verdicts.csv", index=False)
    print(table(rows).round(3).to_string())
    print(table(rows, by=["noise"]).round(3).to_string())
    for noise, own in rows.groupby("noise"):
        wrong = int((own["outcome"] == "wrong").sum())
        limit = float(upper_limit(wrong, len(own)))
        print(f"noise {noise:g}: {wrong} of {len(own)} named wrong, {wrong / len(own):.3f}, at most {limit:.3f} (95 %)")


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"outside": outside, "inside": inside, "coverage": coverage})
