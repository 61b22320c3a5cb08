"""Which fast-weight rule does a synapse run? Regimes of synapses against rules, and whether rules can be told apart.

Every regime is a synapse model in the same spiking circuit. All run the same Programs: pairs of digits under keys that
overlap, some of them bound anew. Each Program runs twice with other spikes, and what repeats is the noise ceiling.
Rules are fitted to the conductances of one half of the episodes and judged on the other half, driven by keys and values
as the Program says (nominal), by keys as the presynaptic cells fired (measured), and by values as the dendrites were
depolarised as well (measured both).

Recovery first asks which rules these episodes tell apart at all: rate networks of every rule, with drawn parameters and
disturbed keys and values, are identified like synapses. Rules that are taken for each other at the noise of the spiking
network form a class, and a verdict on a synapse is a class.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import identification, metrics
from neurofwp.errors import InputError
from neurofwp.identification import recovery
from neurofwp.plots.identification import explained, recovered
from neurofwp.runtime.parallel import parallel_map
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking.jobs import Job, running
from neurofwp.tasks import digit_pairs
from neurofwp.transforms.selection import most_varied

DRIVES = {"nominal": "", "measured": "_measured", "measured-both": "_measured_both"}  # and how summary.json calls them
FITTED = ["weight", "recall", "conductance", "pre_rate", "dendrite"]  # of a Trace: all that fits look at

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    regimes: tuple[str, ...] = (
        "additive",
        "decay",
        "thresholds",
        "soft-bound",
        "omega",
        "error-correcting",
        "btsp-network",
        "finite-pool",
    )
    """Synapse models: of `neurofwp list synapses`, or TOML files."""
    episodes: int = 24
    """Episodes: rules are fitted to the first half and judged on the others."""
    pairs: int = 8
    """Pairs per episode."""
    rebind: float = 0.5
    """Share of the keys that are written again with new values."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average."""
    pixels: int = 8
    """How many pixels the values have: those that differ most between digits."""
    noises: tuple[float, ...] = (0.1, 0.2, 0.4)
    """Noise levels of recovery: coefficients of variation of keys and values."""
    recovery_episodes: int = 8
    """Episodes of recovery: half of them to fit, half to judge."""
    draws: int = 3
    """Parameters drawn for each rule and noise in recovery; 0: no recovery."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate, fit every rule to every regime, and recover.

    Raises
    ------
    InputError
        for fewer than two episodes, or a regime that there is not.
    """
    if settings.episodes < 2:
        raise InputError("episodes must be 2 or more: rules are fitted to one half and judged on the other")
    task = digit_pairs(settings.pairs, settings.episodes, rebind=settings.rebind, seed=seed)
    encoder = FixedEncoder(pre=200, active=20, seed=seed, overlap=settings.overlap)
    program = most_varied(encoder(task), settings.pixels)
    jobs = [
        Job(f"{regime}-{run}", program, {"synapse": regime}, seed=2 * seed + run)
        for regime in settings.regimes
        for run in (0, 1)
    ]
    with running(jobs, folder=folder) as trace:
        traces = {regime: [trace(f"{regime}-{run}") for run in (0, 1)] for regime in settings.regimes}
    recall = xr.concat(
        [metrics.recall_r2(program, one) for one, _ in traces.values()],
        dim=xr.DataArray(list(traces), dims="regime", name="regime"),
    )
    cases = {
        f"{regime}-{drive}": (program, *(each[FITTED] for each in both), drive, seed, device)
        for regime, both in traces.items()
        for drive in DRIVES
    }
    fits = parallel_map(identified, cases, folder=folder, description="fitting all rules")
    tree = {"/program": program, "/recall": recall.assign_attrs(units="1").to_dataset(name="r2")}
    tree |= {f"/fits/{drive}/{regime}": fits[f"{regime}-{drive}"] for drive in DRIVES for regime in traces}
    if settings.draws:
        few = program.isel(episode=slice(settings.recovery_episodes))
        tree["/recovery"] = recovery.recover(
            few, noises=settings.noises, draws=settings.draws, seed=seed, folder=folder
        )
    return xr.DataTree.from_dict(tree)


def identified(
    program: xr.Dataset, one: xr.Dataset, other: xr.Dataset, drive: str, seed: int, device: str
) -> xr.Dataset:  # fmt: skip
    """All rules fitted to one regime."""
    return identification.identify(program, one, repeat=other, drive=drive, seed=seed, device=device, progress=False)


def summary(result: xr.DataTree) -> dict[str, Any]:
    """The matrix of explained shares, the verdict on every regime as a class of rules, and how recovery went.

    Keys: matrix.<regime>.<rule>.{explained_share, low, high} and winner.<regime> (a list) for nominal keys and values,
    matrix_measured and winner_measured for measured keys, matrix_measured_both and winner_measured_both for measured
    keys and values; noise_ceiling.<regime>.{value, sem}; recall.<regime>.r2;
    recovery.{diagonal, classes} at the noise nearest to that of the spiking network, recovery.<noise>.diagonal and
    recovery.<noise>.parameter_error, the median relative error of parameters.
    """
    numbers: dict[str, Any] = {}
    members = _classes(result)
    for drive, suffix in DRIVES.items():
        for regime, group in result["fits"][drive].children.items():
            fits = group.to_dataset()
            for rule in fits["rule"].values:
                for name in ("explained_share", "low", "high"):
                    numbers[f"matrix{suffix}.{regime}.{rule}.{name}"] = float(fits[name].sel(rule=rule))
            numbers[f"winner{suffix}.{regime}"] = _verdict(fits, members)
            if drive == "nominal":
                numbers[f"noise_ceiling.{regime}.value"] = float(fits["noise_ceiling"])
                numbers[f"noise_ceiling.{regime}.sem"] = float(fits["noise_ceiling_sem"])
                numbers[f"recall.{regime}.r2"] = float(result["recall"].to_dataset()["r2"].sel(regime=regime))
    if "recovery" in result.children:
        recovered_by = result["recovery"].to_dataset()
        share = recovery.diagonal(recovered_by["chosen"], members).mean(("truth", "draw"))
        error = recovery.parameter_error(recovered_by)
        numbers["recovery.classes"] = members
        numbers["recovery.noise"] = _noise(result)
        numbers["recovery.diagonal"] = float(share.sel(noise=_noise(result)))
        for noise in recovered_by["noise"].values.tolist():
            numbers[f"recovery.{noise:g}.diagonal"] = float(share.sel(noise=noise))
            numbers[f"recovery.{noise:g}.parameter_error"] = float(error.sel(noise=noise).median())
    return numbers


def _noise(result: xr.DataTree) -> float:
    """The noise of recovery whose ceilings are, in the middle, nearest to those of the regimes."""
    fits = result["fits"]["nominal"].children.values()
    spiking = np.median([float(group.to_dataset()["noise_ceiling"]) for group in fits])
    ceilings = result["recovery"].to_dataset()["noise_ceiling"].median(("truth", "draw"))
    return float(abs(ceilings - spiking).idxmin("noise"))


def _classes(result: xr.DataTree) -> list[list[str]]:
    """Rules that recovery does not tell apart at the noise of the spiking network; without recovery, each by itself."""
    if "recovery" not in result.children:
        return [[rule.id] for rule in identification.CANDIDATES]
    return recovery.classes(result["recovery"].to_dataset()["chosen"].sel(noise=_noise(result)))


def _verdict(fits: xr.Dataset, members: list[list[str]]) -> list[str]:
    """All rules of the classes of those that are left."""
    left = {str(rule) for rule in fits["rule"].values[fits["best"].values]}
    return [rule for group in members if left & set(group) for rule in group]


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Every rule of every regime, for all drives; and all recovered traces."""
    rows = []
    for drive in DRIVES:
        for regime, group in result["fits"][drive].children.items():
            fits = group.to_dataset()
            columns = ("r2", "explained_share", "low", "high", "bic", "best")
            table = pd.DataFrame({"rule": fits["rule"].values} | {name: fits[name].values for name in columns})
            table.insert(0, "regime", regime)
            table.insert(1, "drive", drive)
            rows.append(table)
    made = {"rules": pd.concat(rows)}
    if "recovery" in result.children:
        made["recovery"] = result["recovery"].to_dataset()["chosen"].to_dataframe().reset_index()
    return made


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Regimes by rules; what recovery confuses."""
    figures = {}
    for drive in DRIVES:
        fits = {regime: group.to_dataset() for regime, group in result["fits"][drive].children.items()}
        figures["explained_share" + DRIVES[drive]] = explained(fits, result["recall"].to_dataset()["r2"])
    if "recovery" in result.children:
        figures["recovery"] = recovered(result["recovery"].to_dataset(), _classes(result), _noise(result))
    return figures
