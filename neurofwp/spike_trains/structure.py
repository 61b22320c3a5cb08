"""Spike trains: who fired when, in the words of a Trace.

They are an `xarray.Dataset` of the same variables in which a Trace holds its spikes, so that a Trace can stand wherever
spike trains can:

====================  =======  ==================================================================================
variable              dims     meaning
====================  =======  ==================================================================================
``spike_time``        spike    time in its unit, ``attrs["units"]``, that in which it came ("s", "ms" ...), so that
                               no bit of it is lost; ``attrs["stop"]``: when the recording ends, where that is known
``spike_episode``     spike    of the Program
``spike_cell``        spike    number within its population; ``attrs["labels"]``: what cells were called before
``spike_population``  spike    a number for each of ``attrs["flag_meanings"]``; ``attrs["sizes"]``: cells of each
``spike_condition``   spike    optional: to which condition it belongs
``spike_event``       spike    optional: the event of which it is; its time then counts from the onset of
``spike_phase``       spike    the write (0) or the read (1) of that event
====================  =======  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.errors import InputError, unknown
from neurofwp.schema import Schema, Variable
from neurofwp.synapses import units

KIND = "neurofwp.spike_trains"
KEY = "key"  # the population of trains that do not name one
PHASES = ("write", "read")
SECONDS = units.size("s")
_SPIKE = ("spike",)
SCHEMA = Schema(
    "set of spike trains",
    KIND,
    {
        "spike_time": Variable(_SPIKE, "time"),
        "spike_episode": Variable(_SPIKE, "episode", "1", low=0),
        "spike_cell": Variable(_SPIKE, "number within its population", "1", low=0),
        "spike_population": Variable(_SPIKE, "number of its population", "1", low=0),
        "spike_condition": Variable(_SPIKE, "condition", "1", low=0, optional=True),
        "spike_event": Variable(_SPIKE, "event", "1", low=0, optional=True),
        "spike_phase": Variable(
            _SPIKE, "0 in the write, 1 in the read of its event", "1", low=0, high=1, optional=True
        ),
    },
    units=True,
)
LEVELS = ("spike_condition", "spike_episode", "spike_population", "spike_cell")  # what makes a train


@dataclass(frozen=True)
class Train:
    """One cell in one episode (of one condition): its times rise."""

    times: NDArray[np.float64]
    cell: int
    population: str = KEY
    episode: int = 0
    condition: int = 0


def build(
    trains: Iterable[Train],
    unit: str,
    sizes: Mapping[str, int],
    *,
    episodes: int = 1,
    stop: float | None = None,
    labels: Sequence[str] | None = None,
) -> xr.Dataset:
    """Spike trains from each train, in one unit.

    Parameters
    ----------
    sizes : cells of each population. stop : when the recording ends. labels : what the cells were called before.

    Raises
    ------
    InputError
        for a unit that is no time, times that are not finite or do not rise, or a cell that there is not.
    """
    check_unit(unit, "spike times")
    every, names = list(trains), list(sizes)
    for train in every:
        _check_train(train, unit, sizes)
    counts = [len(train.times) for train in every]

    def each(values: list[int], dtype: type = np.int64) -> NDArray[np.int64]:
        return np.repeat(np.array(values, dtype=dtype), counts)

    flags = {"flag_values": list(range(len(names))), "flag_meanings": " ".join(names), "sizes": list(sizes.values())}
    population = each([names.index(train.population) for train in every], np.int8)
    made = xr.Dataset(
        {
            "spike_time": (_SPIKE, np.concatenate([np.zeros(0), *(train.times for train in every)]), {"units": unit}),
            "spike_episode": (_SPIKE, each([train.episode for train in every]), {"units": "1"}),
            "spike_cell": (_SPIKE, each([train.cell for train in every]), {"units": "1"}),
            "spike_population": (_SPIKE, population, {"units": "1", **flags}),
        },
        attrs={"kind": KIND, "episodes": episodes},
    )
    if stop is not None:
        made["spike_time"].attrs["stop"] = float(stop)
    if labels is not None:
        made["spike_cell"].attrs["labels"] = list(labels)
    return SCHEMA.check(made)


def _check_train(train: Train, unit: str, sizes: Mapping[str, int]) -> None:
    who = f"{train.population} cell {train.cell}" + (f" of episode {train.episode}" if train.episode else "")
    if not 0 <= train.cell < sizes[train.population]:
        raise InputError(f"there is no {who}: the trains are of {sizes[train.population]} cells, from 0 on")
    finite = np.isfinite(train.times)
    if not finite.all():
        number = int(np.argmin(finite))
        raise InputError(f"spike {number} of {who} is at {train.times[number]:g}: spike times must be finite")
    falls = np.flatnonzero(np.diff(train.times) < 0)
    if falls.size:
        number = int(falls[0]) + 1
        time, before = train.times[number], train.times[number - 1]
        raise InputError(
            f"spike {number} of {who} is at {time:g} {unit}, after one at {before:g} {unit}: times of a train must rise"
        )


def check_unit(unit: str, what: str) -> None:
    """InputError for a unit that is no time."""
    size = units.size(unit)
    if size is None or SECONDS is None or size[1] != SECONDS[1]:
        raise InputError(f"{what} must be in a unit of time, like s or ms, not in {unit!r}")


def check(data: xr.Dataset) -> xr.Dataset:
    """`data` unchanged if it holds spike trains: its own, or those of a Trace.

    Raises
    ------
    InputError
        for anything else.
    """
    if isinstance(data, xr.Dataset) and data.attrs.get("kind") == "neurofwp.trace":
        if "spike_time" not in data:
            raise InputError("this Trace holds no spikes: those of spiking networks do")
        return data
    return SCHEMA.check(data)


def in_seconds(data: xr.Dataset) -> NDArray[np.float64]:
    """Spike times in s; those that are in s already, bit for bit."""
    return np.asarray(_seconds(data["spike_time"].values, data))


def stop_in_seconds(data: xr.Dataset) -> float | None:
    """When the recording ends, s, where that is known."""
    stop = data["spike_time"].attrs.get("stop")
    return None if stop is None else float(_seconds(np.asarray(stop, dtype=float), data))


def _seconds(times: NDArray[np.float64], data: xr.Dataset) -> NDArray[np.float64]:
    size = units.size(data["spike_time"].attrs["units"])
    assert size is not None
    power = size[0]
    return np.asarray(times / 10.0**-power if power < 0 else times * 10.0**power)


def population_sizes(data: xr.Dataset) -> dict[str, int]:
    """How many cells each population has; of files that do not say, as many as the last cell that fires."""
    flags = data["spike_population"].attrs
    names = str(flags["flag_meanings"]).split()
    if "sizes" in flags:
        return dict(zip(names, np.atleast_1d(flags["sizes"]).tolist(), strict=True))
    population, cell = data["spike_population"].values, data["spike_cell"].values
    return {name: int(cell[population == number].max(initial=-1)) + 1 for number, name in enumerate(names)}


def episode_count(data: xr.Dataset) -> int:
    """How many episodes there are."""
    return int(data.sizes["episode"] if "episode" in data.sizes else data.attrs["episodes"])


def of_population(data: xr.Dataset, name: str | None = None) -> xr.Dataset:
    """The spikes of one population alone; without a name, of all.

    Raises
    ------
    InputError
        for a population that there is not.
    """
    check(data)
    sizes = population_sizes(data)
    if name is not None and name not in sizes:
        raise unknown("population", name, sizes)
    variables = [each for each in SCHEMA.variables if each in data]
    spikes = data[variables].reset_coords(drop=True)
    spikes.attrs = {"kind": KIND, "episodes": episode_count(data)}
    if name is None:
        return spikes
    own = spikes["spike_population"].values == list(sizes).index(name)
    chosen = spikes.isel(spike=np.flatnonzero(own))
    chosen["spike_population"] = chosen["spike_population"].copy(data=np.zeros(int(own.sum()), np.int8))
    flags = {"flag_values": [0], "flag_meanings": name, "sizes": [sizes[name]]}
    chosen["spike_population"].attrs = {"units": "1", **flags}
    return chosen


def of_cells(data: xr.Dataset, cells: Sequence[int]) -> xr.Dataset:
    """Some cells of trains of one population, in this order: the first becomes cell 0.

    Raises
    ------
    InputError
        for several populations, a cell that there is not, or one that is chosen twice.
    """
    (name, size), *others = population_sizes(of_population(data)).items()
    if others:
        raise InputError("cells are chosen among one population: choose it first, with of_population")
    for cell in cells:
        if not 0 <= cell < size:
            raise InputError(f"there is no {name} cell {cell}: the trains are of {size} cells, from 0 on")
        if list(cells).count(cell) > 1:
            raise InputError(f"cell {cell} is there twice among those that are chosen")
    place = np.full(size, -1)
    place[list(cells)] = np.arange(len(cells))
    new = place[data["spike_cell"].values]
    chosen = data.assign(spike_cell=data["spike_cell"].copy(data=new)).isel(spike=np.flatnonzero(new >= 0))
    chosen["spike_population"].attrs = data["spike_population"].attrs | {"sizes": [len(cells)]}
    if "labels" in data["spike_cell"].attrs:
        labels = np.atleast_1d(data["spike_cell"].attrs["labels"])
        chosen["spike_cell"].attrs = data["spike_cell"].attrs | {"labels": labels[list(cells)].tolist()}
    return chosen


def as_episodes(several: Sequence[xr.Dataset]) -> xr.Dataset:
    """Trains of one episode each, as those of episodes 0, 1, ... of one Dataset.

    Raises
    ------
    InputError
        for none, or for trains that differ in unit, populations or numbers of cells.
    """
    if not several:
        raise InputError("give the trains of one episode or more")
    first = several[0]
    for number, each in enumerate(several):
        if population_sizes(check(each)) != population_sizes(first):
            raise InputError(f"episode {number} is of other cells than episode 0")
        if each["spike_time"].attrs["units"] != first["spike_time"].attrs["units"]:
            raise InputError(f"episode {number} has times in another unit than episode 0")
    moved, count = [], 0
    for each in several:
        moved.append(each.assign(spike_episode=each["spike_episode"] + count))
        count += episode_count(each)
    joined = xr.concat(moved, "spike", combine_attrs="override")
    joined["spike_episode"].attrs = {"units": "1"}
    stops = [each["spike_time"].attrs["stop"] for each in several if "stop" in each["spike_time"].attrs]
    joined["spike_time"].attrs = {"units": first["spike_time"].attrs["units"]}
    if len(stops) == len(several):
        joined["spike_time"].attrs["stop"] = max(stops)
    return SCHEMA.check(joined.assign_attrs(episodes=count))


def trains(data: xr.Dataset) -> list[Train]:
    """Every train, also of cells that never fired, by condition, episode, population and cell.

    Raises
    ------
    InputError
        for trains whose times count from events.
    """
    if "spike_event" in data:
        raise InputError("these times count from events of a Program, and say nothing of when: use the trains before")
    sizes, spikes = population_sizes(data), data["spike_time"].values.astype(float)
    conditions = int(data.sizes.get("condition", data["spike_condition"].max(initial=0) + 1 if _varies(data) else 1))
    within = np.concatenate([[0], np.cumsum(list(sizes.values()))])  # where the cells of each population begin
    cell = within[data["spike_population"].values.astype(int)] + data["spike_cell"].values
    episodes, cells = episode_count(data), int(within[-1])
    condition = data["spike_condition"].values if _varies(data) else 0
    train = (condition * episodes + data["spike_episode"].values) * cells + cell
    order = np.lexsort((spikes, train))
    edges = np.searchsorted(train[order], np.arange(1, conditions * episodes * cells))
    who = [(name, number) for name, size in sizes.items() for number in range(size)]
    return [
        Train(
            times, who[index % cells][1], who[index % cells][0], index // cells % episodes, index // cells // episodes
        )
        for index, times in enumerate(np.split(spikes[order], edges))
    ]


def _varies(data: xr.Dataset) -> bool:
    return "spike_condition" in data
