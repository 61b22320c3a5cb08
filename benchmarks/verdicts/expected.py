"""What `neurofwp.identification.power` expects of the data sets on which verdicts are counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.verdicts import data
from neurofwp.identification.decision import SAME
from neurofwp.identification.power import power
from neurofwp.identification.recovery import truth
from neurofwp.runtime.parallel import parallel_map


def separations(truths: Sequence[str], noise: float, draw: int, restarts: int) -> list[dict[str, Any]]:
    """Of every truth and rival: D_rs, and the power to tell them apart with the episodes that judge."""
    rng = np.random.default_rng([round(1000 * noise), draw])
    program = data.program(int(rng.integers(6_000_000, 7_000_000)), episodes=data.EPISODES // 2)
    parameters = {name: truth(name, rng, program) for name in truths}
    found = power(program, parameters, noise, data.EPISODES // 2, seed=draw, restarts=restarts)
    rows = found[["distance", "power"]].to_dataframe().reset_index()
    own = rows[rows["truth"] != rows["rival"]].assign(noise=noise, draw=draw)
    return [{str(name): cell for name, cell in row.items()} for row in own.to_dict("records")]


def expect(
    truths: Sequence[str],
    noises: Sequence[float],
    draws: Sequence[int],
    *,
    restarts: int,
    folder: Path | None,
    workers: int | None,
) -> pd.DataFrame:
    """A row for every noise, draw, truth and rival; kept in `folder`, and resumed."""
    cases = {f"{noise:g}-{draw}": (truths, noise, draw, restarts) for draw in draws for noise in noises}
    found = parallel_map(separations, cases, folder=folder, description="power", workers=workers)
    return pd.DataFrame([row for rows in found.values() for row in rows])


def weakest_rivals(rows: pd.DataFrame) -> pd.DataFrame:
    """The smallest power of each truth and noise against rivals that predict other weights, the mean of all draws, and
    the rival that it most often is against. A truth without such rivals has 1: its class is all that can be asked for.
    """
    apart = rows[rows["distance"] > SAME]
    of_draw = ["truth", "noise", "draw"]
    least = apart.loc[apart.groupby(of_draw)["power"].idxmin()].set_index(of_draw)
    every = pd.MultiIndex.from_frame(rows[of_draw].drop_duplicates())
    least = least.reindex(every).fillna({"power": 1.0, "rival": "none"})
    return least.groupby(["truth", "noise"], sort=False).agg(
        power=("power", "mean"), against=("rival", lambda rivals: rivals.mode().iloc[0])
    )
