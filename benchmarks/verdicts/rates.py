"""One data set and what is said of it; many of them, counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.verdicts import data
from benchmarks.verdicts.outside import MIXTURES
from benchmarks.verdicts.truths import Truth
from neurofwp.identification import candidates, identify, verdict
from neurofwp.identification.recovery import disturb
from neurofwp.identification.transfer import distance_to_truth, right, saved_fits
from neurofwp.runtime.parallel import parallel_map


def judge(name: str, noise: float, draw: int, restarts: int) -> dict[str, Any]:
    """The verdict on one data set of a truth, and how far what it names is from the truth without noise.

    Everything is drawn from the truth's name, the noise and the number of the draw.
    """
    rng = np.random.default_rng([*name.encode(), round(1000 * noise), draw])
    seed = int(rng.integers(1_000_000, 2_000_000))
    program = data.program(seed)
    truth = Truth(name, rng, program)
    one, other = (truth.run(disturb(program, noise, rng)) for _ in range(2))
    ids = [rule.id for rule in candidates()]
    fits = identify(
        program, one, ids, repeat=other, unit_keys=True, restarts=restarts, seed=seed, references=False, progress=False
    )
    named: list[str] = [str(rule) for rule in fits["rule"].values[fits["best"].values]]
    best = str(fits["rule"].values[int(np.nanargmax(fits["feve"].values))])
    row: dict[str, Any] = {
        "truth": name, "noise": noise, "draw": draw, "kind": str(fits["verdict"].item()), "named": named, "best": best,
        "unexplained": 1 - float(fits["feve"].max()), "noise_ceiling": float(fits["noise_ceiling"]),
        "sentence": str(fits["sentence"].item()),
    }  # fmt: skip
    mixture = verdict(fits).mixture
    row["mixture"] = [mixture.first, mixture.second] if mixture else []
    kept = named if row["kind"] in ("rule", "class") else [best]
    conditions = {each: (made, truth.run(made)) for each, made in data.conditions(seed + 1_000_000).items()}
    distance = distance_to_truth(saved_fits(fits.sel(rule=kept)), conditions, unit_keys=False)
    row["distance"] = {rule: float(distance.sel(model=rule).max()) for rule in kept}
    row["right"] = [rule for rule in kept if bool(right(distance.sel(model=[rule])).all())]
    return row


def count(
    truths: Sequence[str],
    noises: Sequence[float],
    draws: Sequence[int],
    *,
    restarts: int,
    folder: Path | None,
    workers: int | None,
) -> pd.DataFrame:
    """Every data set of every truth and noise, a row each; kept in `folder`, and resumed."""
    cases = {
        f"{truth}-{noise:g}-{draw}": (truth, noise, draw, restarts)
        for draw in draws
        for noise in noises
        for truth in truths
    }
    found = parallel_map(judge, cases, folder=folder, description="verdicts", workers=workers)
    return pd.DataFrame(list(found.values())).assign(outcome=lambda rows: [outcome(row) for _, row in rows.iterrows()])


def outcome(row: pd.Series) -> str:
    """What was said: "none", "effective description", "undecided", or that a rule, a class or a mixture was named.

    Of a truth of the library, a name is right if it is in the verdict; of any truth, if all rules that are named
    predict it in every condition. A mixture is right of no truth but itself.
    """
    if row["kind"] == "mixture":
        return "right" if set(row["mixture"]) == set(MIXTURES.get(row["truth"], ())) else "wrong"
    if row["kind"] not in ("rule", "class"):
        return str(row["kind"])
    return "right" if row["truth"] in row["named"] or len(row["right"]) == len(row["named"]) else "wrong"


def table(rows: pd.DataFrame, by: Iterable[str] = ("truth", "noise")) -> pd.DataFrame:
    """Shares of what was said, and the means of u, of the noise ceiling and of the number of rules named."""
    grouped = rows.groupby(list(by), sort=False)
    shares = grouped["outcome"].value_counts(normalize=True).unstack(fill_value=0)
    named = rows.assign(size=rows["named"].map(len).where(rows["outcome"].isin(["right", "wrong"])))
    return shares.assign(
        data_sets=grouped.size(),
        unexplained=grouped["unexplained"].mean(),
        noise_ceiling=grouped["noise_ceiling"].mean(),
        named=named.groupby(list(by), sort=False)["size"].mean(),
    )
