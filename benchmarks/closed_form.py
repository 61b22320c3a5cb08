"""How far is the closed form of the coupled cell from the best that a search finds?

CMA-ES looks for factors on five parameters of the circuit "two-compartment" that raise recall, on episodes of one seed;
every generation runs as conditions of one network, with spikes of its own. What it favours in the end, and the best
candidate that it saw, are then compared with the closed form on episodes and spikes of fresh seeds, paired by episode.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cma
import numpy as np
import tyro
import xarray as xr
from tqdm import tqdm

import neurofwp as nf
from neurofwp.spiking.conditions import from_quantities

CIRCUIT = "two-compartment"
SEARCHED = 10_000  # seeds of spikes in the search begin here, far from fresh ones
# factors, and 1/these
LARGEST = {"soma_exc_mean": 1.3, "g_perisomatic": 2.0, "g_gate": 2.0, "g_teach": 2.0, "g_gaba": 2.0}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-closed-form.json")
    """Where the numbers go."""
    evaluations: int = 200
    """Candidates in all."""
    population: int = 10
    """Candidates of a generation."""
    episodes: int = 6
    """Episodes of each candidate, and of each fresh seed twice as many."""
    seed: int = 100
    """Of the search; fresh seeds follow it."""
    fresh: int = 3
    """Seeds on which the closed form and what was found are compared."""


def program(seed: int, episodes: int) -> xr.Dataset:
    """Eight pairs of digits of 8 pixels under keys that overlap by a fifth, half of them reassigned."""
    task = nf.tasks.digit_pairs(8, episodes, reassign=0.5, seed=seed)
    keys = nf.slownet.FixedEncoder(pre=200, active=20, seed=seed, overlap=0.2)
    return nf.transforms.selection.keep_most_varied(keys(task), 8)


def recall(made: xr.Dataset, factors: np.ndarray, seed: int) -> np.ndarray:
    """R^2 (candidate, episode) with parameters multiplied by `factors` (candidate, parameter)."""
    network = nf.SpikingNetwork(circuit=CIRCUIT)
    own: dict[str, Any] = {name: factors[:, column] * network.circuit[name] for column, name in enumerate(LARGEST)}
    run = network.run(made, seed=seed, conditions=from_quantities(**own))
    score: np.ndarray = nf.metrics.recall_r2(made, run, by="episode").transpose("condition", "episode").values
    return score


def search(settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Factors that CMA-ES favours, and those of the best candidate that it saw."""
    widest = np.log(list(LARGEST.values()))
    options = {"bounds": [-1, 1], "popsize": settings.population, "seed": settings.seed + 1, "verbose": -9}
    evolution = cma.CMAEvolutionStrategy(np.zeros(len(widest)), 0.3, options)
    made, seen = program(settings.seed, settings.episodes), []
    for generation in tqdm(range(settings.evaluations // settings.population), desc="generations"):
        places = np.array(evolution.ask())
        score = recall(made, np.exp(places * widest), SEARCHED + generation).mean(1)
        evolution.tell(list(places), list(-score))
        seen += list(zip(score, places, strict=True))
    best = max(seen, key=lambda each: float(each[0]))[1]
    return np.exp(evolution.result.xfavorite * widest), np.exp(best * widest)


def main(words: list[str] | None = None) -> int:
    """Search, compare on fresh seeds, write the numbers."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.closed_form", description=__doc__, args=words)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    favoured, best = search(settings)
    contenders = np.stack([np.ones(len(LARGEST)), favoured, best])
    scores = np.concatenate(
        [
            recall(program(seed, 2 * settings.episodes), contenders, seed)
            for seed in range(settings.seed + 1, settings.seed + 1 + settings.fresh)
        ],
        axis=1,
    )
    found: dict[str, Any] = {"evaluations": settings.evaluations, "episodes": scores.shape[1]}
    for row, name in enumerate(("closed form", "favoured", "best seen")):
        found[name] = {
            "factors": dict(zip(LARGEST, contenders[row].round(4).tolist(), strict=True)),
            "recall": float(scores[row].mean()), "sem": float(scores[row].std(ddof=1) / scores.shape[1] ** 0.5),
        }  # fmt: skip
        gain = scores[row] - scores[0]
        found[name] |= {"gain": float(gain.mean()), "gain_sem": float(gain.std(ddof=1) / len(gain) ** 0.5)}
    settings.json.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
