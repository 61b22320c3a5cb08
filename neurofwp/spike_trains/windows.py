"""A Program that fits a recording: its events are windows of time, its keys the rates in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from neurofwp import program
from neurofwp.errors import InputError
from neurofwp.spike_trains.arrays import is_quantity
from neurofwp.spike_trains.structure import PHASES, SCHEMA, check, episode_count, in_seconds, population_sizes

if TYPE_CHECKING:
    from brian2 import Quantity

Edges = tuple[NDArray[np.float64], NDArray[np.float64]]  # s (episode, event)


def to_program(
    trains: xr.Dataset,
    value: ArrayLike,
    *,
    write: tuple[ArrayLike, ArrayLike],
    read: tuple[ArrayLike, ArrayLike] | None = None,
    peak_rate: Quantity | float | None = None,
    **others: Any,
) -> tuple[xr.Dataset, xr.Dataset]:
    """A Program whose events are windows of a recording, and the spikes in them, for ``run(program, spikes=...)``.

    Spikes between windows are left out. A key, or a query, is the rate of every cell in its window over `peak_rate`.

    Parameters
    ----------
    trains : of one population; of one episode, from which all episodes are then cut, or of as many as there are.
    value : (episode, event, post) or (event, post), in [-1, 1].
    write, read : where the windows of each event start and stop, each (event,) or (episode, event): Brian2 quantities,
        or numbers in the unit of the trains. NaN: no such phase in that event. Left out, nothing is read.
    peak_rate : the rate that is 1 in a key, a quantity or Hz; by default the highest there is.
    others : write_gate, retention and target, as of `neurofwp.program.from_arrays`.

    Returns
    -------
    Program, whose events last as long as the longest of their windows, in whole ms, rounded up; and trains whose times
    count from the onset of each event's write or read, to the last bit of the difference.

    Raises
    ------
    InputError
        for windows that do not fit each other or the values, end before they begin, or hold no spike at all.
    """
    sizes = population_sizes(check(trains))
    if len(sizes) > 1:
        raise InputError(f"these trains are of {', '.join(sizes)}: choose one, with of_population")
    values = np.asarray(value, dtype=float)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3:
        raise InputError(f"value needs the dims (episode, event, post), or (event, post), not shape {values.shape}")
    shape = values.shape[:2]
    unit = str(trains["spike_time"].attrs["units"])
    windows = {"write": _window(write, "write", unit, shape)}
    if read is not None:
        windows["read"] = _window(read, "read", unit, shape)
    (cells,) = sizes.values()
    cut, rates = _cut(trains, windows, shape, cells)
    highest = max(float(each.max(initial=0)) for each in rates.values())
    if not highest:
        raise InputError("there is no spike in any of these windows")
    peak = highest if peak_rate is None else float(np.asarray(peak_rate))  # of a quantity, in Hz
    lengths = np.stack([np.nan_to_num(stop - start) for start, stop in windows.values()]).max(axis=(0, 1)) * 1000
    duration = np.maximum(np.ceil(np.round(lengths, 6)), 1)
    query = rates["read"] / peak if "read" in rates else None
    made = program.from_arrays(rates["write"] / peak, values, query=query, duration=duration, **others)
    return made.assign_attrs(peak_rate=peak), cut


def _window(edges: tuple[ArrayLike, ArrayLike], phase: str, unit: str, shape: tuple[int, ...]) -> Edges:
    """Start and stop of each window in s."""
    found = []
    for edge, given in zip(("start", "stop"), edges, strict=True):
        size = _size(given, unit, f"{edge} of {phase} windows")
        numbers = np.asarray(given, dtype=float)
        if numbers.shape not in (shape, shape[1:]):
            raise InputError(f"{edge} of {phase} windows has shape {numbers.shape}, but (episode, event) is {shape}")
        found.append(np.broadcast_to(numbers / size, shape))
    start, stop = found
    bad = np.argwhere((np.isnan(start) != np.isnan(stop)) | (stop <= start))
    if bad.size:
        episode, event = bad[0]
        raise InputError(
            f"the {phase} window of event {event} of episode {episode} must end after it begins, but goes from "
            f"{start[episode, event]:g} to {stop[episode, event]:g} s"
        )
    return start, stop


def _size(given: ArrayLike, unit: str, what: str) -> float:
    """How many of its unit are a second."""
    if is_quantity(given):
        from brian2 import get_dimensions, get_unit, have_same_dimensions, second

        if not have_same_dimensions(given, second):
            raise InputError(f"{what} are in {get_unit(get_dimensions(given))!s}: they need a unit of time")
        return 1.0
    one = xr.Dataset({"spike_time": ("spike", np.ones(1), {"units": unit})})
    return 1 / float(in_seconds(one)[0])


def _cut(
    trains: xr.Dataset, windows: dict[str, Edges], shape: tuple[int, ...], cells: int
) -> tuple[xr.Dataset, dict[str, NDArray[np.float64]]]:
    """Spikes in windows, counted from where these start, and rates in Hz (episode, event, cell) of each phase."""
    recorded = episode_count(trains)
    if recorded not in (1, shape[0]):
        raise InputError(
            f"the trains have {recorded} episodes and the values {shape[0]}: give as many, or trains of one"
        )
    times, cell, own = in_seconds(trains), trains["spike_cell"].values, trains["spike_episode"].values
    rates = {phase: np.zeros((*shape, cells)) for phase in windows}
    parts: list[tuple[NDArray[np.int64], tuple[int, int, int], float]] = []
    order = np.argsort(times, kind="stable")
    of_episode = [order[own[order] == episode] for episode in range(recorded)]
    for phase, (starts, stops) in windows.items():
        for (episode, event), start in np.ndenumerate(starts):
            if np.isnan(start):
                continue
            known, stop = of_episode[episode % recorded], stops[episode, event]
            first, last = np.searchsorted(times[known], (start, stop))
            inside = known[first:last]
            rates[phase][episode, event] = np.bincount(cell[inside], minlength=cells) / (stop - start)
            parts.append((inside, (episode, event, PHASES.index(phase)), start))
    counts = [len(inside) for inside, _, _ in parts]
    every = np.concatenate([np.zeros(0, int), *(inside for inside, _, _ in parts)])
    labels = np.repeat(np.array([where for _, where, _ in parts]).reshape(-1, 3), counts, axis=0)
    since = times[every] - np.repeat([start for _, _, start in parts], counts)
    made = trains[["spike_cell", "spike_population"]].isel(spike=every)
    made["spike_time"] = ("spike", since, {"units": "s"})
    for name, column in zip(("spike_episode", "spike_event", "spike_phase"), labels.T, strict=True):
        made[name] = ("spike", column, {"units": "1"})
    return SCHEMA.check(made.assign_attrs(trains.attrs | {"episodes": shape[0], "kind": SCHEMA.kind})), rates
