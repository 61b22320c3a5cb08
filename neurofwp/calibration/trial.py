"""Candidates tried: run side by side as replicas of one network, every one scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from brian2 import Quantity

from neurofwp import identification, metrics, trace as traces
from neurofwp.errors import InputError
from neurofwp.rules import get
from neurofwp.spiking import conditions
from neurofwp.spiking.jobs import Job

RIVALS = ("delta", "fixed_decay", "outstar", "soft_bound")
RUNS = 2  # of every candidate, with other noise
KEPT = ["weight", "recall", "conductance"]  # of a Trace: all that fits and scores look at
LEAD = 0.05  # FEVE by which a rule must lead its rivals to be identified in any episode
# What is missing to that lead counts so many times: a network that another rule describes better does not run this one,
# however much of it this one explains. Half of the lead missing outweighs what recall can gain.
MISSING = 4.0
WORST = -1.0  # of a share or a recall: how far below nothing makes no difference


def rivals(rule: str) -> tuple[str, ...]:
    """Rules that a rule is compared with during a search: others that do not contain it, nor have it as a limit."""
    return tuple(
        each for each in RIVALS if each != rule and rule not in get(each).nests and rule not in get(each).approaches
    )


@dataclass(frozen=True)
class Trial:
    """Some candidates on one Program; every episode of every candidate runs twice, for the noise ceiling."""

    name: str
    program: xr.Dataset
    network: Mapping[str, object]
    candidates: Mapping[str, Quantity]  # parameters (candidate,), by name
    rule: str
    seed: int

    @property
    def job(self) -> Job:
        """The simulation: conditions ordered by candidate and run."""
        count = len(next(iter(self.candidates.values())))
        own: dict[str, Any] = {name: np.repeat(values, RUNS) for name, values in self.candidates.items()}
        every = conditions.from_quantities(seed=conditions.seeds_of_runs(self.seed, RUNS) * count, **own)
        return Job(f"{self.name}-{self.rule}", self.program, self.network, seed=self.seed, conditions=every)

    def depends_on(self) -> list[Any]:
        """All that the scores depend on beside the code."""
        return [self.rule, *self.job.depends_on()]

    def scores(self) -> xr.Dataset:
        """Over ``candidate``: explained ``share`` of the rule, ``rival``, the best of its rivals, ``recall`` of keys
        reassigned, and ``objective``: share + recall, less what is missing to a lead of `LEAD` over the rivals.

        The share is FEVE of held-out increments, fitted to the first half of the episodes. A candidate whose
        weights do not move, or do not repeat, gets the worst.
        """
        every = self.job.trace()[KEPT]
        runs = [traces.of_condition(every, number) for number in range(every.sizes["condition"])]
        rows = [self._scores(runs[first : first + RUNS]) for first in range(0, len(runs), RUNS)]
        share, rival, recall = np.maximum(np.nan_to_num(np.array(rows), nan=WORST), WORST).T
        objective = share + recall - MISSING * np.maximum(LEAD - (share - rival), 0)
        columns = {"share": share, "rival": rival, "recall": recall, "objective": objective}
        return xr.Dataset({name: ("candidate", column, {"units": "1"}) for name, column in columns.items()})

    def _scores(self, both: Sequence[xr.Dataset]) -> tuple[float, float, float]:
        names = (self.rule, *rivals(self.rule))
        try:
            fits = identification.identify(
                self.program,
                both[0],
                names,
                repeat=both[1],
                restarts=2,
                seed=self.seed,
                references=False,
                progress=False,
            )
        except InputError:  # nothing was learned
            return WORST, WORST, WORST
        share = fits["feve"].values if float(fits["noise_ceiling"]) > 0.1 else np.full(len(names), WORST)
        recall = np.mean([metrics.recall_r2(self.program, each, where=self.program["reassigned"]) for each in both])
        return float(share[0]), float(share[1:].max(initial=WORST)), float(recall)
