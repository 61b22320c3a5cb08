"""The write gates of a Program, changed: shuffled, closed, open, or closed for some of its writes.

Each function takes a Program and a random generator and returns a new Program, of which only gates differ; where that
changes what should be remembered, `retarget` says so.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurofwp import program as programs
from neurofwp.errors import InputError
from neurofwp.transforms.key_history import walk


def with_gates(program: xr.Dataset, gate: np.ndarray) -> xr.Dataset:
    """The Program with these write gates (episode, event)."""
    return program.assign(write_gate=program["write_gate"].copy(data=gate))


def keep(program: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """The Program as it is."""
    return program


def shuffle(program: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """The Program with the write gates of every episode shuffled among its writes."""
    gate = program["write_gate"].values.copy()
    for episode, write in enumerate(_writes(program)):
        gate[episode, write] = rng.permutation(gate[episode, write])
    return with_gates(program, gate)


def open_all(program: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """The Program with the gate fully open at every write."""
    return with_gates(program, _writes(program).astype(float))


def close(program: xr.Dataset, rng: np.random.Generator) -> xr.Dataset:
    """The Program with the gate closed: what blocked NMDA receptors are to a rate network."""
    return with_gates(program, np.zeros(program["write_gate"].shape))


def close_reassignments(program: xr.Dataset, share: float, rng: np.random.Generator) -> xr.Dataset:
    """The Program with the gate closed at a share of the events that show a key again; targets follow.

    Such an event shows a key with a new value that is not to be stored: the key keeps the value that it has.

    Parameters
    ----------
    share : of these events in each episode, rounded to whole events and drawn at random.

    Raises
    ------
    InputError
        for a share outside [0, 1], or a Program without targets.
    """
    if not 0 <= share <= 1:
        raise InputError(f"a share of the events must be in [0, 1], not {share:g}")
    gate = program["write_gate"].values.copy()
    for episode, write in enumerate(_writes(program)):
        keys, values = program["key"].values[episode], program["value"].values[episode]
        again = [
            event
            for event, history in walk(keys, values, write)
            if write[event] and len(history.under(keys[event])) > 1
        ]
        gate[episode, rng.permutation(again)[: round(share * len(again))].astype(int)] = 0
    return retarget(with_gates(program, gate))


def retarget(program: xr.Dataset) -> xr.Dataset:
    """The Program with the targets of its reads as its gates have them: the value last written to that very key.

    Only writes with an open gate count; a read of a key without one has no target. ``reassigned`` (episode, event), new
    or replaced, says which reads ask for a key that was written more than once.

    Raises
    ------
    InputError
        for a Program without targets.
    """
    if "target" not in programs.check(program):
        raise InputError("this Program has no targets that could follow its gates; give from_arrays a target")
    key, value, query = (program[name].values for name in ("key", "value", "query"))
    write = _writes(program) & (program["write_gate"].values > 0)
    read = program["target"].notnull().all("post").values
    target, reassigned = np.full(program["target"].shape, np.nan), np.zeros(read.shape, dtype=bool)
    for episode in range(len(read)):
        for event, history in walk(key[episode], value[episode], write[episode]):
            values = history.under(query[episode, event])
            if read[episode, event] and values:
                target[episode, event], reassigned[episode, event] = values[-1], len(values) > 1
    made = program.assign(
        target=program["target"].copy(data=target), reassigned=(("episode", "event"), reassigned, {"units": "1"})
    )
    return programs.check(made)


def _writes(program: xr.Dataset) -> np.ndarray:
    """Which events have a key (episode, event)."""
    return (program["key"] > 0).any("pre").transpose("episode", "event").values
