"""What plastic synapses of anybody's Brian2 network did, as a Program and a Trace: for `neurofwp.identify`."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from brian2 import (
    Quantity,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    get_dimensions,
    have_same_dimensions,
    ms,
    nS,
    second,
    siemens,
)
from brian2.groups.subgroup import Subgroup
from numpy.typing import ArrayLike, NDArray

from neurofwp import program as programs, trace as traces
from neurofwp.errors import InputError
from neurofwp.spike_trains.rates import rates

Floats = NDArray[np.float64]
ROUNDING = 1e-9  # s, of times that are whole steps


def from_brian2(
    weights: StateMonitor, pre: SpikeMonitor, value: SpikeMonitor | ArrayLike, events: Quantity, **program: Any
) -> tuple[xr.Dataset, xr.Dataset]:
    """A Program, of what the synapses were given, and a Trace, of what their weights did.

    Parameters
    ----------
    weights : monitor of the variable ``weight`` of a `Synapses` object, of all synapses or some.
    pre : monitor of the spikes of its source, or of a group that this is a part of. A key is the rates of an event, 1
        for the highest of all.
    value : monitor of the spikes of its target, likewise; or what was taught, (event, post) or (episode, event, post)
        in [-1, 1], of all cells of the target.
    events : begin and end of each, (event, 2) or (episode, event, 2). Weights after an event are those of the last
        sample before its end (at its end they may have been set back for another episode), and weights before the
        first event of an episode those of the last sample until its begin, if there is one.
    program : `write_gate` and others, as of `neurofwp.program.from_arrays`.

    Returns
    -------
    Program and Trace. ``pre`` counts all cells of the source, ``post`` those cells of the target whose synapses were
    recorded (their numbers are the coordinate ``post``); the weight (nS) of a pair that has no recorded synapse is NaN.

    Raises
    ------
    InputError
        for a monitor of something else, events that are no times, end before they begin or hold no sample, and pairs
        with several synapses.
    """
    windows = _windows(events)
    source, target = _groups(weights)
    cells, dense, initial = _weights(weights, windows, len(source))
    given = not isinstance(value, (SpikeMonitor, StateMonitor))
    taught = np.asarray(value, dtype=float) if given else _rates(value, target, "value", windows)
    if taught.shape[-1] != len(target):
        raise InputError(f"value is of {taught.shape[-1]} cells, but the target of these synapses has {len(target)}")
    length = (windows[..., 1] - windows[..., 0]) * float(second / ms)
    key = _rates(pre, source, "pre", windows)
    made = programs.from_arrays(key, taught[..., cells], duration=length, **program)
    trace = traces.from_weights(dense, units="nS", initial_weight=initial)
    return made.assign_coords(post=cells), trace.assign_coords(post=cells)


def _weights(
    monitor: StateMonitor, windows: Floats, sources: int
) -> tuple[NDArray[np.int_], Floats, NDArray[np.float64] | None]:
    """Target cells, and weights (nS) between them and all source cells: after each event, and before the first."""
    pre, post = _pairs(monitor)
    cells, column = np.unique(post, return_inverse=True)
    time, seen = np.asarray(monitor.t / second), np.asarray(monitor.weight / nS)
    last = np.searchsorted(time, windows[..., 1] - ROUNDING) - 1
    empty = (last < 0) | (time[last] < windows[..., 0] - ROUNDING)
    if empty.any():
        start, stop = windows[empty][0]
        raise InputError(f"there is no sample of weights in the event from {start:g} s to {stop:g} s")
    dense = np.full((*last.shape, len(cells), sources), np.nan)
    dense[..., column, pre] = np.moveaxis(seen[:, last], 0, -1)
    before = np.searchsorted(time, windows[:, 0, 0] + ROUNDING, side="right") - 1
    if (before < 0).any():
        return cells, dense, None
    initial = np.zeros((len(before), len(cells), sources))
    initial[:, column, pre] = seen[:, before].T
    return cells, dense, initial


def _groups(monitor: Any) -> tuple[Any, Any]:
    """Source and target of the synapses."""
    if "weight" not in getattr(monitor, "record_variables", ()) or not isinstance(monitor.source, Synapses):
        raise InputError("weights must be a StateMonitor of the variable 'weight' of a Synapses object")
    return monitor.source.source, monitor.source.target


def _pairs(monitor: StateMonitor) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Source and target cell of each recorded synapse."""
    if not have_same_dimensions(monitor.weight, siemens):
        raise InputError(f"weights must be in siemens, not in {monitor.weight.dim}")
    pre, post = (np.asarray(cells)[np.asarray(monitor.record)] for cells in (monitor.source.i, monitor.source.j))
    pairs, several = np.unique(np.stack([pre, post]), axis=1, return_counts=True)
    if (several > 1).any():
        first, other = pairs[:, several > 1][:, 0]
        raise InputError(
            f"cells {first} and {other} have {several.max()} recorded synapses, and a rule describes one: "
            "record one of each pair, StateMonitor(..., record=[...])"
        )
    return pre, post


def _windows(events: Quantity) -> Floats:
    """(episode, event, 2) in s."""
    if not have_same_dimensions(events, second):
        raise InputError(f"events must be times, with a unit like second, not {get_dimensions(events)}")
    windows = np.asarray(events / second, dtype=float)
    if windows.ndim not in (2, 3) or windows.shape[-1] != 2:
        raise InputError(f"events must be (event, 2) or (episode, event, 2), begin and end, not {windows.shape}")
    if (wrong := windows[..., 1] <= windows[..., 0]).any():
        start, stop = windows[wrong][0]
        raise InputError(f"an event ends at {stop:g} s, not after its begin at {start:g} s")
    return windows if windows.ndim == 3 else windows[None]


def _rates(monitor: Any, group: Any, argument: str, windows: Floats) -> Floats:
    """(episode, event, cell) of all cells of a group, relative to the highest of all; 0 where nothing fires."""
    if not isinstance(monitor, SpikeMonitor):
        raise InputError(f"{argument} must be a SpikeMonitor, not {type(monitor).__name__}")
    (whole, first), (wanted, begin) = _place(monitor.source), _place(group)
    covered = first <= begin and begin + len(group) <= first + len(monitor.source)
    if whole != wanted or not covered:
        side = "source" if argument == "pre" else "target"
        raise InputError(
            f"{argument} monitors {monitor.source.name!r}, not {group.name!r}, the {side} of these synapses"
        )
    own = np.asarray(monitor.i) + first - begin
    inside = (own >= 0) & (own < len(group))
    time, cell = np.asarray(monitor.t / second)[inside], own[inside]
    rate = rates(time, cell, len(group), windows)  # spikes of a monitor are in order
    return np.asarray(rate / max(rate.max(), 1e-12))


def _place(group: Any) -> tuple[str, int]:
    """The whole group that a group is a part of, and the number of its first cell there."""
    return (group.source.name, group.start) if isinstance(group, Subgroup) else (group.name, 0)
