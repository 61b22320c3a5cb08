"""How many pairs a spiking fast weight memory holds, against key sparsity and cells per value dimension.

Random values of +-1 are written one-shot under random keys of a few active cells, and read back as pairs accumulate.
Two synapse models run the same Programs as the rate networks of their rules: additive beside the Hebbian sum,
error-correcting beside the delta rule. The sum has a closed form, drawn beside both; how much of it spikes reach
depends on how many cells carry a key and how many a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import metrics, theory
from neurofwp import program as programs
from neurofwp.errors import InputError
from neurofwp.plots.averages import mean_sem
from neurofwp.plots.spiking_capacity import spiking_capacity
from neurofwp.rate import RateNetwork
from neurofwp.spiking.jobs import Job, start
from neurofwp.trace import of_condition

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
    _check(settings)
    every = {active: memory(settings, active, settings.rate_episodes, seed) for active in settings.active}
    shown = {active: program.isel(episode=slice(settings.episodes)) for active, program in every.items()}
    of_keys = xr.concat(list(shown.values()), dim="condition", combine_attrs="override")
    jobs = {}
    for regime in RULES:
        for cells in sorted(settings.cells, key=lambda cells: cells != settings.standard_cells):
            program = of_keys if cells == settings.standard_cells else shown[settings.standard_active]
            network = {"synapse": regime, "cells_per_pool": cells, "backend": settings.backend}
            jobs[regime, cells] = Job(f"{regime}-{cells}", program, network, seed=seed)
    with start(list(jobs.values()), folder=folder) as trace:
        rate = xr.concat(
            [_rate(rule, every, settings, device) for rule in RULES.values()],
            dim=xr.DataArray(list(RULES.values()), dims="rule", name="rule"),
        )
        parts = []
        for regime in RULES:
            keys = trace(jobs[regime, settings.standard_cells].name)
            by_keys = [
                measured(program, of_condition(keys, number), settings.pairs)
                for number, program in enumerate(shown.values())
            ]
            by_cells = [
                by_keys[settings.active.index(settings.standard_active)]
                if cells == settings.standard_cells
                else measured(shown[settings.standard_active], trace(jobs[regime, cells].name), settings.pairs)
                for cells in settings.cells
            ]
            parts.append((xr.concat(by_keys, _active(settings)), xr.concat(by_cells, _cells(settings))))
    regimes = xr.DataArray(list(RULES), dims="regime", name="regime")
    groups = {
        "keys": xr.concat([keys for keys, _ in parts], regimes),
        "cells": xr.concat([c for _, c in parts], regimes),
    }
    tree = {f"/{name}": table.assign_attrs(_standards(settings)) for name, table in (groups | {"rate": rate}).items()}
    return xr.DataTree.from_dict(tree | {"/theory": _theory(settings)})


def _check(settings: Settings) -> None:
    if not settings.pairs or settings.pairs[0] < 2 or any(b <= a for a, b in pairwise(settings.pairs)):
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


def _standards(settings: Settings) -> dict[str, int]:
    return {
        "standard_active": settings.standard_active,
        "standard_cells": settings.standard_cells,
        "key_cells": settings.key_cells,
    }


def _active(settings: Settings) -> xr.DataArray:
    return xr.DataArray(list(settings.active), dims="active", name="active", attrs={"units": "1"})


def _cells(settings: Settings) -> xr.DataArray:
    return xr.DataArray(list(settings.cells), dims="cells", name="cells", attrs={"units": "1"})


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
    made = programs.from_arrays(
        key, value, query=query, write_gate=write.astype(float), duration=settings.duration, target=target
    )
    return made.assign(load=("event", loads, {"units": "1"}))


def _rate(rule: str, every: dict[int, xr.Dataset], settings: Settings, device: str) -> xr.Dataset:
    network = RateNetwork(rule, on_off=True, bounds=(0, np.inf), device=device, dtype=torch.float32)
    each = [measured(program, network.run(program), settings.pairs) for program in every.values()]
    return xr.concat(each, _active(settings))


def measured(program: xr.Dataset, trace: xr.Dataset, pairs: tuple[int, ...]) -> xr.Dataset:
    """Recall R^2, share of values identified, and share of wrong signs (pairs, episode).

    Each number of pairs is decoded with a gain and offset of its own, as theory does.
    """
    parts = []
    for load in pairs:
        here = program.assign(target=program["target"].where(program["load"] == load))
        wrong = metrics.decode(here, trace) * here["target"] < 0
        parts.append(
            xr.Dataset(
                {
                    "r2": metrics.recall_r2(here, trace, by="episode"),
                    "identified": metrics.identified(here, trace, by="episode"),
                    "sign_error": wrong.where(here["target"].notnull()).mean(("event", "post")),
                }
            )
        )
    table = xr.concat(parts, xr.DataArray(list(pairs), dims="pairs", name="pairs", attrs={"units": "1"}))
    for name in MEASURES:
        table[name].attrs = {"units": "1"}
    return table


def _theory(settings: Settings) -> xr.Dataset:
    r2, sign = zip(
        *(theory.sparse_hebbian_recall(settings.pairs, each, settings.key_cells) for each in settings.active),
        strict=True,
    )
    dims = ("active", "pairs")
    return xr.Dataset(
        {"r2": (dims, np.stack(r2), {"units": "1"}), "sign_error": (dims, np.stack(sign), {"units": "1"})},
        coords={"active": list(settings.active), "pairs": list(settings.pairs)},
    )


def _points(result: xr.DataTree) -> Iterator[tuple[str, xr.Dataset]]:
    """Every condition with the key that names it: scores (pairs, episode)."""
    for name, at in (("keys", "active"), ("cells", "cells")):
        table = result[name].to_dataset()
        for regime in table["regime"].values.tolist():
            for level in table[at].values.tolist():
                yield f"spiking.{regime}.{at}.{level}", table.sel({"regime": regime, at: level}, drop=True)
    rate = result["rate"].to_dataset()
    for rule in rate["rule"].values.tolist():
        for level in rate["active"].values.tolist():
            yield f"rate.{rule}.active.{level}", rate.sel(rule=rule, active=level, drop=True)


def summary(result: xr.DataTree) -> dict[str, Any]:
    """Recall, identification and sign error against the number of pairs, means over episodes with .sem.

    Keys: spiking.<regime>.active.<cells of a key>.<pairs>.{r2, identified, sign_error} and .sem of each, the same
    under spiking.<regime>.cells.<cells of a pool> and rate.<rule>.active.<cells of a key>; theory.active.<cells of a
    key>.<pairs>.{r2, sign_error} of the Hebbian sum.
    """
    numbers: dict[str, Any] = {}
    for key, table in _points(result):
        for pairs in table["pairs"].values.tolist():
            for name in MEASURES:
                mean, sem, _ = mean_sem(table[name].sel(pairs=pairs), "episode")
                numbers[f"{key}.{pairs}.{name}"] = float(mean)
                numbers[f"{key}.{pairs}.{name}.sem"] = float(sem)
    closed_form = result["theory"].to_dataset()
    for active in closed_form["active"].values.tolist():
        for pairs in closed_form["pairs"].values.tolist():
            for name in ("r2", "sign_error"):
                numbers[f"theory.active.{active}.{pairs}.{name}"] = float(
                    closed_form[name].sel(active=active, pairs=pairs)
                )
    return numbers


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Every episode of every condition."""
    rows = []
    for key, table in _points(result):
        rows.append(table[list(MEASURES)].to_dataframe().reset_index())
        for place, (column, word) in enumerate(
            zip(("network", "memory", "varied", "level"), key.split("."), strict=True)
        ):
            rows[-1].insert(place, column, word)
    return {"capacity": pd.concat(rows)}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """For each synapse model: all measures against the number of pairs, by key sparsity and by cells of a pool."""
    keys, cells, rate, closed_form = (result[name].to_dataset() for name in ("keys", "cells", "rate", "theory"))
    return {
        f"capacity_{regime}": spiking_capacity(
            keys.sel(regime=regime),
            cells.sel(regime=regime),
            rate.sel(rule=rule),
            closed_form,
        )
        for regime, rule in RULES.items()
    }
