"""Which fast-weight rule does a synapse run? Synapse models against rules, and whether rules can be identified.

All synapse models are in the same spiking circuit and run the same Programs: pairs of digits under keys that overlap,
some of them reassigned. Each Program runs twice with other spikes, and what repeats is the noise ceiling. Rules are
fitted to the conductances of one half of the episodes and judged on the other half, driven by keys and values as the
Program says (nominal), by keys as the presynaptic cells fired (measured), and by values as the dendrites were
depolarised as well (measured both).

Recovery asks which rules these episodes tell apart at all: rate networks of every rule, with drawn parameters and
disturbed keys and values, are identified like synapses. Rules that are taken for each other at the noise of the spiking
network form a class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRIVES = {"nominal": "", "measured": "_measured", "measured-both": "_measured_both"}  # and what ends names of tables
FITTED = ["weight", "recall", "conductance", "pre_rate", "dendrite"]  # of a Trace: all that fits look at
UNIT = {"units": "1"}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    synapses: tuple[str, ...] = (
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
    reassign: float = 0.5
    """Share of the keys that are reassigned: written again with new values."""
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
    """Simulate, fit every rule to every synapse model, and recover.

    Raises
    ------
    InputError
        for fewer than two episodes, or a synapse model that there is not.
    """
    check(settings)
    program = write_program(settings, seed)
    traces = simulate(settings, program, seed, folder)
    cases = {
        f"{model}-{drive}": (program, *(each[FITTED] for each in both), drive, seed, device)
        for model, both in traces.items()
        for drive in DRIVES
    }
    fits = parallel_map(fit_rules, cases, folder=folder, description="fitting all rules")
    models = xr.DataArray(list(traces), dims="synapse_model", name="synapse_model")
    recall = xr.concat([nf.metrics.recall_r2(program, one) for one, _ in traces.values()], dim=models)
    tree = {"/program": program, "/recall": recall.assign_attrs(units="1").to_dataset(name="r2")}
    tree |= {f"/fits/{drive}/{model}": fits[f"{model}-{drive}"] for drive in DRIVES for model in traces}
    if settings.draws:
        tree["/recovery"] = nf.identification.recovery.recover(
            program.isel(episode=slice(settings.recovery_episodes)),
            noises=settings.noises, draws=settings.draws, seed=seed, folder=folder,
        )  # fmt: skip
    return xr.DataTree.from_dict(tree)


def check(settings: Settings) -> None:
    """Refuse what leaves nothing to judge."""
    if settings.episodes < 2:
        raise InputError("episodes must be 2 or more: rules are fitted to one half and judged on the other")


def write_program(settings: Settings, seed: int) -> xr.Dataset:
    """Pairs of digits under keys that overlap."""
    task = nf.tasks.digit_pairs(settings.pairs, settings.episodes, reassign=settings.reassign, seed=seed)
    encoder = nf.slownet.FixedEncoder(pre=200, active=20, seed=seed, overlap=settings.overlap)
    return nf.transforms.selection.keep_most_varied(encoder(task), settings.pixels)


def simulate(
    settings: Settings, program: xr.Dataset, seed: int, folder: Path | None
) -> dict[str, list[xr.Dataset]]:  # fmt: skip
    """Both Traces of every synapse model, which differ in their spikes."""
    jobs = [
        nf.spiking.jobs.Job(f"{model}-{run}", program, {"synapse": model}, seed=2 * seed + run)
        for model in settings.synapses
        for run in (0, 1)
    ]
    with nf.spiking.jobs.start(jobs, folder=folder) as trace:
        return {model: [trace(f"{model}-{run}") for run in (0, 1)] for model in settings.synapses}


def fit_rules(
    program: xr.Dataset, one: xr.Dataset, other: xr.Dataset, drive: str, seed: int, device: str
) -> xr.Dataset:  # fmt: skip
    """All rules fitted to one synapse model."""
    return nf.identify(program, one, repeat=other, drive=drive, seed=seed, device=device, progress=False)


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Scores of every rule on every synapse model, the verdicts, and how recovery went.

    ``matrix`` (synapse_model, rule) and ``verdict`` (synapse_model) are of nominal keys and values; those of measured
    ones end in ``_measured`` and ``_measured_both``. Of recovery by noise: ``diagonal``, the share of verdicts in the
    class of the true rule, and ``parameter_error``, the median relative error of parameters. ``matched_recovery`` is
    at the noise nearest to that of the spiking network, where the classes of rules are found.
    """
    found = {}
    for drive, suffix in DRIVES.items():
        fits = {model: group.to_dataset() for model, group in result["fits"][drive].children.items()}
        models = xr.DataArray(list(fits), dims="synapse_model", name="synapse_model")
        scores = [nf.identification.score_table(each).assign(best=each["best"]) for each in fits.values()]
        found[f"matrix{suffix}"] = xr.concat(scores, models)
        found[f"verdict{suffix}"] = xr.concat(map(nf.identification.verdict_table, fits.values()), models)
        if drive == "nominal":
            ceilings = [nf.identification.ceiling_table(each) for each in fits.values()]
            found |= {"noise_ceiling": xr.concat(ceilings, models), "recall": result["recall"].to_dataset()}
    if "recovery" in result.children:
        found |= recovery_tables(result["recovery"].to_dataset(), rule_classes(result), matching_noise(result))
    return found


def recovery_tables(recovered: xr.Dataset, classes: Sequence[Sequence[str]], noise: float) -> dict[str, xr.Dataset]:
    """How often the class of the true rule is found, and how well its parameters are; every verdict."""
    diagonal = nf.identification.recovery.diagonal(recovered["chosen"], classes).mean(("truth", "draw"))
    error = nf.identification.recovery.parameter_error(recovered)
    error = error.median([dim for dim in error.dims if dim != "noise"])
    by_noise = xr.Dataset({"diagonal": diagonal.assign_attrs(UNIT), "parameter_error": error.assign_attrs(UNIT)})
    members = ("class", [" or ".join(each) for each in classes], UNIT)
    matched = by_noise[["diagonal"]].sel(noise=noise, drop=True)
    return {
        "recovery": by_noise,
        "matched_recovery": matched.assign(noise=((), noise, UNIT), classes=members),
        "verdicts": recovered[["chosen"]],
    }


def matching_noise(result: xr.DataTree) -> float:
    """The noise of recovery whose ceilings are, in the middle, nearest to those of the synapse models."""
    fits = result["fits"]["nominal"].children.values()
    spiking = np.median([float(group.to_dataset()["noise_ceiling"]) for group in fits])
    ceilings = result["recovery"].to_dataset()["noise_ceiling"].median(("truth", "draw"))
    return float(abs(ceilings - spiking).idxmin("noise"))


def rule_classes(result: xr.DataTree) -> list[list[str]]:
    """Rules that recovery does not tell apart at the noise of the spiking network; without recovery, each by itself."""
    if "recovery" not in result.children:
        return [[rule.id] for rule in nf.identification.candidates()]
    chosen = result["recovery"].to_dataset()["chosen"].sel(noise=matching_noise(result))
    classes: list[list[str]] = nf.identification.recovery.classes(chosen)
    return classes


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """Synapse models by rules; what recovery confuses."""
    drawings: dict[str, Callable[[], Figure]] = {}
    for drive, suffix in DRIVES.items():
        fits = {model: group.to_dataset() for model, group in result["fits"][drive].children.items()}
        drawings[f"feve{suffix}"] = partial(nf.plots.explained, fits, result["recall"].to_dataset()["r2"])
    if "recovery" in result.children:
        drawings["recovery"] = lambda: nf.plots.recovered(
            result["recovery"].to_dataset(), rule_classes(result), matching_noise(result)
        )
    return nf.plots.LazyFigures(drawings)


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
