"""Every synapse model that comes along: a Trace of a small spiking network, and a bench with one of each protocol."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import resources
from typing import Any

from benchmarks.same_science.areas.inputs import program, spiking_conditions, spiking_trace
from benchmarks.same_science.names import find

PROBES = ((0, "on", 0, 3), (1, "off", 1, 5))
# what networks can be told beside the model: arguments of SpikingNetwork
VARIANTS: dict[str, dict[str, Any]] = {
    "poisson": {"key_cells": "poisson"},
    "conductance-gate": {"gate": "conductance"},
    "read-gate": {"read_gate": 0.5},
    "double-precision": {"synapse_dtype": float},
    "one-cell-per-pool": {"cells_per_pool": 1},
}


def cases() -> dict[str, Callable[[], Any]]:
    """All models, and variants of networks of one of them."""
    made: dict[str, Callable[[], Any]] = {}
    for model in models():
        made[f"trace-{model}"] = partial(trace, model)
        made[f"bench-{model}"] = partial(bench, model)
    for name, settings in VARIANTS.items():
        made[f"variant-{name}"] = partial(trace, "error-correcting", **settings)
    return made | {
        "variant-parameters": parameters,
        "variant-conditions": conditions,
        "variant-numpy": on_numpy,
        "write-speeds": write_speeds,
        "calcium-peaks": peaks,
    }


def models() -> list[str]:
    """The names of the models."""
    folder = resources.files("neurofwp.models") / "synapses"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def trace(model: str, **settings: Any) -> Any:
    """All that a network records: spikes, weights, rates, dendrites, and two synapses over time."""
    return spiking_trace(model, program(), probes=PROBES, **settings)


def parameters() -> Any:
    """Other values of circuit and synapse."""
    from brian2 import nS, second

    return trace("error-correcting", parameters={"g_gaba": 1 * nS, "tau_turnover": 20 * second})


def conditions() -> Any:
    """Other values side by side."""
    from brian2 import nS

    return spiking_conditions("error-correcting", program(), g_gaba=[0.0, 3.0] * nS)


def on_numpy() -> Any:
    """Brian2's own steps in place of a compiled program, on a Program of half a second."""
    made = program(keys=1, duration=150.0).isel(event=slice(0, 1))
    return spiking_trace("error-correcting", made, backend="numpy")


def bench(model: str) -> Any:
    """One synapse for each protocol and repeat, with voltage, calcium and weight over time."""
    from brian2 import ms

    laboratory = find("laboratory.laboratory.Laboratory")(model)
    return laboratory.run(protocols(), repeats=2, seed=5, record=10 * ms)


def protocols() -> list[Any]:
    """One of each kind, short; those to which a model does not respond do nothing."""
    make = find("laboratory.protocol.Protocol")
    irregular = (3.0, 21.0, 55.0, 60.0, 130.0, 171.0, 178.0)
    return [
        make("pre before post", pre=(20.0,), post=(30.0,), trains=10, period=0.1),
        make("post before pre", pre=(30.0,), post=(20.0,), trains=10, period=0.1),
        make("triplets", pre=(20.0, 40.0), post=(30.0,), trains=5, period=0.2),
        make("irregular", pre=irregular, post=tuple(7.0 + each for each in irregular), trains=4, period=0.3),
        make("presynaptic", pre=(5.0,), trains=30, period=0.05),
        make("held", pre=(20.0, 60.0), held=((10.0, 120.0),), voltage=-30.0, trains=5, period=0.2),
        make("plateau", pre=(700.0,), plateaus=((200.0, 500.0),), period=3.0, initial=1.5),
        make("little calcium", pre=(20.0,), post=(30.0,), trains=10, period=0.1, calcium=1.3),
    ]


def write_speeds() -> Any:
    """Parameters of models that write faster or slower."""
    at_speed = find("synapses.write_speed.at_speed")
    known = ("error-correcting", "thresholds", "soft-bound", "omega", "btsp-network", "linear")
    return {model: at_speed(model, [1.0, 0.25]) for model in known}


def peaks() -> Any:
    """Peaks of calcium from which amplitudes follow."""
    found = {}
    for model in ("chindemi-2022",):
        laboratory = find("laboratory.laboratory.Laboratory")(model)
        found[model] = find("laboratory.peaks.calcium_peaks")(laboratory)
    return found
