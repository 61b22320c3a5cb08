"""Slow nets on spiking synapses: trained gates decide which pairs AMPA conductances keep; ablations say what it takes.

Slow nets that were meta-trained on a rate network, to store some pairs of digits amid distractors, write Programs for
digits they have not seen. The same Programs run on the rate network that they were trained with and on the spiking
one, where the gate opens NMDA calcium entry. Three ablations say what recall rests on: gates shuffled among the writes
of an episode, always open, and NMDA receptors blocked (for the rate network: a gate that stays closed). Recall is R^2
of all reads of a slow net's episodes, decoded with one gain and one offset, for stored pairs and for distractors apart;
chance is the mean of the values to be stored, whatever the key. Standard errors are over slow nets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.slownet import TrainedSlowNet
    from neurofwp.spiking.jobs import Job

NETWORKS = ("spiking", "rate")
INTACT = "intact"


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
    """Pairs in an episode that should not be stored."""
    noise: float = 0.5
    """Standard deviation of the noise on the context."""
    synapse: str = "error-correcting"
    """Synapse model."""


@dataclass(frozen=True)
class Ablation:
    """What is done to the Programs, on the spiking network and on the rate network, and to the spiking network."""

    spiking: Callable[[xr.Dataset, np.random.Generator], xr.Dataset]
    rate: Callable[[xr.Dataset, np.random.Generator], xr.Dataset]
    parameters: Mapping[str, str] = field(default_factory=dict)


def ablations() -> dict[str, Ablation]:
    """All conditions by name, the intact networks first."""
    gates = nf.transforms.gates
    return {
        INTACT: Ablation(gates.keep, gates.keep),
        "gate_shuffled": Ablation(gates.shuffle, gates.shuffle),
        "gate_open": Ablation(gates.open_all, gates.open_all),
        "nmda_blocked": Ablation(gates.keep, gates.close, {"alpha_nmda": "0"}),
    }


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Write the Programs, run them on both networks in all conditions, and score recall.

    Raises
    ------
    InputError
        for no slow nets, or one that is not known or was trained for tasks of another size.
    """
    check(settings)
    nets = [nf.slownet.load(name) for name in settings.slow_nets]
    program = write_programs(settings, nets, seed)
    jobs, rate = [], {}
    for index, (name, ablation) in enumerate(ablations().items()):
        of_spiking, of_rate = (
            change(program, np.random.default_rng((seed, index))) for change in (ablation.spiking, ablation.rate)
        )
        jobs.append(make_job(settings, name, of_spiking, ablation.parameters, seed))
        rate[name] = run_rate_network(nets, settings.episodes, of_rate, seed, device)
    with nf.spiking.jobs.start(jobs, folder=folder) as traces:
        spiking = {job.name: traces(job.name) for job in jobs}
        intact = nf.trace.in_results("spiking", traces.recording(INTACT))
    return xr.DataTree.from_dict(
        {
            "/program": program,
            **intact,
            "/rate": rate[INTACT],
            "/recall": score(program, {name: {"spiking": spiking[name], "rate": rate[name]} for name in rate}),
        }
    )


def check(settings: Settings) -> None:
    if not settings.slow_nets:
        raise InputError("slow_nets must name one slow net or more; see `neurofwp list slownets`")


def write_programs(settings: Settings, nets: Sequence[TrainedSlowNet], seed: int) -> xr.Dataset:
    """Program of the episodes of all slow nets, whose names are ``slow_net`` (episode)."""
    each = []
    for index, net in enumerate(nets):
        own = int(np.random.SeedSequence((seed, index, 1)).generate_state(1)[0])
        task = nf.tasks.gated_pairs(
            settings.stored, settings.distractors, settings.episodes, noise=settings.noise, seed=own, split="test"
        )
        each.append(net(task))
    program = xr.concat(each, dim="episode", combine_attrs="drop_conflicts")
    program = nf.transforms.selection.without_silent_cells(program)
    return program.assign_coords(slow_net=("episode", np.repeat(settings.slow_nets, settings.episodes)))


def make_job(settings: Settings, name: str, program: xr.Dataset, parameters: Mapping[str, str], seed: int) -> Job:
    """The spiking network in one condition; the intact one records synapses."""
    network = {"synapse": settings.synapse, "parameters": dict(parameters)}
    nf.SpikingNetwork(settings.synapse, parameters=parameters)  # refuses bad settings before any work
    recorded = name == INTACT
    chosen = probes(program) if recorded else ()
    return nf.spiking.jobs.Job(name, program, network, seed=seed, recorded=recorded, probes=chosen)


def probes(program: xr.Dataset) -> list[tuple[int, str, int, int]]:
    """Of every key that the first episode writes, the synapse from one of its cells, one of no other key where there is
    any, onto the brightest ON dimension."""
    first = program.isel(episode=0)
    writes = np.flatnonzero(first["write"].values)
    keys = first["key"].values[writes]
    alone = (keys > 0).sum(axis=0) == 1
    return [
        (0, "on", int(first["value"].values[event].argmax()), int((key * (1 + alone)).argmax()))
        for event, key in zip(writes, keys, strict=True)
    ]


def run_rate_network(
    nets: Sequence[TrainedSlowNet], episodes: int, program: xr.Dataset, seed: int, device: str
) -> xr.Dataset:
    """The Trace of the fast weights that each slow net was trained with."""
    traces = []
    for index, net in enumerate(nets):
        own = program.isel(episode=slice(index * episodes, (index + 1) * episodes))
        traces.append(net.model.network(device).run(own, seed=seed))
    return xr.concat(traces, dim="episode", combine_attrs="override")


def score(program: xr.Dataset, traces: Mapping[str, Mapping[str, xr.Dataset]]) -> xr.Dataset:
    """R^2 (condition, network, pairs, slow_net), and chance (pairs, slow_net)."""
    names = list(dict.fromkeys(program["slow_net"].values.tolist()))
    kinds = {"stored": program["stored"], "distractors": ~program["stored"]}
    r2 = np.empty((len(traces), len(NETWORKS), len(kinds), len(names)))
    chance = np.empty(r2.shape[2:])
    ideal = nf.transforms.gates.with_gates(program, (program["write"] & program["stored"]).values.astype(float))
    for index, name in enumerate(names):
        own = {"episode": np.flatnonzero(program["slow_net"].values == name)}
        for k, where in enumerate(kinds.values()):
            chance[k, index] = nf.metrics.chance_r2(ideal.isel(own), where=where.isel(own))
            for i, of_networks in enumerate(traces.values()):
                for j, network in enumerate(NETWORKS):
                    trace = of_networks[network].isel(own)
                    r2[i, j, k, index] = nf.metrics.recall_r2(program.isel(own), trace, where=where.isel(own))
    unit = {"units": "1"}
    return xr.Dataset(
        {
            "r2": (("condition", "network", "pairs", "slow_net"), r2, unit),
            "chance": (("pairs", "slow_net"), chance, unit),
        },
        coords={"condition": list(traces), "network": list(NETWORKS), "pairs": list(kinds), "slow_net": names},
    )


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Recall over (condition, network, pairs), mean and SEM over slow nets; chance and the mean write gate over pairs.

    ``stored_ratio``: recall of stored pairs, spiking over rate, by the intact networks.
    """
    recall = result["recall"].to_dataset()
    program = result["program"].to_dataset()
    mean = xr.Dataset(nf.metrics.mean_and_sem("r2", recall["r2"], "slow_net"))
    spiking, rate = (mean["r2"].sel(condition=INTACT, network=name, pairs="stored", drop=True) for name in NETWORKS)
    gate, stored = program["write_gate"].where(program["write"]), program["stored"]
    unit = {"units": "1"}
    return {
        "summary": xr.Dataset(
            {"slow_nets": ((), recall.sizes["slow_net"], unit), "stored_ratio": (spiking / rate).assign_attrs(unit)}
        ),
        "recall": mean,
        "chance": xr.Dataset(nf.metrics.mean_and_sem("r2", recall["chance"], "slow_net")),
        "write_gate": xr.Dataset(
            {"mean": ("pairs", [float(gate.where(which).mean()) for which in (stored, ~stored)], unit)},
            coords={"pairs": ["stored", "distractors"]},
        ),
    }


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """Gate and calcium over time; recall with all ablations; images of the first episode, stored pairs first."""
    program, spiking, rate = (result[name].to_dataset() for name in ("program", "spiking", "rate"))
    first = program.isel(episode=0)
    reads, stored = ~first["write"].values, first["stored"].values
    titles = {int(event): "stored" for event in np.flatnonzero(reads & stored)[:4]}
    titles |= {int(event): "distractor" for event in np.flatnonzero(reads & ~stored)[:4]}
    return nf.plots.LazyFigures(
        {
            "gating": lambda: nf.plots.gating(program, spiking, result["spiking_probes"].to_dataset()),
            "ablations": lambda: nf.plots.ablations(result["recall"].to_dataset()),
            "recall": lambda: nf.plots.recall_images(program, spiking, rate, titles=titles),
        }
    )


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
