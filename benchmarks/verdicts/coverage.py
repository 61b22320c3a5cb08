"""Do 95 % intervals hold what they should?

Data sets of one truth differ in their pairs and their noise; a rule is fitted to half of the episodes of each. What its
parameters leave unexplained of the mean weights of many new episodes, of the same encoder or of others, is then known:
the estimand of the interval of u. That of a parameter's interval is the fit of its rule to these mean weights. (For the
truth it is not the parameter that the weights were made with: a noisy key predicts more weakly than its mean.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from benchmarks.verdicts import data
from neurofwp.identification import identify
from neurofwp.identification.fit_rule import Fit, fit_records, predict
from neurofwp.identification.preparation import prepare
from neurofwp.identification.records import Records
from neurofwp.identification.recovery import disturb, network_of
from neurofwp.identification.transfer import saved_fits
from neurofwp.rules import get
from neurofwp.runtime.parallel import parallel_map

TRUTH, PARAMETERS = "delta", {"rate": 0.6, "prediction_gain": 1.1}
RULES = ("delta", "outstar", "hebbian")  # the truth, and two that describe it more and less
ENCODER = 1  # of all data sets
POPULATIONS = ("same encoder", "new encoders")
NEW, RUNS = 160, 10  # episodes and pairs of runs that the estimand is known from


@dataclass(frozen=True)
class Population:
    """Many new episodes: their Records, the entries of E, and at these the increments of two means over runs."""

    records: Records
    entries: Tensor
    first: Tensor
    second: Tensor

    @classmethod
    def of(cls, programs: Sequence[xr.Dataset], noise: float, rng: np.random.Generator) -> Population:
        """The mean weights of some Programs."""
        program = xr.concat(programs, "episode", data_vars="minimal", coords="minimal", compat="override")
        network = network_of(TRUTH, PARAMETERS)
        found = []
        for _ in range(2):
            runs = [prepare(program, network.run(disturb(program, noise, rng)), unit_keys=True) for _ in range(RUNS)]
            mean = torch.stack([each.weight for each in runs]).mean(0)
            found.append(runs[0].with_tensors([*runs[0].tensors[:4], mean, runs[0].initial]).without_silent())
        entries = found[0].entries().expand_as(found[0].weight)
        return cls(found[0], entries, *(each.increments(each.weight)[entries] for each in found))

    def unexplained(self, fit: Fit) -> float:
        """u of fitted parameters."""
        made = self.records.increments(predict(fit, self.records))[self.entries]
        mean = (self.first.mean() + self.second.mean()) / 2
        missed = ((self.first - made) * (self.second - made)).sum()
        return float(missed / ((self.first - mean) * (self.second - mean)).sum())


def populations(noise: float, seed: int = 0) -> dict[str, Population]:
    """New episodes of the encoder of all data sets, and of others."""
    rng = np.random.default_rng(seed)
    same = [data.program(3_000_000 + seed, encoder=ENCODER, episodes=NEW)]
    others = [data.program(4_000_000 + seed + each, episodes=4) for each in range(NEW // 4)]
    return {name: Population.of(each, noise, rng) for name, each in zip(POPULATIONS, (same, others), strict=True)}


def targets(every: Mapping[str, Population]) -> dict[str, dict[str, Mapping[str, float]]]:
    """The parameters of each rule as each population has them, by rule and population."""
    return {
        rule: {
            name: fit_records(get(rule), population.records, restarts=1, seed=0).parameters
            for name, population in every.items()
        }
        for rule in RULES
    }


def one(
    draw: int, noise: float, every: Mapping[str, Population], target: Mapping[str, Mapping[str, Mapping[str, float]]]
) -> list[dict[str, Any]]:
    """The intervals of one data set, of u and of each parameter, and what they should hold in each population."""
    rng = np.random.default_rng([draw, round(1000 * noise)])
    program = data.program(5_000_000 + draw, encoder=ENCODER)
    network = network_of(TRUTH, PARAMETERS)
    first, second = (network.run(disturb(program, noise, rng)) for _ in range(2))
    fits = identify(
        program, first, RULES, repeat=second, unit_keys=True, restarts=1, seed=draw, references=False, progress=False
    )
    at, fit = fits.sel(measure="increments"), {each.rule.id: each for each in saved_fits(fits)}
    rows = []
    for rule in RULES:
        about = {"draw": draw, "noise": noise, "rule": rule}
        limits = {"low": at["unexplained_low"], "high": at["unexplained_high"]}
        held = {name: each.unexplained(fit[rule]) for name, each in every.items()}
        rows.append(about | {"of": "u"} | {name: float(each.sel(model=rule)) for name, each in limits.items()} | held)
        for parameter in fit[rule].parameters:
            own = fits.sel(rule=rule, parameter=parameter)
            limits = {"low": own["parameter_low"], "high": own["parameter_high"]}
            held = {name: known[parameter] for name, known in target[rule].items()}
            rows.append(about | {"of": parameter} | {name: float(each) for name, each in limits.items()} | held)
    return rows


def several(draws: Sequence[int], noise: float) -> list[dict[str, Any]]:
    """The rows of several data sets."""
    every = populations(noise)
    target = targets(every)
    return [row for draw in draws for row in one(draw, noise, every, target)]


def cover(draws: Sequence[int], noise: float, folder: Path | None, workers: int | None) -> pd.DataFrame:
    """A row for every data set and rule."""
    parts = {f"{draws[start]}": (draws[start : start + 50], noise) for start in range(0, len(draws), 50)}
    found = parallel_map(several, parts, folder=folder, description="fifty data sets each", workers=workers)
    return pd.DataFrame([row for rows in found.values() for row in rows])


def shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of intervals that hold each estimand, by rule and what they are of; and how many there were.

    A parameter at a bound of its fit has no interval.
    """
    rows = rows.dropna(subset=["low", "high"])
    held = pd.DataFrame({each: (rows["low"] <= rows[each]) & (rows[each] <= rows["high"]) for each in POPULATIONS})
    by = [rows["rule"], rows["of"]]
    return held.groupby(by, sort=False).mean().assign(intervals=rows.groupby(by, sort=False).size())
