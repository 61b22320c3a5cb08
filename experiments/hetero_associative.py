"""Pairs of handwritten digits in AMPA conductances: recalled from spikes, and the rule that wrote them identified.

One digit is the key, another the value. Pairs are written one-shot into a spiking network through NMDA-gated calcium,
a share of the keys is then written again with new values, and every value is recalled from its key alone while the
gate is closed. The same program runs twice, with other spikes: what repeats is the noise ceiling. Every update rule is
fitted to the conductances of half of the episodes and judged on the other half. The best supported rule, with its
fitted parameters, runs the same programs on the rate network (without fits: the delta rule with its defaults).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import torch, xr
from neurofwp.runtime.parallel import Executor, open_executor, parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FITTED = ["weight", "recall", "conductance", "pre_rate"]  # of a Trace: all that fits look at
DRIVES = {"nominal": "", "measured": "_measured"}  # of the fits: keys as the Program says, or as the cells fired
LOADS = (2, 4, 8, 16, 32)  # pairs of the capacity curve, where they are not given


@dataclass(frozen=True)
class Settings:
    """What to run."""

    synapse: str = "error-correcting"
    """Synapse model: additive, decay, thresholds, error-correcting, another of `neurofwp list`, or a TOML file."""
    circuit: str = "apical-feedback"
    """Circuit around the synapses: of `neurofwp list circuits`, or a TOML file."""
    pairs: int = 4
    """Pairs per episode."""
    episodes: int = 20
    """Episodes, run side by side; rules are fitted to the first half and judged on the others."""
    reassign: float = 0.5
    """Share of the keys that are reassigned: written again with new values."""
    repeats: int = 1
    """How often the list of pairs is written."""
    overlap: float | None = None
    """Share of active cells that two keys have in common on average; by default what sparse random keys have, 0.05."""
    load: tuple[int, ...] | None = None
    """Numbers of pairs after which recall is tested, for the capacity curve; empty for none. Left out: those of 2, 4,
    8, 16 and 32 that are at most four times `pairs`."""
    load_episodes: int = 2
    """Episodes of the capacity curve."""
    key_cells: Literal["lif", "poisson"] = "lif"
    """How key cells fire."""
    cells_per_pool: int = 4
    """Value cells of each ON and each OFF pool."""
    gate: Literal["dendrite", "conductance"] = "dendrite"
    """What the write gate opens: the magnesium block through the dendrite, or the NMDA conductance itself."""
    ablation: Literal["none", "no-feedback", "gate-open"] = "none"
    """What to take away: the interneurons' inhibition, or the closing of the gate while reading."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""
    fit: bool = True
    """Fit the rules; without it only recall is measured."""
    parameters: tuple[str, ...] = ()
    """Parameters of synapse and circuit to replace, as NAME=NUMBER in the unit of each, like g_gaba=1.5."""

    @property
    def loads(self) -> tuple[int, ...]:
        """The numbers of pairs of the capacity curve, which costs as much as all else where it goes far beyond it."""
        return tuple(load for load in LOADS if load <= 4 * self.pairs) if self.load is None else self.load

    def network(self) -> dict[str, Any]:
        """The arguments of SpikingNetwork."""
        feedback: dict[str, Any] = {"g_gaba": "0 nS"} if self.ablation == "no-feedback" else {}
        return {
            "synapse": self.synapse,
            "circuit": self.circuit,
            "cells_per_pool": self.cells_per_pool,
            "key_cells": self.key_cells,
            "gate": self.gate,
            "backend": self.backend,
            "parameters": feedback | nf.spiking.network_parameters.quantities(self.parameters),
            "read_gate": 1.0 if self.ablation == "gate-open" else 0.0,
        }


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate, fit and compare.

    Raises
    ------
    InputError
        for settings that no network has, or fewer episodes than fits need.
    """
    return run_together([settings], seed=seed, device=device, folder=folder)[0]


def run_together(
    points: Sequence[Settings], *, seed: int, device: str, folder: Path | None = None
) -> list[xr.DataTree]:
    """The same for settings that differ in `parameters` alone: they are conditions of one network."""
    check(settings := points[0])
    networks = [nf.SpikingNetwork(**point.network()) for point in points]  # refuses bad settings before any work
    programs = write_programs(settings, seed)
    jobs = [
        nf.spiking.jobs.Job(
            name, program, settings.network(), seed=2 * seed + (name == "repeat"),
            recorded=name == "spiking", probes=choose_probes(program) if name == "spiking" else (),
            conditions=nf.spiking.conditions.of_networks(networks) if len(networks) > 1 else None,
        )
        for name, program in programs.items()
    ]  # fmt: skip
    with (
        open_executor(len(jobs), seconds=[job.seconds() for job in jobs]) as executor,
        nf.spiking.jobs.start(jobs, folder=folder, executor=executor) as traces,
    ):
        each = [traces.of_condition(number) for number in range(len(points))]
        return [compare(settings, programs, own, seed, device, executor) for own in each]


def check(settings: Settings) -> None:
    """Refuse what can be refused without a simulator."""
    if settings.fit and settings.episodes < 2:
        raise InputError("episodes must be 2 or more: rules are fitted to one half and judged on the other")
    if settings.parameters:
        nf.spiking.network_parameters.numbers(settings.parameters)


def write_programs(settings: Settings, seed: int) -> dict[str, xr.Dataset]:
    """What runs: all pairs, the same again with other spikes where rules are fitted, and the capacity curve."""
    encoder = nf.slownet.FixedEncoder(seed=seed, overlap=settings.overlap)
    program = encoder(
        nf.tasks.digit_pairs(
            settings.pairs, settings.episodes, reassign=settings.reassign, repeats=settings.repeats, seed=seed
        )
    )
    programs = {"spiking": program}
    if settings.fit:
        programs["repeat"] = program
    if settings.loads:
        loads = settings.loads
        programs["capacity"] = encoder(
            nf.tasks.digit_pairs(loads[-1], settings.load_episodes, seed=seed, read_after=loads)
        )  # fmt: skip
    return programs


def choose_probes(program: xr.Dataset) -> list[tuple[int, str, int, int]]:
    """Two synapses of the key that is read first: onto the ON cells of its brightest and its darkest dimension."""
    first = int(program["query"].values[0].any(axis=-1).argmax())
    pre, target = int(program["query"].values[0, first].argmax()), program["target"].values[0, first]
    return [(0, "on", int(target.argmax()), pre), (0, "on", int(target.argmin()), pre)]


def compare(
    settings: Settings,
    programs: Mapping[str, xr.Dataset],
    traces: nf.spiking.jobs.Traces,
    seed: int,
    device: str,
    executor: Executor,
) -> xr.DataTree:
    """One spiking network: its Traces, the rules fitted to them, and the rate network of the best supported rule."""
    program = programs["spiking"]
    tree = {"/program": program, **nf.trace.in_results("spiking", traces.recording("spiking"))}
    rate = nf.RateNetwork("delta", on_off=True, bounds=(0, torch.inf), device=device, dtype=torch.float32)
    if settings.fit:
        tree["/repeat"] = traces("repeat")
        both = [tree[name][FITTED] for name in ("/spiking", "/repeat")]
        cases = {drive: (program, *both, drive, seed, device) for drive in DRIVES}
        fits = parallel_map(fit_rules, cases, executor=executor, description="drives to which rules are fitted")
        tree |= {f"/fits/{drive}": each for drive, each in fits.items()}
        best = str(nf.identification.best_fit(fits["nominal"])["rule"].item())
        fit = nf.identification.transfer.saved_fits(fits["nominal"].sel(rule=[best]))[0]
        rate = nf.identification.fitted_network(fit, "nS", device=device, dtype=torch.float32)
    tree["/rate"] = rate.run(program, seed=seed)
    if settings.loads:
        curve = programs["capacity"]
        curves = {"spiking": traces("capacity"), "rate": rate.run(curve, seed=seed)}
        tree["/capacity"] = capacity_curve(curve, curves, settings.loads)
    return xr.DataTree.from_dict(tree)


def fit_rules(
    program: xr.Dataset, one: xr.Dataset, other: xr.Dataset, drive: str, seed: int, device: str
) -> xr.Dataset:  # fmt: skip
    """All rules fitted under one drive; flexible references too where keys are as the Program says."""
    return nf.identify(
        program, one, repeat=other, drive=drive, references=drive == "nominal", seed=seed, device=device, progress=False
    )


def capacity_curve(curve: xr.Dataset, traces: Mapping[str, xr.Dataset], loads: tuple[int, ...]) -> xr.Dataset:
    """Recall against the number of pairs stored: r2 and identified (network, pairs, episode), chance (pairs, episode).

    curve : Program whose reads say in ``load`` (episode, event) after how many pairs they come.
    """
    stored = xr.DataArray(list(loads), dims="pairs", name="pairs")

    def measure(score: Callable[..., xr.DataArray], *trace: xr.Dataset) -> xr.DataArray:
        scores = [score(curve, *trace, by="episode", where=curve["load"] == load) for load in loads]
        return xr.concat(scores, dim=stored).assign_attrs(units="1")

    network = xr.DataArray(list(traces), dims="network", name="network")
    r2, identified = (
        xr.concat([measure(score, trace) for trace in traces.values()], dim=network)
        for score in (nf.metrics.recall_r2, nf.metrics.identified)
    )
    result = xr.Dataset({"r2": r2, "identified": identified, "chance": measure(nf.metrics.chance_r2)})
    result["network"].attrs["units"] = result["pairs"].attrs["units"] = "1"
    return result


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Recall in all episodes by network; the scores of every rule, judged on held-out episodes; the capacity curve.

    ``rules`` are of fits to keys as the Program says, ``rules_measured`` of fits to keys as the cells fired; ``best``
    and ``best_measured`` list the best supported rules. ``chance``, as a network, answers with the mean of the values.
    """
    found = {"recall": recall_table(result)}
    if "fits" in result.children:
        fits = {suffix: result["fits"][drive].to_dataset() for drive, suffix in DRIVES.items()}
        best = {
            f"best{suffix}": (f"supported{suffix}", nf.identification.best_rules(each), {"units": "1"})
            for suffix, each in fits.items()
        }
        held_out = ((), fits[""].sizes["unit"], {"units": "1"})
        said = ((), fits[""]["sentence"].item(), {"units": "1"})
        found["summary"] = xr.Dataset(best | {"verdict": said, "held_out_episodes": held_out})
        found["verdict"] = nf.identification.verdict_table(fits[""])
        found["noise_ceiling"] = nf.identification.ceiling_table(fits[""])
        found |= {f"rules{suffix}": nf.identification.score_table(each) for suffix, each in fits.items()}
    rule = str(json.loads(result["rate"].attrs["config"])["rule"])
    found["rate"] = xr.Dataset({"rule": ((), rule, {"units": "1"})})
    if "capacity" in result.children:
        curve = result["capacity"].to_dataset()
        r2, identified = (nf.metrics.mean_and_sem(name, curve[name], "episode") for name in ("r2", "identified"))
        found["capacity"] = xr.Dataset(r2 | identified)
    return found


def recall_table(result: xr.DataTree) -> xr.Dataset:
    """``r2`` and ``identified`` (network), and R^2 of keys that were reassigned and of keys that were written once."""
    program = result["program"].to_dataset()
    traces = [result[network].to_dataset() for network in ("spiking", "rate")]

    def measure(score: Any, chance: Any, **where: xr.DataArray) -> xr.DataArray:
        scores = [*(score(program, trace, **where) for trace in traces), chance(program, **where)]
        joined: xr.DataArray = xr.concat(scores, dim="network")
        return joined.assign_attrs(units="1")

    recall = {
        "r2": measure(nf.metrics.recall_r2, nf.metrics.chance_r2),
        "identified": measure(nf.metrics.identified, nf.metrics.chance_identified),
    }
    reads = program["target"].notnull().all("post")
    for name, where in (("reassigned_r2", program["reassigned"]), ("once_r2", ~program["reassigned"])):
        if bool((where & reads).any()):
            recall[name] = measure(nf.metrics.recall_r2, nf.metrics.chance_r2, where=where)
    return xr.Dataset(recall, coords={"network": ["spiking", "rate", "chance"]})


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """All figures, from the saved tree."""

    def of(name: str) -> xr.Dataset:
        return result[name].to_dataset()

    program, spiking, rate = map(of, ("program", "spiking", "rate"))
    fits = [result["fits"][drive].to_dataset() for drive in DRIVES] if "fits" in result.children else []
    episode = int(fits[0]["unit"].values[0]) if fits else 0  # one that the fits did not see, where there are fits
    drawings: dict[str, Callable[[], Figure]] = {
        "recall": lambda: nf.plots.recall_images(program, spiking, rate, episode=episode),
        "recall_scatter": lambda: nf.plots.recall_scatter(program, spiking, rate),
        "weights": lambda: nf.plots.weights(spiking, rate, episode=episode),
        "synapse": lambda: nf.plots.synapse(spiking, of("spiking_probes"), program),
        "one_write": lambda: nf.plots.one_write(program, spiking, of("spiking_probes"), of("spiking_spikes")),
        "raster": lambda: nf.plots.raster(spiking, of("spiking_spikes")),
    }
    if "capacity" in result.children:
        drawings["capacity"] = lambda: nf.plots.capacity(of("capacity"))
    if fits:
        drawings["rules"] = lambda: draw_rules(fits)
        synapse = of("spiking_probes"), of("spiking_spikes")
        drawings["overview"] = lambda: nf.plots.overview(program, spiking, *synapse, fits[0])
    return nf.plots.LazyFigures(drawings)


def draw_rules(fits: Sequence[xr.Dataset]) -> Figure:
    """What rules explain, from the keys of each of `DRIVES`."""
    shown = ["feve", "low", "high", "best", "noise_ceiling", "noise_ceiling_sem", "unit"]
    drive = xr.DataArray(list(DRIVES), dims="drive", name="drive")
    both = xr.concat([each[shown] for each in fits], drive, data_vars="all", combine_attrs="drop_conflicts")
    return nf.plots.rule_bars(both.assign(unexplained=fits[0]["unexplained"]))


EXPERIMENT = Experiment(Settings, run, tables, plot, run_together, check)
