"""Ablations: what recall and the winning rule rest on, as a table: NMDA receptors, gates, interneurons, plateaus.

Every key is shown twice, the second time with another value, which half of the keys are to take and half to let pass:
there the write gate stays closed. So recall asks for the right gates, and rules are tested on them. The same Programs
run intact and with one thing taken away:

- NMDA blocked: no receptor binds glutamate, so no calcium enters.
- gate shuffled: synapses see the gates of each episode at other writes. Recall and rules are judged by what the Program
  says, not by what synapses saw. The row "gate shuffled, known" judges the same conductances by the shuffled gates: a
  synapse whose rule is unchanged has the same rule and recall there as an intact one.
- interneurons removed: the prediction does not reach the dendrite.
- plateaus removed, for synapses that only plateaus write: the gate, without which there is none, stays closed.

An ablation of what a model does not have does not apply. Where weights never move there is no learning, and no rule to
look for. Each Program runs twice with other spikes, which gives the noise ceiling; rules are fitted to one half of the
episodes and judged on the other. BTSP has pauses between events that outlast its eligibility trace, and a scale of
conductance, which is not published, at which value cells do not saturate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import Quantity, get_dimensions, nS, second
from matplotlib.figure import Figure

from neurofwp import identification, metrics
from neurofwp.errors import InputError
from neurofwp.plots.recall_and_rules import recall_and_rules
from neurofwp.runtime.parallel import parallel_map
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking import conditions
from neurofwp.spiking.jobs import Job, running
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.tasks import digit_pairs
from neurofwp.trace import of_condition
from neurofwp.transforms import gates
from neurofwp.transforms.selection import most_varied, without_silent_cells

Values = Mapping[str, "Quantity | float"]

KEPT = ["weight", "recall", "conductance"]  # of a Trace: all that fits and scores look at
STILL = 1e-3  # weights that differ by less, relative to the largest, have not moved: single precision rounds them
RUNS = 2  # of everything: what repeats is the noise ceiling
INTACT, SHUFFLED, KNOWN = "intact", "gate shuffled", "gate shuffled, known"
LEARNS, STAYS, NEVER = "learns", "no learning", "does not apply"


@dataclass(frozen=True)
class Ablation:
    """What is done to the Program that synapses see and to the network, and which networks have such a thing."""

    program: Callable[[xr.Dataset, np.random.Generator], xr.Dataset] = gates.same
    parameters: Values = field(default_factory=dict)
    applies: Callable[[SpikingNetwork], bool] = lambda network: True


ABLATIONS = {
    INTACT: Ablation(),
    "NMDA blocked": Ablation(
        parameters={"alpha_nmda": 0.0}, applies=lambda network: "alpha_nmda" in network.synapse.values
    ),
    SHUFFLED: Ablation(gates.shuffled),
    "interneurons removed": Ablation(
        parameters={"g_gaba": 0 * nS}, applies=lambda network: float(network.circuit["g_gaba"]) > 0
    ),
    "plateaus removed": Ablation(gates.closed, applies=lambda network: "plateau_length" in network.synapse.values),
}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    regimes: tuple[str, ...] = ("btsp-network", "error-correcting", "thresholds", "additive")
    """Synapse models: of `neurofwp list synapses`, or TOML files."""
    episodes: int = 8
    """Episodes: rules are fitted to the first half and judged on the others."""
    pairs: int = 6
    """Keys per episode; each is shown twice."""
    let_pass: float = 0.5
    """Share of the second values that are to be let pass."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average."""
    pixels: int = 6
    """How many pixels the values have: those that differ most between digits."""
    plateau_pause: float = 2.0
    """Pause after each write and each read, s, where plateaus write."""
    plateau_scale: float = 0.15
    """Conductance of a weight of one, nS, where plateaus write."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate every regime, its ablations and a repeat of each side by side; score recall and fit the rules.

    Raises
    ------
    InputError
        for fewer than four episodes, no regimes or one that there is not, or a share outside [0, 1].
    """
    if settings.episodes < 4 or not settings.regimes:
        raise InputError("give a regime or more, and 4 episodes or more: one half is fitted, the other judged")
    task = digit_pairs(settings.pairs, settings.episodes, rebind=1.0, seed=seed)
    program = most_varied(FixedEncoder(pre=200, seed=seed, overlap=settings.overlap)(task), settings.pixels)
    program = gates.let_pass(without_silent_cells(program), settings.let_pass, np.random.default_rng((seed, 0)))
    seen = {
        name: ablation.program(program, np.random.default_rng((seed, 1, index)))
        for index, (name, ablation) in enumerate(ABLATIONS.items())
    }
    judged: dict[str, xr.Dataset] = {}
    for name in ABLATIONS:
        judged[name] = program
        if name == SHUFFLED:
            judged[KNOWN] = gates.retargeted(seen[name])
    networks = {regime: _arguments(regime, settings) for regime in settings.regimes}
    applying = {
        regime: [name for name, each in ABLATIONS.items() if each.applies(SpikingNetwork(**arguments))]
        for regime, arguments in networks.items()
    }
    jobs = [
        Job(
            regime, xr.concat([seen[name] for name in RUNS * applying[regime]], dim="condition", data_vars="all"),
            arguments, seed=seed, conditions=_conditions(SpikingNetwork(**arguments), applying[regime], seed),
        )
        for regime, arguments in networks.items()
    ]  # fmt: skip
    with running(jobs, folder=folder) as trace:
        runs = {regime: trace(regime)[KEPT] for regime in networks}
    traces = {
        (regime, name): [of_condition(runs[regime], number) for number in (one, one + len(names))]
        for regime, names in applying.items()
        for one, name in enumerate(names)
    }
    traces |= {(regime, KNOWN): traces[regime, SHUFFLED] for regime in networks}
    fits = parallel_map(
        identified,
        {
            f"{regime}-{name}": (judged[name], *pair, seed, device)
            for (regime, name), pair in traces.items()
            if moved(pair[0])
        },
        folder=folder,
        description="fitting all rules",
    )
    tree = {"/program": program, "/recall": _recall(judged, traces, settings)}
    for regime, name in traces:
        if f"{regime}-{name}" in fits:
            tree[f"/fits/{regime}/{name}"] = fits[f"{regime}-{name}"]
    return xr.DataTree.from_dict(tree)


def _arguments(regime: str, settings: Settings) -> dict[str, Any]:
    """The intact network: SpikingNetwork's arguments."""
    values = SpikingNetwork(regime).synapse.values
    if "plateau_length" not in values:
        return {"synapse": regime}
    scaled = {name: settings.plateau_scale * values[name] for name in ("w_initial", "w_max")}
    return {"synapse": regime, "parameters": scaled | {"pause": settings.plateau_pause * second}}


def _conditions(network: SpikingNetwork, names: list[str], seed: int) -> xr.Dataset:
    """Every ablation, and every one again with other noise: parameters that some of them change, and seeds."""
    intact = network.circuit | network.synapse.values
    own = {}
    for parameter in sorted({parameter for name in names for parameter in ABLATIONS[name].parameters}):
        values = RUNS * [ABLATIONS[name].parameters.get(parameter, intact[parameter]) for name in names]
        own[parameter] = Quantity([float(value) for value in values], dim=get_dimensions(intact[parameter]))
    seeds = [each for each in conditions.seeds_of_runs(seed, RUNS) for _ in names]
    return conditions.from_quantities(seed=seeds, **own)


def moved(trace: xr.Dataset) -> bool:
    """Whether any conductance of a Trace differs from the others, beyond rounding."""
    weight = trace["conductance"].values
    return bool(np.ptp(weight) > STILL * np.abs(weight).max())


def identified(program: xr.Dataset, one: xr.Dataset, other: xr.Dataset, seed: int, device: str) -> xr.Dataset:
    """All rules fitted to one network."""
    return identification.identify(program, one, repeat=other, restarts=4, seed=seed, device=device, progress=False)


def _recall(
    judged: Mapping[str, xr.Dataset], traces: Mapping[tuple[str, str], list[xr.Dataset]], settings: Settings
) -> xr.Dataset:
    """Scores (regime, condition, episode), NaN where an ablation does not apply; and chance (condition, episode)."""
    shape = (len(settings.regimes), len(judged), settings.episodes)
    found = {name: np.full(shape, np.nan) for name in ("r2", "rebound_r2", "identified")}
    status = np.full(shape[:2], NEVER, dtype=object)
    chance = np.stack([metrics.chance_r2(program, by="episode").values for program in judged.values()])
    for i, regime in enumerate(settings.regimes):
        for j, (name, program) in enumerate(judged.items()):
            if (regime, name) not in traces:
                continue
            one = traces[regime, name][0]
            status[i, j] = LEARNS if moved(one) else STAYS
            found["r2"][i, j] = metrics.recall_r2(program, one, by="episode")
            if bool(program["rebound"].any()):
                found["rebound_r2"][i, j] = metrics.recall_r2(program, one, by="episode", where=program["rebound"])
            found["identified"][i, j] = metrics.identified(program, one, by="episode")
    unit = {"units": "1"}
    dims = ("regime", "condition", "episode")
    return xr.Dataset(
        {name: (dims, values, unit) for name, values in found.items()}
        | {"status": (dims[:2], status.astype(str), unit), "chance": (dims[1:], chance, unit)},
        coords={"regime": list(settings.regimes), "condition": list(judged)},
    )


def table(result: xr.DataTree) -> pd.DataFrame:
    """One row for each regime and condition: recall, noise ceiling, and the rules that are left."""
    recall = result["recall"].to_dataset()
    rows = []
    for regime in recall["regime"].values.tolist():
        for name in recall["condition"].values.tolist():
            own = recall.sel(regime=regime, condition=name)
            row: dict[str, Any] = {"network": f"{regime}, {name}", "status": str(own["status"].item())}
            for score in ("r2", "rebound_r2", "identified"):
                values = own[score].dropna("episode").values
                several = len(values) > 1
                row[score] = float(values.mean()) if len(values) else np.nan
                row[f"{score}_sem"] = float(values.std(ddof=1) / len(values) ** 0.5) if several else np.nan
            rows.append(row | _verdict(result, regime, name) | {"regime": regime, "condition": name})
    return pd.DataFrame(rows)


def _verdict(result: xr.DataTree, regime: str, name: str) -> dict[str, Any]:
    """Noise ceiling, the rules that are left, and what the best of them explains."""
    if "fits" not in result.children or name not in result["fits"].children.get(regime, {}):
        return {"rules": ""} | dict.fromkeys(
            ("noise_ceiling", "noise_ceiling_sem", "explained_share", "low", "high"), np.nan
        )
    fits = result[f"fits/{regime}/{name}"].to_dataset()
    left = fits.isel(rule=np.flatnonzero(fits["best"].values))
    best = left.isel(rule=int(left["explained_share"].values.argmax()))
    return {
        "rules": " or ".join(left["rule"].values.tolist()),
        "noise_ceiling": float(fits["noise_ceiling"]),
        "noise_ceiling_sem": float(fits["noise_ceiling_sem"]),
    } | {column: float(best[column]) for column in ("explained_share", "low", "high")}


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Every number of the table, under <regime>.<condition>.<column>; `rules` is a list; and chance.<condition>.r2."""
    numbers: dict[str, Any] = {}
    for row in table(result).to_dict("records"):
        prefix = f"{row['regime']}.{row['condition']}"
        for column, value in row.items():
            if isinstance(value, float):
                numbers[f"{prefix}.{column}"] = value
        numbers[f"{prefix}.status"] = [row["status"]]
        numbers[f"{prefix}.rules"] = row["rules"].split(" or ") if row["rules"] else []
    chance = result["recall"].to_dataset()["chance"].mean("episode")
    return numbers | {f"chance.{name}.r2": float(chance.sel(condition=name)) for name in chance["condition"].values}


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The table, and every rule of every network."""
    every = []
    for regime, group in result["fits"].children.items() if "fits" in result.children else ():
        for name, each in group.children.items():
            fits = each.to_dataset()
            columns = ("r2", "explained_share", "low", "high", "bic", "best")
            rules = pd.DataFrame({"rule": fits["rule"].values} | {column: fits[column].values for column in columns})
            rules.insert(0, "regime", regime)
            rules.insert(1, "condition", name)
            every.append(rules)
    return {"ablations": table(result)} | ({"rules": pd.concat(every)} if every else {})


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Recall and the winning rule of every network."""
    chance = float(result["recall"].to_dataset()["chance"].sel(condition=INTACT).mean())
    return {"ablations": recall_and_rules(table(result), chance)}
