"""The search for parameters with which a network runs a rule: CMA-ES over places in the space of parameters.

CMA-ES (Hansen & Ostermeier 2001, Evol Comput 9:159) ranks candidates and follows what the better half have in common:
it needs neither slopes nor scores without noise, and asks for a whole generation at once, which runs as the replicas of
one of a few networks. It draws the same candidates from the same seed and scores, so a search that was interrupted is
resumed by telling it again what was kept.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofwp.calibration.space import SPACE, Floats, Space
from neurofwp.calibration.trial import Trial
from neurofwp.runtime import parallel
from neurofwp.runtime.progress import progress_bar

if TYPE_CHECKING:
    from tqdm import tqdm

SPREAD = 0.25  # of the first generation, in shares of the bounds
NETWORKS = 2  # that run a generation: the same on every machine, since each has noise of its own

log = logging.getLogger("neurofwp")


def search(
    space: Space,
    rule: str,
    programs: tuple[xr.Dataset, xr.Dataset],
    network: dict[str, Any],
    *,
    generations: int,
    population: int,
    seed: int,
    folder: Path | None,
) -> xr.Dataset:
    """Generations of candidates, then a final one: the best so far and the centre of the search, on a second Program.

    Every generation runs with other spikes. The start model is the first candidate of the first generation.

    Returns
    -------
    Dataset over ``candidate``: ``generation``, the scores of `Trial.scores`, ``final`` (whether it ran on the second
    Program) and ``chosen`` (one True: the best of the final generation); over (candidate, parameter): ``place`` and
    ``value``, in the unit of each parameter.
    """
    import cma  # an import of a second, for this experiment only

    options = {"bounds": [0, 1], "popsize": population, "seed": seed + 1, "verbose": -9}  # 0 would be the time of day
    evolution = cma.CMAEvolutionStrategy(space.origin.clip(0.02, 0.98), SPREAD, options)
    rounds: list[xr.Dataset] = []
    total = (generations + 1) * population
    with parallel.open_executor(NETWORKS) as executor, progress_bar(total=total, desc="candidates") as bar:
        for generation in range(generations + 1):
            final = generation == generations
            places = _finalists(rounds, evolution, population) if final else np.array(evolution.ask())
            if generation == 0:
                places[0] = space.origin
            made = _generation(
                space,
                places,
                rule,
                programs[final],
                network,
                f"generation-{generation}",
                seed=(generations + 1) * seed + generation,
                folder=folder,
                executor=executor,
            )
            if not final:
                evolution.tell(list(places), list(-made["objective"].values))
            ran = np.full(population, generation)
            rounds.append(made.assign(generation=("candidate", ran), final=("candidate", ran == generations)))
            _report(made, generation, bar)
    return _choose(xr.concat(rounds, dim="candidate"))


def _report(candidates: xr.Dataset, generation: int, bar: tqdm[Any]) -> None:
    """Tell the best candidate of a generation."""
    top = candidates.isel(candidate=np.argmax(candidates["objective"].values))
    bar.update(candidates.sizes["candidate"])
    bar.set_postfix(share=f"{float(top['share']):.3f}", recall=f"{float(top['recall']):.3f}")
    log.debug("generation %d: %s", generation, top.drop_vars(("place", "value")).to_dict()["data_vars"])


def _choose(candidates: xr.Dataset) -> xr.Dataset:
    """All candidates with their units and with `chosen`: the best of the final generation."""
    objective = candidates["objective"].where(candidates["final"]).values
    chosen = np.arange(len(objective)) == np.nanargmax(objective)
    candidates = candidates.assign(chosen=("candidate", chosen))
    for name in ("generation", "final", "chosen", "place"):
        candidates[name].attrs["units"] = "1"
    candidates["value"].attrs["units"] = "that of each parameter"
    return candidates


def _generation(
    space: Space,
    places: Floats,
    rule: str,
    program: xr.Dataset,
    network: dict[str, Any],
    name: str,
    *,
    seed: int,
    folder: Path | None,
    executor: parallel.Executor,
) -> xr.Dataset:
    """Scores of a generation."""
    quantities = space.quantities(places)
    shares = np.array_split(np.arange(len(places)), NETWORKS)
    spikes = np.random.SeedSequence(seed).generate_state(len(shares))
    trials = [
        Trial(
            f"{name}-{index}",
            program,
            network,
            {each: values[own] for each, values in quantities.items()},
            rule,
            seed=int(spikes[index]),
        )
        for index, own in enumerate(shares)
    ]
    cases = {trial.name: (trial,) for trial in trials}
    with parallel.start(Trial.scores, cases, folder=folder, executor=executor) as scores:
        made = xr.concat([scores[name] for name in cases], dim="candidate")
    value = np.stack([np.asarray(quantities[each.name] / space.unit(each.name)) for each in SPACE], axis=1)
    return made.assign(
        place=(("candidate", "parameter"), places), value=(("candidate", "parameter"), value)
    ).assign_coords(parameter=[each.name for each in SPACE])


def _finalists(rounds: Sequence[xr.Dataset], evolution: Any, population: int) -> Floats:
    """The centre of the search, and the best candidates."""
    every = xr.concat(list(rounds), dim="candidate")
    best = every["place"].values[np.argsort(-every["objective"].values, kind="stable")[: population - 1]]
    return np.vstack([np.clip(evolution.result.xfavorite, 0, 1), best])
