"""Hetero-associative, auto-associative and sequence recall on one circuit, from keys that lose their cells.

The same images are keys of three memories: of other images (hetero), of themselves (auto), and each of the next one
(sequence, a ring). They are written once into one spiking network, as conditions of it, and read from whole keys, and
from keys of which a share of the active cells is silenced or swapped for others. Reading does not erase, so that all
reads are of the same weights. Beside the spikes: the rate network of the matching rule on the same Programs; what a
linear read of either network's weights gives, in closed form; and Hopfield networks with as many cells as there are
key cells, which complete the same degraded keys (sparse), or random patterns of +-1 (dense).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, torch, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.slownet import FixedEncoder

RULES = {"additive": "hebbian", "error-correcting": "delta"}  # of the rate network beside a synapse model
NETWORKS = ("spiking", "rate")
MEASURED = ["weight", "recall"]  # what is measured of a Trace
UNIT = {"units": "1"}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    items: int = 6
    """Images that are keys, per episode."""
    shares: tuple[float, ...] = (0.1, 0.3, 0.5, 0.7, 0.9)
    """Shares of a key's active cells that are silenced, or swapped for others."""
    episodes: int = 3
    """Episodes of each of the three memories."""
    key_cells: int = 200
    """Presynaptic cells, and cells of a Hopfield network."""
    active: int = 20
    """Active cells of a key."""
    cells_per_pool: int = 2
    """Value cells of each ON and each OFF pool."""
    duration: float = 500.0
    """How long a write, and a read, lasts, ms."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""

    def encoder(self, seed: int) -> FixedEncoder:
        return nf.slownet.FixedEncoder(pre=self.key_cells, active=self.active, seed=seed, duration=self.duration)


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate all three memories as conditions of one network for each synapse model.

    Raises
    ------
    InputError
        for fewer than 2 episodes, 4 items, or shares outside (0, 1).
    """
    check(settings)
    program = write_program(settings, seed)
    network = {"cells_per_pool": settings.cells_per_pool, "backend": settings.backend}
    jobs = [nf.spiking.jobs.Job(model, program, {"synapse": model, **network}, seed=seed) for model in RULES]
    measures = []
    with nf.spiking.jobs.start(jobs, folder=folder) as trace:
        hopfield = complete_keys(settings, program, seed)
        for model, rule in RULES.items():
            rate = rate_network(settings, rule, device).run(program, seed=seed)
            measures.append(measure(settings, program, [trace(model)[MEASURED], rate[MEASURED]], seed))
    models = xr.DataArray(list(RULES), dims="synapse_model", name="synapse_model")
    tree = {f"/{name}": xr.concat([each[name] for each in measures], dim=models) for name in measures[0]}
    return xr.DataTree.from_dict({"/hopfield": hopfield} | tree)


def check(settings: Settings) -> None:
    """Refuse what leaves nothing to measure."""
    if settings.episodes < 2:
        raise InputError(f"episodes must be at least 2, for a standard error, not {settings.episodes}")
    if settings.items < 4:
        raise InputError(f"items must be at least 4, of which each damage hits half, not {settings.items}")
    if not settings.shares or not all(0 < share < 1 for share in settings.shares):
        raise InputError(f"shares must be above 0 and below 1, but are {settings.shares}")


def write_program(settings: Settings, seed: int) -> xr.Dataset:
    """Program of all memories, along `condition`; they differ in their values only.

    First every item is written; ``pair`` (episode, event) is its number. Then come reads of every item from its whole
    key, and of half of the items from each other cue, in an order drawn for each episode; ``cue`` (episode, event)
    numbers these in `completion.cues`, -1 for writes and for whole keys that fill up a pass.
    """
    cues = nf.metrics.completion.cues(settings.shares)
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence([seed, 1]).spawn(settings.episodes)]
    cue, passes = order_cues(settings, cues.sizes["cue"] - 1, rngs)
    programs = [
        settings.encoder(seed)(nf.tasks.associations(each, settings.items, settings.episodes, reads=passes, seed=seed))
        for each in nf.tasks.ASSOCIATIONS
    ]
    query = programs[0]["query"].values.copy()  # the same in all memories
    for episode, event in np.argwhere(cue > 0):
        here = cues.isel(cue=cue[episode, event])
        query[episode, event] = nf.transforms.degradation.degrade(
            query[episode, event], here["damage"].item(), here["share"].item(), rngs[episode]
        )
    parts = [
        each.assign(cue=(("episode", "event"), cue, UNIT), query=(each["query"].dims, query, UNIT)) for each in programs
    ]
    memories = xr.DataArray(list(nf.tasks.ASSOCIATIONS), dims="condition", name="condition")
    return xr.concat(parts, dim=memories, data_vars="all", combine_attrs="override")


def order_cues(settings: Settings, damaged: int, rngs: Sequence[np.random.Generator]) -> tuple[np.ndarray, int]:
    """The number of the cue of every event (episode, event), and how many passes of reads hold them all.

    damaged : how many cues there are beside whole keys.
    """
    half = settings.items // 2
    passes = 1 + -(-damaged * half // settings.items)
    cue = np.full((settings.episodes, settings.items * (1 + passes)), -1)
    cue[:, settings.items : 2 * settings.items] = 0
    for row, rng in zip(cue, rngs, strict=True):
        row[2 * settings.items :][: damaged * half] = np.repeat(1 + rng.permutation(damaged), half)
    return cue, passes


def rate_network(settings: Settings, rule: str, device: str) -> nf.RateNetwork:
    """Of a rule, for keys of that many active cells."""
    return nf.RateNetwork(
        rule, parameters={"rate": 1 / settings.active}, unit_keys=False, on_off=True, bounds=(0, np.inf),
        device=device, dtype=torch.float32,
    )  # fmt: skip


def measure(
    settings: Settings, program: xr.Dataset, traces: Sequence[xr.Dataset], seed: int
) -> dict[str, xr.Dataset]:  # fmt: skip
    """Of both networks: ``recall`` from every cue, what a linear read would give (``expected``), ``loop`` of a ring."""
    completion, sequences = nf.metrics.completion, nf.metrics.sequences
    cues = completion.cues(settings.shares)
    ring = list(nf.tasks.ASSOCIATIONS).index("sequence")
    own = nf.program.nth_condition

    def over_networks(score: Callable[[xr.Dataset], xr.Dataset]) -> xr.Dataset:
        network = xr.DataArray(list(NETWORKS), dims="network", name="network")
        return xr.concat([score(trace) for trace in traces], dim=network)

    return {
        "recall": over_networks(lambda t: completion.recall_by_cue(program, t, cues).rename(condition="association")),
        "expected": over_networks(
            lambda t: completion.linear_recall_by_cue(program, t, cues).rename(condition="association")
        ),
        "loop": over_networks(
            lambda t: sequences.ring_recall(own(program, ring), own(t, ring), settings.encoder(seed))
        ),
    }  # fmt: skip


def complete_keys(settings: Settings, program: xr.Dataset, seed: int) -> xr.Dataset:
    """Hopfield networks: share identified, and overlap with the pattern asked for (memory, cue, episode).

    "sparse" completes the degraded keys of the Program, "dense" random patterns of +-1, of which a share is zeroed
    (silenced) or flipped (swapped); "nearest key" is the stored key with the largest overlap with the query itself.
    Where several stored patterns are equally near, one of them is guessed.
    """
    hopfield = nf.rate.hopfield
    cues = nf.metrics.completion.cues(settings.shares)
    program = nf.program.nth_condition(program, 0)  # all memories have the same keys and queries
    key = torch.as_tensor(program["key"].values[:, : settings.items])
    rng = np.random.default_rng([seed, 2])
    pattern = torch.as_tensor(rng.choice([-1.0, 1.0], key.shape))
    every = torch.arange(settings.items).expand(settings.episodes, -1)
    rows = []
    for number, (damage, share) in enumerate(nf.metrics.completion.damages(cues)):
        event = np.array([np.flatnonzero(row == number) for row in program["cue"].values])
        asked = torch.as_tensor(np.take_along_axis(program["pair"].values, event, axis=1))
        query = torch.as_tensor(np.take_along_axis(program["query"].values, event[..., np.newaxis], axis=1))
        hit = torch.as_tensor(rng.random(pattern.shape).argsort(-1) < round(share * pattern.shape[-1]))
        dense = hopfield.dense_recall(pattern, torch.where(hit, 0.0 if damage == "silenced" else -pattern, pattern))
        states = {
            "sparse": (key, hopfield.sparse_recall(key, query, settings.active), asked, settings.active),
            "dense": (pattern, dense, every, settings.key_cells),
            "nearest key": (key, query, asked, settings.active),
        }
        parts = [score_states(*state) for state in states.values()]
        rows.append(xr.concat(parts, dim=xr.DataArray(list(states), dims="memory", name="memory")))
    return nf.metrics.completion.concatenate_cues(rows, cues)


def score_states(stored: torch.Tensor, state: torch.Tensor, asked: torch.Tensor, norm: int) -> xr.Dataset:
    """Share of states (episode, read, cell) nearest to the pattern asked for, and mean overlap with it (episode)."""
    overlap = state @ stored.mT
    own = overlap.gather(-1, asked[..., None])
    best = overlap == overlap.amax(-1, keepdim=True)
    right = best.gather(-1, asked[..., None]) / best.sum(-1, keepdim=True)
    scores = {"identified": right.mean((1, 2)), "overlap": (own / norm).mean((1, 2))}
    return xr.Dataset({name: ("episode", score.numpy()) for name, score in scores.items()})


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Means over episodes: recall of every network and memory from every cue, and of sequences.

    ``closed_form`` is what a linear read of the weights gives. Cues are named by damage and share, as silenced.0.1.
    ``chance`` answers with the mean value to whole keys. ``loop`` has the share of right positions by step, and the
    overlap of answers, encoded, with the true next key.
    """
    groups = {name: result[name].to_dataset() for name in ("recall", "expected", "hopfield", "loop")}
    whole = groups["recall"]["chance"].isel(synapse_model=0, network=0, cue=0, drop=True)
    where = ("network", "synapse_model", "association", "cue")
    scored = ("right", "one_overlap", "direct_overlap")
    hopfield = groups["hopfield"]
    hopfield = hopfield.assign_coords(memory=[name.replace(" ", "_") for name in hopfield["memory"].values.tolist()])
    return {
        "recall": averages(groups["recall"][["r2", "identified", "gain"]], *where),
        "closed_form": averages(groups["expected"][["r2", "gain"]], *where),
        "hopfield": averages(hopfield, "memory", "cue"),
        "chance": xr.Dataset(nf.metrics.mean_and_sem("r2", whole, "episode")),
        "loop": averages(groups["loop"][list(scored)], "synapse_model", "network", "mode", "step"),
    }


def averages(data: xr.Dataset, *dims: str) -> xr.Dataset:
    """Means over episodes with their SEM, over these dims in this order; cues have names."""
    table = xr.Dataset()
    for name, values in data.data_vars.items():
        table = table.assign(nf.metrics.mean_and_sem(str(name), values, "episode"))
    if "cue" in dims:
        damaged = zip(data["damage"].values.tolist(), data["share"].values.tolist(), strict=True)
        table = table.assign_coords(cue=[f"{damage}.{share:g}" for damage, share in damaged])
    return table.transpose(*dims)


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """For each synapse model: recall from degraded keys, and recall of sequences."""
    recall, expected, others, loop = (
        result[name].to_dataset() for name in ("recall", "expected", "hopfield", "loop")
    )  # fmt: skip
    settings: Mapping[str, int] = json.loads(result.attrs["settings"]) if "settings" in result.attrs else {}
    title = f"{settings['items']} items, {settings['active']} of {settings['key_cells']} key cells" if settings else ""
    drawings: dict[str, Callable[[], Figure]] = {}
    for model, rule in RULES.items():
        here = recall.sel(synapse_model=model).assign_attrs(title=title, rule=rule)
        theirs, sequences = expected.sel(synapse_model=model), loop.sel(synapse_model=model).assign_attrs(rule=rule)
        drawings[f"completion_{model}"] = partial(nf.plots.completion, here, theirs, others)
        drawings[f"sequence_{model}"] = partial(nf.plots.sequence_recall, sequences)
    return nf.plots.LazyFigures(drawings)


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
