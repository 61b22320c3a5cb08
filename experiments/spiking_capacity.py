"""How many pairs a spiking fast weight memory holds, against key sparsity and cells per value dimension.

Random values of +-1 are written one-shot under random keys of a few active cells, and read back as pairs accumulate.
Two synapse models run the same Programs as the rate networks of their rules: additive beside the Hebbian sum,
error-correcting beside the delta rule. The sum has a closed form, drawn beside both; how much of it spikes reach
depends on how many cells carry a key and how many a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, torch, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.spiking.jobs import Job

    Programs = Mapping[int, xr.Dataset]  # by active cells of a key

RULES = {"additive": "hebbian", "error-correcting": "delta"}  # of the rate network beside a synapse model
MEASURES = ("r2", "identified", "sign_error")
PROBED = 8  # keys read at each load


@dataclass(frozen=True)
class Settings:
    """What to run."""

    pairs: tuple[int, ...] = (2, 4, 8, 16, 32)
    """Numbers of pairs after which recall is tested."""
    active: tuple[int, ...] = (5, 10, 20, 40)
    """Active cells of a key."""
    key_cells: int = 200
    """Presynaptic cells."""
    cells: tuple[int, ...] = (1, 2, 4)
    """Value cells of each ON and each OFF pool: half of the cells of a value dimension."""
    standard_active: int = 20
    """Active cells of a key where the cells of a pool are varied; one of `active`."""
    standard_cells: int = 4
    """Cells of a pool where the active cells of a key are varied; one of `cells`."""
    dimensions: int = 8
    """Dimensions of a value."""
    episodes: int = 3
    """Episodes of the spiking networks."""
    rate_episodes: int = 32
    """Episodes of the rate networks: the same ones, and more."""
    duration: float = 500.0
    """How long a write, and a read, lasts, ms."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate every kind of key as conditions of one network, and every size of pool as one network.

    Raises
    ------
    InputError
        if numbers of pairs do not rise, keys cannot have so many active cells, a standard is not among what is tried,
        or there are too few episodes for a standard error.
    """
    check(settings)
    every = {active: memory(settings, active, settings.rate_episodes, seed) for active in settings.active}
    shown = {active: program.isel(episode=slice(settings.episodes)) for active, program in every.items()}
    jobs = make_jobs(settings, shown, seed)
    with nf.spiking.jobs.start(list(jobs.values()), folder=folder) as trace:
        rate = [run_rate_network(rule, every, settings, device) for rule in RULES.values()]
        keys, cells = zip(
            *(score_spiking(settings, shown, model, lambda *case: trace(jobs[case].name)) for model in RULES),
            strict=True,
        )
    standards = {name: getattr(settings, name) for name in ("standard_active", "standard_cells", "key_cells")}
    parts = {
        "/keys": xr.concat(keys, new_dim("synapse_model", RULES)),
        "/cells": xr.concat(cells, new_dim("synapse_model", RULES)),
        "/rate": xr.concat(rate, new_dim("rule", RULES.values())),
    }
    tree = {name: table.assign_attrs(standards) for name, table in parts.items()}
    return xr.DataTree.from_dict(tree | {"/theory": closed_form(settings)})


def check(settings: Settings) -> None:
    if (
        not settings.pairs
        or settings.pairs[0] < 2
        or any(later <= former for former, later in pairwise(settings.pairs))
    ):
        raise InputError(f"pairs must be at least 2 and rise, but are {settings.pairs}")
    for active in settings.active:
        if not 1 <= active < settings.key_cells:
            raise InputError(f"active must be at least 1 and below key_cells = {settings.key_cells}, but has {active}")
    for name in ("active", "cells"):
        standard = getattr(settings, f"standard_{name}")
        if standard not in getattr(settings, name):
            raise InputError(f"standard_{name} must be one of {name}, {getattr(settings, name)}, but is {standard}")
    if not 2 <= settings.episodes <= settings.rate_episodes:
        raise InputError(
            f"episodes must be at least 2 and at most rate_episodes = {settings.rate_episodes}, not {settings.episodes}"
        )


def memory(settings: Settings, active: int, episodes: int, seed: int) -> xr.Dataset:
    """Program that writes pairs, and after each number of pairs reads up to 8 of those written, drawn at random.

    An episode depends on the seed and its own number only. ``load`` (event) is how many pairs are written by then.
    """
    loads: list[int] = []
    for written, load in zip((0, *settings.pairs), settings.pairs, strict=False):
        loads += [*range(written + 1, load + 1), *[load] * min(load, PROBED)]
    total = settings.pairs[-1]
    shape = (episodes, len(loads))
    key, query = np.zeros((2, *shape, settings.key_cells))
    value = np.zeros((*shape, settings.dimensions))
    target = np.full_like(value, np.nan)
    write = np.diff(loads, prepend=0) == 1
    for episode, child in enumerate(np.random.SeedSequence(seed).spawn(episodes)):
        rng = np.random.default_rng([*child.generate_state(4).tolist(), active])
        cells = rng.random((total, settings.key_cells)).argsort(1)[:, :active]
        keys = np.zeros((total, settings.key_cells))
        np.put_along_axis(keys, cells, 1.0, axis=1)
        values = rng.choice([-1.0, 1.0], (total, settings.dimensions))
        key[episode, write], value[episode, write] = keys, values
        for load in settings.pairs:
            events = np.flatnonzero(~write & (np.array(loads) == load))
            asked = rng.permutation(load)[: len(events)]
            query[episode, events], target[episode, events] = keys[asked], values[asked]
    program = nf.program.from_arrays(
        key, value, query=query, write_gate=write.astype(float), duration=settings.duration, target=target
    )
    return program.assign(load=("event", loads, {"units": "1"}))


def make_jobs(settings: Settings, shown: Programs, seed: int) -> dict[tuple[str, int], Job]:
    """By synapse model and cells of a pool; kinds of keys are conditions of the network with standard pools."""
    of_keys = xr.concat(list(shown.values()), dim="condition", combine_attrs="override")
    jobs = {}
    for model in RULES:
        for cells in sorted(settings.cells, key=lambda cells: cells != settings.standard_cells):
            program = of_keys if cells == settings.standard_cells else shown[settings.standard_active]
            network = {"synapse": model, "cells_per_pool": cells, "backend": settings.backend}
            jobs[model, cells] = nf.spiking.jobs.Job(f"{model}-{cells}", program, network, seed=seed)
    return jobs


def score_spiking(
    settings: Settings, shown: Programs, model: str, trace: Callable[[str, int], xr.Dataset]
) -> tuple[xr.Dataset, xr.Dataset]:
    """Scores by kind of key (active, pairs, episode) and by size of pool (cells, pairs, episode)."""
    of_keys = trace(model, settings.standard_cells)
    by_keys = {
        active: score(program, nf.trace.of_condition(of_keys, number), settings.pairs)
        for number, (active, program) in enumerate(shown.items())
    }
    standard = settings.standard_active
    by_cells = [
        by_keys[standard]
        if cells == settings.standard_cells
        else score(shown[standard], trace(model, cells), settings.pairs)
        for cells in settings.cells
    ]
    keys = xr.concat(list(by_keys.values()), new_dim("active", by_keys))
    return keys, xr.concat(by_cells, new_dim("cells", settings.cells))


def run_rate_network(rule: str, every: Programs, settings: Settings, device: str) -> xr.Dataset:
    """Scores (active, pairs, episode) of a rule whose weights cannot be negative."""
    network = nf.RateNetwork(rule, on_off=True, bounds=(0, np.inf), device=device, dtype=torch.float32)
    each = [score(program, network.run(program), settings.pairs) for program in every.values()]
    return xr.concat(each, new_dim("active", every))


def new_dim(dim: str, labels: Iterable[Any]) -> xr.DataArray:
    """A new dim with its labels."""
    labels = list(labels)
    attrs = {} if isinstance(labels[0], str) else {"units": "1"}
    return xr.DataArray(labels, dims=dim, name=dim, attrs=attrs)


def score(program: xr.Dataset, trace: xr.Dataset, pairs: tuple[int, ...]) -> xr.Dataset:
    """Recall R^2, share of values identified, and share of wrong signs (pairs, episode).

    Each number of pairs is decoded with a gain and offset of its own, as theory does.
    """
    parts = []
    for load in pairs:
        here = program.assign(target=program["target"].where(program["load"] == load))
        wrong = nf.metrics.decode(here, trace) * here["target"] < 0
        parts.append(
            xr.Dataset(
                {
                    "r2": nf.metrics.recall_r2(here, trace, by="episode"),
                    "identified": nf.metrics.identified(here, trace, by="episode"),
                    "sign_error": wrong.where(here["target"].notnull()).mean(("event", "post")),
                }
            )
        )
    table = xr.concat(parts, xr.DataArray(list(pairs), dims="pairs", name="pairs", attrs={"units": "1"}))
    for name in MEASURES:
        table[name].attrs = {"units": "1"}
    return table


def closed_form(settings: Settings) -> xr.Dataset:
    """Recall of the Hebbian sum (active, pairs)."""
    r2, sign = zip(
        *(nf.theory.sparse_hebbian_recall(settings.pairs, each, settings.key_cells) for each in settings.active),
        strict=True,
    )
    dims = ("active", "pairs")
    return xr.Dataset(
        {"r2": (dims, np.stack(r2), {"units": "1"}), "sign_error": (dims, np.stack(sign), {"units": "1"})},
        coords={"active": list(settings.active), "pairs": list(settings.pairs)},
    )


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Recall R^2, share of values identified and of wrong signs, means over episodes with SEM.

    ``keys`` (synapse_model, active, pairs), ``cells`` (synapse_model, cells, pairs), ``rate`` (rule, active, pairs);
    ``theory`` (active, pairs) of the Hebbian sum.
    """
    found = {"theory": result["theory"].to_dataset()}
    for name in ("keys", "cells", "rate"):
        table = result[name].to_dataset()
        means = [nf.metrics.mean_and_sem(measure, table[measure], "episode") for measure in MEASURES]
        found[name] = xr.merge([xr.Dataset(each) for each in means])
    return found


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """For each synapse model: all measures against the number of pairs, by key sparsity and by cells of a pool."""
    keys, cells, rate, theory = (result[name].to_dataset() for name in ("keys", "cells", "rate", "theory"))
    drawings = {}
    for model, rule in RULES.items():
        own = (keys.sel(synapse_model=model), cells.sel(synapse_model=model), rate.sel(rule=rule), theory)
        drawings[f"capacity_{model}"] = partial(nf.plots.spiking_capacity, *own)
    return nf.plots.LazyFigures(drawings)


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
