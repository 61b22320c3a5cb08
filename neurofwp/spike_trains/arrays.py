"""Spike trains from arrays with units, and from Brian2's SpikeMonitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from neurofwp.errors import InputError
from neurofwp.runtime.quantities import check_times, is_quantity
from neurofwp.spike_trains.structure import KEY, Train, build

if TYPE_CHECKING:
    from brian2 import Quantity, SpikeMonitor, Unit


def from_arrays(
    times: Sequence[ArrayLike] | Mapping[int, ArrayLike],
    *,
    units: str | Unit | None = None,
    cells: int | None = None,
    population: str = KEY,
    stop: Quantity | float | None = None,
) -> xr.Dataset:
    """Spike trains of one episode, from the times of each cell; `as_episodes` joins several.

    Parameters
    ----------
    times : one array per cell, or arrays by the number of the cell; Brian2 quantities, or numbers in `units`, a text
        like "ms" or Brian2's ms.
    cells : how many there are; left out, as many as `times` tells of. stop : when the recording ends.

    Raises
    ------
    InputError
        for times without a unit or in one that is no time, that do not rise or are not finite, or of a cell that there
        is not.
    """
    if not isinstance(times, Mapping) and len(times) and all(np.ndim(each) == 0 for each in times):
        raise InputError("times must be one array for each cell; of one cell, write [times]")
    by_cell = dict(times) if isinstance(times, Mapping) else dict(enumerate(times))
    with_unit = any(is_quantity(each) for each in by_cell.values())
    if with_unit and units is not None:
        raise InputError(f"these spike times have a unit of their own: leave out units={str(units)!r}")
    if not with_unit and units is None and any(np.size(np.asarray(each, dtype=object)) for each in by_cell.values()):
        raise InputError('spike times need a unit: give Brian2 quantities, or say it, like units="ms"')
    trains = [
        Train(numbers(each, f"spike times of {population} cell {cell}", with_unit), int(cell), population)
        for cell, each in by_cell.items()
    ]
    count = max((train.cell + 1 for train in trains), default=0) if cells is None else cells
    end = None if stop is None else float(numbers(stop, "stop", with_unit).ravel()[0])
    return build(trains, "s" if with_unit else str(units or "ms"), {population: count}, stop=end)


def numbers(values: ArrayLike, what: str, with_unit: bool) -> NDArray[np.float64]:
    """Times as plain numbers: of quantities, in s.

    Raises
    ------
    InputError
        for another unit, quantities beside plain numbers, or what is no list of numbers.
    """
    if isinstance(values, (list, tuple)) and values and is_quantity(values):
        from brian2 import Quantity

        values = Quantity(values)
    if is_quantity(values):
        check_times(values, what)
    try:
        plain = np.atleast_1d(np.asarray(values, dtype=float))
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be a list of numbers: {error}") from error
    if plain.ndim != 1:
        raise InputError(f"{what} must be a list of numbers, but have the shape {plain.shape}")
    if with_unit and plain.size and not is_quantity(values):
        raise InputError(f"{what} have no unit, but others have: give all of them one")
    return plain


def from_monitor(monitor: SpikeMonitor, *, population: str = KEY) -> xr.Dataset:
    """Spike trains of all cells that a Brian2 SpikeMonitor watches, one episode, in s.

    Raises
    ------
    InputError
        for a monitor that did not record who fired when.
    """
    if not {"t", "i"} <= set(getattr(monitor, "record_variables", ())):
        raise InputError("spike trains need a Brian2 SpikeMonitor that records t and i: SpikeMonitor(cells)")
    times, cells = (np.asarray(getattr(monitor, name)) for name in ("t_", "i"))
    order = np.argsort(cells, kind="stable")
    count = len(monitor.source)
    edges = np.searchsorted(cells[order], np.arange(1, count))
    every = [Train(each, cell, population) for cell, each in enumerate(np.split(times[order], edges))]
    return build(every, "s", {population: count})
