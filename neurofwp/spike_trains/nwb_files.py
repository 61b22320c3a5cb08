"""Spike trains from and to units tables of NWB files (the optional extra `neo`)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.runtime import files
from neurofwp.spike_trains.extra import require
from neurofwp.spike_trains.structure import KEY, PHASES, Train, build, in_seconds, of_population, trains

if TYPE_CHECKING:
    from pynwb import NWBFile

OWN = {  # columns that `write_nwb` adds
    "population": "population of the network",
    "cell": "number of the cell within its population",
    "episode": "episode of the Program; every episode begins at 0 s",
    "condition": "condition of the network",
}


def from_nwb(source: str | Path | NWBFile) -> xr.Dataset:
    """Spike trains from the units table of an NWB file: a path, or a file that is open. Times are in s, bit for bit.

    Units become the cells of one episode, in their order, and ``spike_cell.attrs["labels"]`` their ids, unless
    `write_nwb` wrote them, which says of which episode, population and cell each is.

    Raises
    ------
    InputError
        without the extra `neo`; for a file that cannot be read or has no units with spike times, several conditions,
        or times that `from_arrays` would refuse.
    """
    if not isinstance(source, (str, Path)):
        return _from_units(source.units)
    pynwb = require("pynwb")
    try:
        with pynwb.NWBHDF5IO(str(source), "r") as opened:
            return _from_units(opened.read().units)
    except (OSError, TypeError) as error:
        raise InputError(f"{str(source)!r} is not an NWB file that can be read: {error}") from error


def _from_units(units: Any) -> xr.Dataset:
    if units is None or "spike_times" not in units.colnames:
        raise InputError("this NWB file has no units with spike_times")
    times = [np.asarray(units["spike_times"][row], dtype=float) for row in range(len(units))]
    if set(OWN) <= set(units.colnames):
        about = {name: list(units[name][:]) for name in OWN}
        if any(about["condition"]):
            raise InputError("this NWB file holds several conditions: write that of one, neurofwp.trace.of_condition")
        placed = [
            Train(each, int(about["cell"][row]), str(about["population"][row]), int(about["episode"][row]))
            for row, each in enumerate(times)
        ]
        sizes: dict[str, int] = {}
        for train in placed:
            sizes[train.population] = max(sizes.get(train.population, 0), train.cell + 1)
        return build(placed, "s", sizes, episodes=max((train.episode for train in placed), default=0) + 1)
    labels = [str(each) for each in units.id[:]]
    return build([Train(each, row) for row, each in enumerate(times)], "s", {KEY: len(times)}, labels=labels)


def write_nwb(
    data: xr.Dataset,
    path: str | Path,
    population: str | None = None,
    *,
    identifier: str,
    session_start_time: datetime,
    description: str = "spikes of a spiking network of neurofwp",
    trace: xr.Dataset | None = None,
) -> Path:
    """Write spikes into the units table of a new NWB file, one unit for each cell and episode.

    Times are in s, as NWB has them: those in another unit change by at most a unit in the last place.

    Parameters
    ----------
    data : spike trains. population : of which; by default all.
    identifier, session_start_time, description : what NWB asks for; the time with a time zone.
    trace : of the network, whose writes and reads become epochs.

    Raises
    ------
    InputError
        without the extra `neo`, or for a population that there is not.
    """
    pynwb = require("pynwb")
    spikes = of_population(data, population)
    spikes = spikes.assign(spike_time=spikes["spike_time"].copy(data=in_seconds(spikes)))
    made = pynwb.NWBFile(session_description=description, identifier=identifier, session_start_time=session_start_time)
    for name, meaning in OWN.items():
        made.add_unit_column(name, meaning)
    for train in trains(spikes):
        about = {"population": train.population, "cell": train.cell}
        made.add_unit(spike_times=train.times, episode=train.episode, condition=train.condition, **about)
    for phase in PHASES:
        if trace is not None and f"{phase}_start" in trace.coords:
            for start, stop in zip(trace[f"{phase}_start"].values, trace[f"{phase}_stop"].values, strict=True):
                if np.isfinite(start):
                    made.add_epoch(start / 1000, stop / 1000, [phase])
    with files.replace_file(path) as temporary, pynwb.NWBHDF5IO(str(temporary), "w") as opened:
        opened.write(made)
    return Path(path)
