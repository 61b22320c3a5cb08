"""A Program that fits a recording: its events are windows of time, its keys the rates in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from neurofwp import program
from neurofwp.errors import InputError
from neurofwp.runtime.quantities import check_times, is_quantity
from neurofwp.spike_trains.rates import rates, spikes_within
from neurofwp.spike_trains.structure import PHASES, SCHEMA, check, episode_count, in_seconds, population_sizes
from neurofwp.spike_trains.window_checks import Windows, check_inside, check_order, warn_of_rates

if TYPE_CHECKING:
    from brian2 import Quantity


def to_program(
    trains: xr.Dataset,
    value: ArrayLike,
    *,
    write: tuple[ArrayLike, ArrayLike],
    read: tuple[ArrayLike, ArrayLike] | None = None,
    peak_rate: Quantity | float | None = None,
    sample_step: Quantity | None = None,
    **others: Any,
) -> tuple[xr.Dataset, xr.Dataset]:
    """A Program whose events are windows of a recording, and the spikes in them, for ``run(program, spikes=...)``.

    Spikes between windows are left out. A key, or a query, is the rate of every cell in its window over `peak_rate`.
    Windows without a spike, windows of a minute or more, and rates above 1 kHz are warned of.

    Parameters
    ----------
    trains : of one population; of one episode, from which all episodes are then cut, or of as many as there are.
    value : (episode, event, post) or (event, post), in [-1, 1].
    write, read : where the windows of each event start and stop, each (event,) or (episode, event): Brian2 quantities,
        or numbers in the unit of the trains. NaN: no such phase in that event. Left out, nothing is read.
    peak_rate : the rate that is 1 in a key, a quantity or Hz; by default the highest there is.
    sample_step : of the recording, such as ``second/30000``: windows then start and stop at the nearest sample, so that
        spikes stay on samples of the run. Left out, windows stay where they are, and spikes may lie between the steps
        of the run, which moves them.
    others : write_gate, retention and target, as of `neurofwp.program.from_arrays`.

    Returns
    -------
    Program, whose events last as long as the longest of their windows, in whole ms, rounded up; and trains whose times
    count from the onset of each event's write or read, to the last bit of the difference. The Program's attributes
    ``peak_rate`` (Hz) and ``largest_window_shift_ms`` say what is 1 in a key, and by how much windows were moved.

    Raises
    ------
    InputError
        for windows that do not fit each other or the values, end before they begin, lie outside of the recording, or
        hold no spike at all.
    """
    sizes = population_sizes(check(trains))
    if len(sizes) > 1:
        raise InputError(f"these trains are of {', '.join(sizes)}: choose one, with of_population")
    values = np.asarray(value, dtype=float)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3:
        raise InputError(f"value needs the dims (episode, event, post), or (event, post), not shape {values.shape}")
    given = {"write": write} | ({} if read is None else {"read": read})
    windows, shift = _windows(trains, given, values.shape[:2], sample_step)
    (cells,) = sizes.values()
    cut, found = _cut(trains, windows, values.shape[:2], cells)
    warn_of_rates(windows, found)
    highest = max(float(each.max(initial=0)) for each in found.values())
    peak = highest if peak_rate is None else float(np.asarray(peak_rate))  # of a quantity, in Hz
    lengths = np.stack([np.nan_to_num(edges[..., 1] - edges[..., 0]) for edges in windows.values()])
    duration = np.maximum(np.ceil(np.round(lengths.max(axis=(0, 1)) * 1000, 6)), 1)
    query = found["read"] / peak if "read" in found else None
    made = program.from_arrays(found["write"] / peak, values, query=query, duration=duration, **others)
    return made.assign_attrs(peak_rate=peak, largest_window_shift_ms=shift), cut


def _windows(
    trains: xr.Dataset,
    given: Mapping[str, tuple[ArrayLike, ArrayLike]],
    shape: tuple[int, ...],
    sample_step: Quantity | None,
) -> tuple[Windows, float]:
    """Start and stop of each window in s, and by how much (ms) the one was moved that was moved furthest."""
    unit = str(trains["spike_time"].attrs["units"])
    windows = {phase: _edges(edges, phase, unit, shape) for phase, edges in given.items()}
    check_inside(trains, windows)
    if sample_step is None:
        check_order(windows)
        return windows, 0.0
    _size(sample_step, unit, "sample_step")  # refuses what is no time
    if not is_quantity(sample_step) or not float(sample_step) > 0:
        raise InputError(f"sample_step must be a time above 0, like second/30000, not {sample_step!r}")
    times, step = in_seconds(trains), float(sample_step)
    first = float(times.min(initial=np.inf))  # a sample, wherever the clock of the recording began
    moved = {phase: first + np.round((edges - first) / step) * step for phase, edges in windows.items()}
    check_order(moved)
    shift = max(float(np.nanmax(np.abs(moved[phase] - windows[phase]), initial=0)) for phase in windows)
    return moved, shift * 1000


def _edges(edges: tuple[ArrayLike, ArrayLike], phase: str, unit: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Start and stop of each window of a phase in s."""
    found = []
    for edge, given in zip(("start", "stop"), edges, strict=True):
        size = _size(given, unit, f"{edge} of {phase} windows")
        numbers = np.asarray(given, dtype=float)
        if numbers.shape not in (shape, shape[1:]):
            raise InputError(f"{edge} of {phase} windows has shape {numbers.shape}, but (episode, event) is {shape}")
        found.append(np.broadcast_to(numbers / size, shape))
    return np.stack(found, axis=-1)


def _size(given: ArrayLike, unit: str, what: str) -> float:
    """How many of its unit are a second."""
    if is_quantity(given):
        check_times(given, what)
        return 1.0
    one = xr.Dataset({"spike_time": ("spike", np.ones(1), {"units": unit})})
    return 1 / float(in_seconds(one)[0])


def _cut(
    trains: xr.Dataset, windows: Windows, shape: tuple[int, ...], cells: int
) -> tuple[xr.Dataset, dict[str, NDArray[np.float64]]]:
    """Spikes in windows, counted from where these start, and rates in Hz (episode, event, cell) of each phase."""
    recorded = episode_count(trains)
    times, cell, own = in_seconds(trains), trains["spike_cell"].values, trains["spike_episode"].values
    found = {phase: np.zeros((*shape, cells)) for phase in windows}
    parts: list[tuple[NDArray[np.int64], tuple[int, int, int], float]] = []
    order = np.argsort(times, kind="stable")
    of_episode = [order[own[order] == episode] for episode in range(recorded)]
    for phase, edges in windows.items():
        for episode, each in enumerate(edges):
            known = of_episode[episode % recorded]
            found[phase][episode] = rates(times[known], cell[known], cells, each)
            for event, (first, last) in enumerate(spikes_within(times[known], each)):
                parts.append((known[first:last], (episode, event, PHASES.index(phase)), each[event, 0]))
    counts = [len(inside) for inside, _, _ in parts]
    every = np.concatenate([np.zeros(0, int), *(inside for inside, _, _ in parts)])
    labels = np.repeat(np.array([where for _, where, _ in parts]).reshape(-1, 3), counts, axis=0)
    since = times[every] - np.repeat([start for _, _, start in parts], counts)
    made = trains[["spike_cell", "spike_population"]].isel(spike=every)
    made["spike_time"] = ("spike", since, {"units": "s"})
    for name, column in zip(("spike_episode", "spike_event", "spike_phase"), labels.T, strict=True):
        made[name] = ("spike", column, {"units": "1"})
    return SCHEMA.check(made.assign_attrs(trains.attrs | {"episodes": shape[0], "kind": SCHEMA.kind})), found
