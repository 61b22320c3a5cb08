"""Slow nets on spiking synapses: trained gates decide which pairs AMPA conductances keep; ablations say what it takes.

Slow nets that were meta-trained on a rate network, to store some pairs of digits and to let others pass, write Programs
for digits they have not seen. The same Programs run on the rate network that they were trained with and on the spiking
one, where the gate opens NMDA calcium entry. Three ablations say what recall rests on: gates shuffled among the writes
of an episode, always open, and NMDA receptors blocked (for the rate network: a gate that stays closed). Recall is R^2
of all reads of a slow net's episodes, decoded with one gain and one offset, for stored pairs and for distractors apart;
chance is the mean of the values to be stored, whatever the key. Standard errors are over slow nets.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import metrics, plots, slownet
from neurofwp.errors import InputError
from neurofwp.spiking.jobs import Job, start
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.tasks import gated_pairs
from neurofwp.transforms import gates
from neurofwp.transforms.selection import without_silent_cells

log = logging.getLogger("neurofwp")

NETWORKS = ("spiking", "rate")
INTACT = "intact"
BLOCKED = {"alpha_nmda": 0.0}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    slow_nets: tuple[str, ...] = tuple(f"gated-pairs-{seed}" for seed in range(5))
    """Slow nets trained on gated pairs: names from `neurofwp list slownets`, or files of `neurofwp train`."""
    episodes: int = 2
    """Episodes of each slow net."""
    stored: int = 6
    """Pairs to store in an episode."""
    distractors: int = 12
    """Pairs to let pass."""
    noise: float = 0.5
    """Standard deviation of the noise on the context."""
    regime: str = "error-correcting"
    """Synapse model."""


@dataclass(frozen=True)
class Condition:
    """What is done to the Programs, on the spiking network and on the rate network, and to the spiking network."""

    spiking: Callable[[xr.Dataset, np.random.Generator], xr.Dataset] = gates.keep
    rate: Callable[[xr.Dataset, np.random.Generator], xr.Dataset] = gates.keep
    parameters: tuple[str, ...] = ()


CONDITIONS = {
    INTACT: Condition(),
    "gate_shuffled": Condition(gates.shuffle, gates.shuffle),
    "gate_open": Condition(gates.open_all, gates.open_all),
    "nmda_blocked": Condition(gates.keep, gates.close, tuple(BLOCKED)),
}


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Write the Programs, run them on both networks in all conditions, and score recall.

    Raises
    ------
    InputError
        for no slow nets, or one that is not known or was trained for tasks of another size.
    """
    if not settings.slow_nets:
        raise InputError("slow_nets must name one slow net or more; see `neurofwp list slownets`")
    nets = [slownet.load(name) for name in settings.slow_nets]
    whole = [
        net(
            gated_pairs(
                settings.stored, settings.distractors, settings.episodes,
                noise=settings.noise, seed=_seed(seed, index), split="test",
            )
        )
        for index, net in enumerate(nets)
    ]  # fmt: skip
    program = without_silent_cells(xr.concat(whole, dim="episode", combine_attrs="drop_conflicts"))
    program = program.assign_coords(slow_net=("episode", np.repeat(settings.slow_nets, settings.episodes)))
    programs = {
        network: {
            name: getattr(condition, network)(program, np.random.default_rng((seed, index)))
            for index, (name, condition) in enumerate(CONDITIONS.items())
        }
        for network in NETWORKS
    }
    jobs = [
        Job(
            name, programs["spiking"][name],
            {"synapse": settings.regime, "parameters": {key: BLOCKED[key] for key in condition.parameters}},
            seed=seed, probes=_probes(program) if name == INTACT else (),
        )
        for name, condition in CONDITIONS.items()
    ]  # fmt: skip
    for job in jobs:
        SpikingNetwork(**job.network)  # refuses bad settings before any work
    rates = {
        name: _on_rate_network(nets, settings.episodes, each, seed, device) for name, each in programs["rate"].items()
    }
    tree: dict[str, xr.Dataset] = {"/program": program}
    with start(jobs, folder=folder) as trace:
        traces = {name: {"spiking": trace(name), "rate": rates[name]} for name in CONDITIONS}
    tree["/spiking"], tree["/rate"] = traces[INTACT]["spiking"], rates[INTACT]
    tree["/recall"] = _scores(program, traces)
    return xr.DataTree.from_dict(tree)


def _seed(seed: int, index: int) -> int:
    return int(np.random.SeedSequence((seed, index, 1)).generate_state(1)[0])


def _on_rate_network(
    nets: list[slownet.TrainedSlowNet], episodes: int, program: xr.Dataset, seed: int, device: str
) -> xr.Dataset:
    """The Trace of the fast weights that each slow net was trained with."""
    made = []
    for index, net in enumerate(nets):
        own = program.isel(episode=slice(index * episodes, (index + 1) * episodes))
        made.append(net.model.network(device).run(own, seed=seed))
    return xr.concat(made, dim="episode", combine_attrs="override")


def _probes(program: xr.Dataset) -> list[tuple[int, str, int, int]]:
    """Of every key that the first episode writes, the synapse from one of its cells onto the brightest ON dimension."""
    first = program.isel(episode=0)
    return [
        (0, "on", int(first["value"].values[event].argmax()), int(first["key"].values[event].argmax()))
        for event in np.flatnonzero(first["write"].values)
    ]


def _scores(program: xr.Dataset, traces: dict[str, dict[str, xr.Dataset]]) -> xr.Dataset:
    """R^2 (condition, network, pairs, slow_net), and chance (pairs, slow_net)."""
    names = list(dict.fromkeys(program["slow_net"].values.tolist()))
    kinds = {"stored": program["stored"], "distractors": ~program["stored"]}
    r2 = np.empty((len(traces), len(NETWORKS), len(kinds), len(names)))
    chance = np.empty(r2.shape[2:])
    ideal = gates.with_gates(program, (program["write"] & program["stored"]).values.astype(float))
    for index, name in enumerate(names):
        own = {"episode": np.flatnonzero(program["slow_net"].values == name)}
        for k, where in enumerate(kinds.values()):
            chance[k, index] = metrics.chance_r2(ideal.isel(own), where=where.isel(own))
            for i, of_networks in enumerate(traces.values()):
                for j, network in enumerate(NETWORKS):
                    trace = of_networks[network].isel(own)
                    r2[i, j, k, index] = metrics.recall_r2(program.isel(own), trace, where=where.isel(own))
    unit = {"units": "1"}
    return xr.Dataset(
        {
            "r2": (("condition", "network", "pairs", "slow_net"), r2, unit),
            "chance": (("pairs", "slow_net"), chance, unit),
        },
        coords={"condition": list(traces), "network": list(NETWORKS), "pairs": list(kinds), "slow_net": names},
    )


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Recall of the intact networks, `{stored, distractors}.{spiking, rate}.r2`, with `.sem` over slow nets and chance.

    ablation.<name>.r2 : of stored pairs, spiking; with `.distractors_r2`, and `.rate.*` for the rate network.
    gate.{stored, distractors} : mean write gate.
    """
    recall = result["recall"].to_dataset()
    mean, sem = recall.mean("slow_net"), recall.std("slow_net", ddof=1) / recall.sizes["slow_net"] ** 0.5
    numbers: dict[str, Any] = {"slow_nets": float(recall.sizes["slow_net"])}
    for pairs in ("stored", "distractors"):
        for network in NETWORKS:
            at = {"condition": INTACT, "network": network, "pairs": pairs}
            numbers[f"{pairs}.{network}.r2"] = float(mean["r2"].sel(at))
            numbers[f"{pairs}.{network}.sem"] = float(sem["r2"].sel(at))
        numbers[f"{pairs}.chance.r2"] = float(mean["chance"].sel(pairs=pairs))
    numbers["stored.ratio"] = numbers["stored.spiking.r2"] / numbers["stored.rate.r2"]
    for name in recall["condition"].values:
        if name == INTACT:
            continue
        for network, prefix in (("spiking", f"ablation.{name}"), ("rate", f"ablation.{name}.rate")):
            for pairs, key in (("stored", "r2"), ("distractors", "distractors_r2")):
                at = {"condition": name, "network": network, "pairs": pairs}
                numbers[f"{prefix}.{key}"] = float(mean["r2"].sel(at))
                numbers[f"{prefix}.{key.replace('r2', 'sem')}"] = float(sem["r2"].sel(at))
    program = result["program"].to_dataset()
    gate, stored = program["write_gate"].where(program["write"]), program["stored"]
    return numbers | {
        "gate.stored": float(gate.where(stored).mean()),
        "gate.distractors": float(gate.where(~stored).mean()),
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Gate and calcium over time; recall with all ablations; images of the first episode, stored pairs first."""
    program, spiking, rate = (result[name].to_dataset() for name in ("program", "spiking", "rate"))
    first = program.isel(episode=0)
    reads, stored = ~first["write"].values, first["stored"].values
    titles = {int(event): "stored" for event in np.flatnonzero(reads & stored)[:4]}
    titles |= {int(event): "distractor" for event in np.flatnonzero(reads & ~stored)[:4]}
    return {
        "gating": plots.gating(program, spiking),
        "ablations": plots.ablations(result["recall"].to_dataset()),
        "recall": plots.recall_images(program, spiking, rate, titles=titles),
    }
