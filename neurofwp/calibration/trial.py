"""Candidates tried: run side by side as replicas of one network, every one scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from brian2 import Quantity

from neurofwp import identification, metrics
from neurofwp.errors import InputError
from neurofwp.rules import get
from neurofwp.spiking.jobs import Job

RIVALS = ("delta", "fixed_decay", "outstar", "soft_bound")
KEPT = ["weight", "recall", "conductance"]  # of a Trace: all that fits and scores look at
LEAD = 0.05  # explained share by which a rule must lead its rivals to be told from them in any episode
# What is missing to that lead counts so many times: a network that another rule describes better does not run this one,
# however much of it this one explains. Half of the lead missing outweighs what recall can gain.
MISSING = 4.0
WORST = -1.0  # of a share or a recall: how far below nothing makes no difference


def rivals(rule: str) -> tuple[str, ...]:
    """Rules that a rule is compared with during a search: others that do not contain it, nor have it as a limit."""
    return tuple(
        each for each in RIVALS
        if each != rule and rule not in get(each).nests and rule not in get(each).approaches
    )  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """Some candidates on one Program; every episode of every candidate runs twice, for the noise ceiling."""

    name: str
    program: xr.Dataset
    network: Mapping[str, object]
    varied: Mapping[str, Quantity]  # (candidate,)
    rule: str
    seed: int

    @property
    def job(self) -> Job:
        """The simulation: replicas ordered by candidate, run and episode."""
        episodes, candidates = self.program.sizes["episode"], len(next(iter(self.varied.values())))
        every = self.program.isel(episode=np.tile(np.arange(episodes), 2 * candidates))
        varied = {name: np.repeat(values, 2 * episodes) for name, values in self.varied.items()}
        return Job(f"{self.name}-{self.rule}", every, self.network, seed=self.seed, varied=varied)

    def depends_on(self) -> list[Any]:
        """All that the scores depend on beside the code."""
        return [self.rule, *self.job.depends_on()]

    def scores(self) -> xr.Dataset:
        """Over ``candidate``: explained ``share`` of the rule, ``rival``, the best of its rivals, ``recall`` of keys
        bound anew, and ``objective``: share + recall, less what is missing to a lead of `LEAD` over the rivals.

        The share is held-out R^2 over the noise ceiling, fitted to the first half of the episodes. A candidate whose
        weights do not move, or do not repeat, gets the worst.
        """
        every, episodes = self.job.run()[KEPT], self.program.sizes["episode"]
        rows = []
        for first in range(0, every.sizes["episode"], 2 * episodes):
            both = [every.isel(episode=slice(at, at + episodes)) for at in (first, first + episodes)]
            rows.append(self._scores(both))
        share, rival, recall = np.maximum(np.nan_to_num(np.array(rows), nan=WORST), WORST).T
        objective = share + recall - MISSING * np.maximum(LEAD - (share - rival), 0)
        columns = {"share": share, "rival": rival, "recall": recall, "objective": objective}
        return xr.Dataset({name: ("candidate", column, {"units": "1"}) for name, column in columns.items()})

    def _scores(self, both: Sequence[xr.Dataset]) -> tuple[float, float, float]:
        names = (self.rule, *rivals(self.rule))
        try:
            fits = identification.identify(
                self.program, both[0], names, repeat=both[1], restarts=2, seed=self.seed, progress=False
            )
        except InputError:  # nothing was learned
            return WORST, WORST, WORST
        share = fits["explained_share"].values if float(fits["noise_ceiling"]) > 0.1 else np.full(len(names), WORST)
        recall = np.mean([metrics.recall_r2(self.program, each, where=self.program["rebound"]) for each in both])
        return float(share[0]), float(share[1:].max(initial=WORST)), float(recall)
