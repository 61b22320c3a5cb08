"""What needs no simulator: theory, metrics, transforms, tasks, protocols, measurements and their predictions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import resources
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.same_science.areas import closed_synapses
from benchmarks.same_science.areas.inputs import disturb, program, rate_network
from benchmarks.same_science.names import call, find

TASKS: dict[str, dict[str, Any]] = {
    "digit_pairs": {"pairs": 4, "reassign": 0.5, "repeats": 2},
    "gated_pairs": {"stored": 2, "distractors": 3},
    "few_shot": {"ways": 3, "shots": 2, "queries": 2},
    "regression": {"inputs": 3, "examples": 5},
    "tokens.associative_recall.recall": {"vocabulary": 12, "length": 20, "pairs": 3, "reassign": 0.5},
    "tokens.retrieval.retrieval": {"pairs": 5, "length": 8, "repeats": True},
    "modular_sums": {"modulus": 3, "length": 9},
}
COUNTS = np.arange(1, 20)


def cases() -> dict[str, Callable[[], Any]]:
    """All closed forms, and what Programs and Traces are measured with."""
    made: dict[str, Callable[[], Any]] = {f"task-{name}": partial(task, name) for name in TASKS}
    made |= {f"task-associations-{kind}": partial(associations, kind) for kind in ("hetero", "auto", "sequence")}
    made |= {"theory": theory, "recall": recall, "reassignment": reassignment, "completion": completion}
    made |= {"crossing": crossing, "gates": gates, "selection": selection, "damage": damage, "schema": schema}
    return made | dict(closed_synapses.cases())


def task(name: str) -> Any:
    """Episodes of a family of tasks."""
    return call(f"tasks.{name}", **TASKS[name], episodes=2, seed=7)


def associations(kind: str) -> Any:
    """Episodes of associations of one kind."""
    return call("tasks.associations", kind, 4, 2, reads=2, seed=7)


def theory() -> dict[str, Any]:
    """Every closed form of regression, capacity and retrieval on a grid."""
    calls: dict[str, tuple[Any, ...]] = {
        "hebbian_step": (COUNTS, 10),
        "hebbian_regression": (COUNTS, 10),
        "decay_step": (COUNTS, 10, 0.9),
        "decay_regression": (COUNTS, 10, 0.9),
        "delta_regression": (COUNTS, 10),
        "unit_key_delta_regression": (COUNTS, 10),
        "mesa_regression": (COUNTS, 10),
        "hebbian_capacity": (COUNTS, 16),
        "mean_square_overlap": (5, 40),
        "sparse_hebbian_recall": (COUNTS, 5, 40),
        "delta_capacity": (12, 16),
        "random_gating_accuracy": (COUNTS, 20, 0.15),
        "rank_bound": (COUNTS, 8),
        "reassignment_plateau": (20, 40),
    }
    return {name: find(f"theory.{name}")(*arguments) for name, arguments in calls.items()}


def recall() -> dict[str, Any]:
    """Scores of reads, kept apart or not, of all keys or some."""
    made, trace = _recall_example()
    names = {"recall_r2": (made, trace), "identified": (made, trace), "chance_r2": (made,)}
    names |= {"chance_identified": (made,)}
    scores = {name: find(f"metrics.recall.{name}") for name in names}
    ways: dict[str, dict[str, Any]] = {
        "all": {},
        "by-episode": {"by": "episode"},
        "by-event": {"by": "event"},
        "some": {"where": xr.DataArray(np.arange(made.sizes["event"]) % 2 == 0, dims="event")},
    }
    found: dict[str, Any] = {
        name: {way: score(*names[name], **given) for way, given in ways.items()} for name, score in scores.items()
    }
    return found | {"decoded": find("metrics.recall.decode")(made, trace)}


def reassignment() -> Any:
    """What reads of keys with a second value contain."""
    return find("metrics.reassignment.projections")(*_recall_example())


def completion() -> dict[str, Any]:
    """Recall from damaged keys, measured and in closed form, and walks around a ring."""
    shares = (0.3, 0.6)
    encoder = call("slownet.FixedEncoder", pre=60, active=10, seed=3)
    task = call("tasks.associations", "sequence", 4, 2, reads=5, seed=2)
    cues = find("metrics.completion.cues")(shares)
    (name,) = map(str, cues.dims)  # of the dim, and of what Programs call the cue of an event: once `condition`
    made = encoder(task)
    cue, query = np.full((2, made.sizes["event"]), -1), made["query"].values.copy()
    cue[:, 4:] = np.tile(np.repeat(np.arange(5), 4), (2, 1))[:, : made.sizes["event"] - 4]
    rng = np.random.default_rng(1)
    degrade = find("transforms.degradation.degrade")
    for episode, event in np.argwhere(cue > 0):
        here = cues.isel({name: cue[episode, event]})
        query[episode, event] = degrade(query[episode, event], here["damage"].item(), here["share"].item(), rng)
    made = made.assign(query=(made["query"].dims, query, {"units": "1"}))
    made = made.assign({name: (("episode", "event"), cue, {"units": "1"})})
    trace = rate_network("delta", parameters={"rate": 0.1}, unit_keys=False).run(made)
    return {
        "measured": find("metrics.completion.recall_by_cue")(made, trace, cues).rename({name: "cue"}),
        "expected": find("metrics.completion.linear_recall_by_cue")(made, trace, cues).rename({name: "cue"}),
        "walks": find("metrics.sequences.ring_recall")(made, trace, encoder),
    }


def crossing() -> dict[str, Any]:
    """Where a curve reaches a level, and how well that is known."""
    curve, at = np.array([0.1, 0.2, 0.5, 0.4, 0.9]), np.arange(5) / 10
    where = find("metrics.crossing.crossing")
    rng = np.random.default_rng(2)
    data = xr.Dataset({"x": (("episode", "at"), curve + 0.05 * rng.standard_normal((6, 5)))})
    return {
        "crossing": [where(at, curve, level) for level in (0.05, 0.3, 0.45, 0.95)],
        "jackknife": find("metrics.standard_errors.jackknife")(
            data, "episode", lambda some: where(at, some["x"].mean("episode"), 0.3)
        ),
    }


def gates() -> dict[str, Any]:
    """Programs with other write gates."""
    made = program(keys=4, pre=20)
    found = {
        name: find(f"transforms.gates.{name}")(made, np.random.default_rng(4))
        for name in ("keep", "shuffle", "open_all", "close")
    }
    found["close_reassignments"] = find("transforms.gates.close_reassignments")(made, 1.0, np.random.default_rng(4))
    return found | {"retarget": find("transforms.gates.retarget")(made)}


def selection() -> dict[str, Any]:
    """Programs of some cells and dimensions, and what ON and OFF pools are taught."""
    made = program(keys=3, pre=30, post=5)
    return {
        "without_silent_cells": find("transforms.selection.without_silent_cells")(made),
        "keep_most_varied": find("transforms.selection.keep_most_varied")(made, 2),
        "on_off": find("program.on_off")(made),
    }


def damage() -> dict[str, Any]:
    """Keys that lost cells, and linear reads of them."""
    rng = np.random.default_rng(5)
    query = (rng.random((3, 4, 30)).argsort(-1) < 8).astype(float)
    weight = rng.standard_normal((3, 1, 6, 30))
    kinds = find("transforms.degradation.DAMAGES")
    degrade, read = find("transforms.degradation.degrade"), find("transforms.degradation.linear_read")
    return {
        kind: {"query": degrade(query, kind, 0.5, np.random.default_rng(6)), "read": read(weight, query, kind, 0.5)}
        for kind in kinds
    }


def schema() -> dict[str, Any]:
    """Programs from arrays, saved Traces, and every synapse model and circuit as it is loaded."""
    folder = resources.files("neurofwp.models") / "synapses"
    names = sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    made: dict[str, Any] = {"program": program()}
    for name in names:
        network = find("spiking.SpikingNetwork")(name)
        values = {**network.synapse.values, **network.circuit}
        made[name] = {each: float(value) for each, value in sorted(values.items())}
    return made


def _recall_example() -> tuple[xr.Dataset, xr.Dataset]:
    """A Program and a Trace that recalls with errors."""
    made = program(episodes=3, keys=4, pre=24, active=6, post=5, gates=False)
    return made, rate_network("delta", on_off=True, nonnegative=True).run(disturb(made, 0.2, 8))
