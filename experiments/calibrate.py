"""From a rule to a synapse: receptor and circuit parameters with which the spiking network runs a given rule.

CMA-ES moves ten parameters of synapse and circuit within physiological bounds, away from a start model that runs
another rule. Candidates of a generation run side by side, as replicas of one network in each process, and are scored by
the share of the weights' variance that the rule explains on episodes that it was not fitted to, by the recall of keys
that were bound anew, and by the rule's lead over its rivals. The best run once more on other episodes, and one is
chosen.

The chosen model is written as a model file, and judged as that file says, beside the start model: on Programs and with
spikes that the search has not seen, at a time step of 0.1 ms, against every rule of the library.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import Quantity, ms
from matplotlib.figure import Figure

from neurofwp import identification, metrics, plots, rules
from neurofwp.calibration.search import search
from neurofwp.calibration.space import SPACE, Space
from neurofwp.errors import InputError
from neurofwp.plots.calibration import calibration
from neurofwp.runtime import files, provenance
from neurofwp.runtime.parallel import parallel_map
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking import SpikingNetwork
from neurofwp.spiking.jobs import Job, running
from neurofwp.synapses.write_model import model_toml
from neurofwp.tasks import digit_pairs
from neurofwp.transforms.selection import most_varied, without_silent_cells

MODELS = ("start", "chosen")
SEARCHED, FINAL, JUDGED = range(3)  # Programs, by what they are for


@dataclass(frozen=True)
class Settings:
    """What to run."""

    rule: str = "delta"
    """Rule that the network is to run; any that can be fitted."""
    start: str = "soft-bound"
    """Synapse model to start from: one of `neurofwp list synapses` with graded calcium control, or a TOML file."""
    generations: int = 20
    """Generations of candidates, without the final one."""
    population: int = 12
    """Candidates in a generation."""
    pairs: int = 6
    """Pairs per episode of the search."""
    overlap: float = 0.1
    """Share of active cells that two keys have in common on average. Where keys share next to none, error correction
    and the overwriting of single synapses do the same, and a search for the one finds the other."""
    pixels: int = 8
    """How many pixels the values have: those that differ most between digits."""
    search_step: float = 0.5
    """Time step of membranes in the search, ms; the judgement takes 0.1 ms."""
    episodes: int = 8
    """Episodes of the judgement: rules are fitted to the first half and judged on the others."""
    judged_pairs: int = 8
    """Pairs per episode of the judgement."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Search, write the model file beside `folder`, and judge.

    Raises
    ------
    InputError
        for a rule that cannot be fitted, a start model without the parameters that are searched, or settings below
        what a search needs.
    """
    if rules.get(settings.rule) not in identification.CANDIDATES:
        known = ", ".join(each.id for each in identification.CANDIDATES)
        raise InputError(f"rule {settings.rule!r} cannot be fitted to weights; these can: {known}")
    if settings.generations < 1 or settings.population < 4 or settings.episodes < 4 or settings.pairs < 2:
        raise InputError("calibrate needs 1 generation, 4 candidates in each, 4 episodes to judge and 2 pairs, or more")
    space = Space(settings.start)
    network = {"synapse": settings.start, "membrane_step": settings.search_step * ms}
    SpikingNetwork(**network)  # refuses a step that does not fit, before any work
    searched, final = (_program(settings, settings.pairs, 2, seed, purpose) for purpose in (SEARCHED, FINAL))
    every = search(
        space, settings.rule, (searched, final), network, generations=settings.generations,
        population=settings.population, seed=seed, folder=folder,
    )  # fmt: skip
    every.attrs |= {"rule": settings.rule, "start": settings.start}
    text = _model(settings, every, seed)
    own = folder.parent if folder else Path()
    path = files.output_folder(own) / f"{settings.rule.replace('_', '-')}-calibrated.toml"
    with files.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    judged = _judged(settings, path, seed, device, folder)
    return xr.DataTree.from_dict(
        {"/search": every, "/parameters": _parameters(space, every).assign_attrs(model=text)} | judged
    )


def _program(settings: Settings, pairs: int, episodes: int, seed: int, purpose: int) -> xr.Dataset:
    """Half of the keys are bound anew. Other purposes have other expansions of images, the judgement other images."""
    own = int(np.random.SeedSequence((seed, purpose)).generate_state(1)[0])
    task = digit_pairs(pairs, episodes, rebind=0.5, seed=own, split="test" if purpose == JUDGED else "train")
    return without_silent_cells(most_varied(FixedEncoder(seed=own, overlap=settings.overlap)(task), settings.pixels))


def _model(settings: Settings, every: xr.Dataset, seed: int) -> str:
    """The chosen model, in TOML."""
    value = every["value"].values[np.flatnonzero(every["chosen"].values)[0]]
    where = f"neurofwp run calibrate --rule {settings.rule} --start {settings.start} --seed {seed}"
    tried = f"commit {provenance.commit()}, {every.sizes['candidate']} candidates"
    source = f"{where}, {tried}; what was not searched as in {settings.start}"
    found = {
        each.name: (float(number), each.unit, f"found by search in [{each.low:g}, {each.high:g}]")
        for each, number in zip(SPACE, value, strict=True)
    }
    description = f"Calibrated to run the {settings.rule} rule, from {Path(settings.start).stem}"
    return model_toml(settings.start, found, description=description, source=source)


def _parameters(space: Space, every: xr.Dataset) -> xr.Dataset:
    """Over ``parameter``: where the start and the chosen model are, between which bounds, and why there."""
    at = np.flatnonzero(every["chosen"].values)[0]
    start = [float(Quantity(space.own[each.name]) / space.unit(each.name)) for each in SPACE]
    columns: dict[str, Any] = {
        "start": start,
        "found": every["value"].values[at],
        "low": [each.low for each in SPACE],
        "high": [each.high for each in SPACE],
        "unit": [each.unit for each in SPACE],
        "reason": [each.reason for each in SPACE],
    }
    table = xr.Dataset({name: ("parameter", column) for name, column in columns.items()})
    return table.assign_coords(parameter=[each.name for each in SPACE])


def _judged(settings: Settings, path: Path, seed: int, device: str, folder: Path | None) -> dict[str, xr.Dataset]:
    """Every rule fitted to the start and to the chosen model, and recall of both, on what the search has not seen."""
    program = _program(settings, settings.judged_pairs, settings.episodes, seed, JUDGED)
    spikes = np.random.SeedSequence((seed, JUDGED)).generate_state(2)
    synapse = dict(zip(MODELS, (settings.start, path), strict=True))
    jobs = [
        Job(f"{model}-{run}", program, {"synapse": synapse[model]}, seed=int(spikes[run]))
        for model in MODELS
        for run in (0, 1)
    ]
    with running(jobs, folder=folder) as trace:
        both = {model: [trace(f"{model}-{run}") for run in (0, 1)] for model in MODELS}
    cases = {model: (program, *runs, seed, device) for model, runs in both.items()}
    fits = parallel_map(_identified, cases, folder=folder, description="fitting all rules")
    judged = {f"/fits/{model}": each for model, each in fits.items()}
    recalls = [_recall(program, one) for one, _ in both.values()]
    return judged | {"/recall": xr.concat(recalls, dim=xr.DataArray(list(MODELS), dims="model", name="model"))}


def _identified(program: xr.Dataset, one: xr.Dataset, other: xr.Dataset, seed: int, device: str) -> xr.Dataset:
    return identification.identify(program, one, repeat=other, restarts=4, seed=seed, device=device, progress=False)


def _recall(program: xr.Dataset, trace: xr.Dataset) -> xr.Dataset:
    """Recall of every episode: of keys bound anew, of all, and what an answer without a key would have."""
    rebound = program["rebound"]
    found = {
        "rebound": metrics.recall_r2(program, trace, by="episode", where=rebound),
        "all": metrics.recall_r2(program, trace, by="episode"),
        "chance": metrics.chance_r2(program, by="episode", where=rebound),
    }
    return xr.Dataset({name: each.assign_attrs(units="1") for name, each in found.items()})


def summary(result: xr.DataTree) -> dict[str, Any]:
    """For start and chosen: best rules, explained share of the rule and of every other, and recall; what was found."""
    rule, recall = result["search"].attrs["rule"], result["recall"].to_dataset()
    numbers: dict[str, Any] = {"candidates": result["search"].sizes["candidate"]}
    for model in MODELS:
        fits = result[f"fits/{model}"].to_dataset()
        own = fits.sel(rule=rule)
        numbers[f"{model}.best"] = fits["rule"].values[fits["best"].values].tolist()
        numbers |= {f"{model}.share": float(own["explained_share"]), f"{model}.low": float(own["low"])}
        numbers |= {f"{model}.high": float(own["high"]), f"{model}.noise_ceiling": float(own["noise_ceiling"])}
        for each in fits["rule"].values.tolist():
            numbers[f"{model}.rules.{each}"] = float(fits["explained_share"].sel(rule=each))
        for name in recall.data_vars:
            r2 = recall[name].sel(model=model)
            numbers[f"{model}.recall.{name}.r2"] = float(r2.mean())
            numbers[f"{model}.recall.{name}.sem"] = float(r2.std(ddof=1) / np.sqrt(r2.size))
    found = result["parameters"].to_dataset()
    return numbers | {f"found.{name}": float(found["found"].sel(parameter=name)) for name in found["parameter"].values}


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """What was found; every rule's share of start and chosen; every candidate."""
    every = result["search"].to_dataset()
    fits = {model: result[f"fits/{model}"].to_dataset() for model in MODELS}
    columns = {
        f"{model}_{name}": each[name].values
        for model, each in fits.items()
        for name in ("explained_share", "low", "high", "best")
    }
    shares = pd.DataFrame({"rule": fits["chosen"]["rule"].values} | columns)
    flat = every[[name for name in every if every[name].dims == ("candidate",)]].to_dataframe()
    values = pd.DataFrame(every["value"].values, columns=every["parameter"].values.tolist())
    found = result["parameters"].to_dataset().to_dataframe().reset_index()
    return {"found": found, "rules": shares, "candidates": flat.join(values)}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """The front of recall against explained share, with what was found; and every rule's share of the chosen model."""
    return {
        "front": calibration(
            result["search"].to_dataset(), result["parameters"].to_dataset(),
            {model: _point(result, model) for model in MODELS},
        ),
        "rules_of_the_chosen": plots.rule_bars(result["fits/chosen"].to_dataset()),
        "rules_of_the_start": plots.rule_bars(result["fits/start"].to_dataset()),
    }  # fmt: skip


def _point(result: xr.DataTree, model: str) -> dict[str, float]:
    """Where a model was judged to be: share with its interval, recall with its standard error."""
    fits = result[f"fits/{model}"].to_dataset().sel(rule=result["search"].attrs["rule"])
    recall = result["recall/rebound"].sel(model=model)
    share, low, high = (float(fits[name]) for name in ("explained_share", "low", "high"))
    sem = float(recall.std(ddof=1) / np.sqrt(recall.size))
    return {"share": share, "low": low, "high": high, "recall": float(recall.mean()), "sem": sem}
