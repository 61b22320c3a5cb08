"""Small Programs and Traces that several areas use."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.same_science.names import call, find, select_arguments


def program(
    *, episodes: int = 2, keys: int = 2, pre: int = 12, active: int = 4, post: int = 2, duration: float = 400.0,
    gates: bool = True, seed: int = 11,
) -> xr.Dataset:  # fmt: skip
    """Keys written one after the other, the first one again with a new value, then all read; gates half open once."""
    rng = np.random.default_rng(seed)
    cells = rng.random((episodes, keys, pre)).argsort(axis=2) < active
    order = [*range(keys), 0]
    events = len(order) + keys
    key, query = np.zeros((2, episodes, events, pre))
    value, target = np.zeros((episodes, events, post)), np.full((episodes, events, post), np.nan)
    value[:, : len(order)] = rng.uniform(-1, 1, (episodes, len(order), post))
    key[:, : len(order)] = cells[:, order]
    query[:, len(order) :] = cells[:, ::-1]
    last = [len(order) - 1, *range(1, keys)]  # the event in which each key got its last value
    target[:, len(order) :] = value[:, last[::-1]]
    gate = np.zeros(events)
    gate[: len(order)] = 1
    retention = np.ones(events)
    if gates:
        gate[1], retention[2] = 0.6, 0.9
    made: xr.Dataset = find("program.from_arrays")(
        key, value, query=query, write_gate=gate, retention=retention, duration=duration, target=target
    )
    return made


def disturb(made: xr.Dataset, noise: float, seed: int) -> xr.Dataset:
    """The Program with other sizes of keys and values at every event, as spikes would have them."""
    rng = np.random.default_rng(seed)
    key, value = (made[name].values for name in ("key", "value"))
    key = key * rng.gamma(noise**-2, noise**2, key.shape)
    value = np.clip(value + noise * rng.standard_normal(value.shape), -1, 1)
    return made.assign(key=made["key"].copy(data=key), value=made["value"].copy(data=value))


def rate_network(rule: str, *, nonnegative: bool = False, w_max: float = np.inf, **settings: Any) -> Any:
    """A RateNetwork, whether limits of its weights are `bounds` or, as before, `nonnegative` and `w_max`."""
    kind = find("rate.RateNetwork")
    try:
        limits = select_arguments(kind, {"nonnegative": nonnegative, "w_max": w_max})
    except LookupError:
        limits = {"bounds": (0.0, w_max) if nonnegative else None}
    return kind(rule, **limits, **select_arguments(kind, settings))


def spiking_trace(synapse: str, made: xr.Dataset, *, seed: int = 3, probes: Any = (), **settings: Any) -> xr.Dataset:
    """The Trace of a small spiking network, with its spikes and probes."""
    network = call("spiking.SpikingNetwork", synapse, **{"cells_per_pool": 2} | settings)
    if hasattr(network, "record"):
        return _together(network.record(made, seed=seed, probes=probes))
    trace: xr.Dataset = network.run(made, seed=seed, probes=probes)
    return trace


def _together(recording: xr.DataTree) -> xr.Dataset:
    """All variables in one Dataset, as Traces were before."""
    groups = [group.to_dataset() for group in recording.children.values()]
    return xr.merge([recording["trace"].to_dataset(), *groups], combine_attrs="override")


def spiking_conditions(synapse: str, made: xr.Dataset, *, seed: int = 3, **parameters: Any) -> xr.Dataset:
    """The Trace of conditions that differ in parameters, or, as before, of their episodes, one after the other."""
    network = call("spiking.SpikingNetwork", synapse, cells_per_pool=2)
    if "conditions" in inspect.signature(network.run).parameters:
        conditions = find("spiking.conditions.from_quantities")(**parameters)
        if hasattr(network, "record"):
            return _together(network.record(made, seed=seed, conditions=conditions))
        trace: xr.Dataset = network.run(made, seed=seed, conditions=conditions)
        return trace
    episodes, count = made.sizes["episode"], len(next(iter(parameters.values())))
    own = {name: values.repeat(episodes) for name, values in parameters.items()}
    trace = network.run(xr.concat([made] * count, "episode"), seed=seed, varied=own)
    episode = trace["spike_episode"]
    return trace.assign(spike_condition=(episode // episodes).astype(episode.dtype), spike_episode=episode % episodes)
