"""Spike trains from and to Neo objects, on which Elephant works (the optional extra `neo`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.spike_trains.extra import require
from neurofwp.spike_trains.structure import KEY, PHASES, Train, build, check_unit, of_population, trains

if TYPE_CHECKING:
    import neo


def from_neo(what: Any) -> xr.Dataset:
    """Spike trains from Neo: a Block, whose Segments become episodes, a Segment, a list of SpikeTrains, or one.

    Times stay in the unit of the first train, where all have it bit for bit. Cells are numbered as the trains of a
    Segment are, unless these were made by `to_neo`, which says of which cell and population each is.

    Raises
    ------
    InputError
        for anything else, and for times that `from_arrays` would refuse.
    """
    segments = [list(_spike_trains(segment)) for segment in getattr(what, "segments", [what])]
    every = [train for segment in segments for train in segment]
    if not every:
        raise InputError("there is no SpikeTrain in this Neo object")
    unit = _unit(every[0])
    check_unit(unit, "spike times")
    placed = [
        Train(_times(train, unit), cell, population, episode)
        for episode, segment in enumerate(segments)
        for train, (population, cell) in zip(segment, _cells(segment), strict=True)
    ]
    sizes: dict[str, int] = {}
    for train in placed:
        sizes[train.population] = max(sizes.get(train.population, 0), train.cell + 1)
    stop = max(float(train.t_stop.rescale(unit).magnitude) for train in every)
    names = [str(train.name) for train in segments[0] if train.name]
    labels = names if len(sizes) == 1 and len(names) == sum(sizes.values()) else None
    return build(placed, unit, sizes, episodes=len(segments), stop=stop, labels=labels)


def _unit(train: Any) -> str:
    """Of a SpikeTrain's times; written as a word."""
    return str(train.units.dimensionality.string)


def _spike_trains(segment: Any) -> Iterator[Any]:
    if hasattr(segment, "spiketrains"):
        segment = segment.spiketrains
    every = [segment] if hasattr(segment, "dimensionality") or not hasattr(segment, "__iter__") else segment
    for train in every:
        if not (hasattr(train, "t_stop") and hasattr(train, "dimensionality")):
            raise InputError(f"a Neo Block, Segment, SpikeTrain or list of SpikeTrains is needed, not {train!r}")
        yield train


def _times(train: Any, unit: str) -> np.ndarray:
    same = _unit(train) == unit
    return np.asarray(train.magnitude if same else train.rescale(unit).magnitude, dtype=float)


def _cells(segment: list[Any]) -> list[tuple[str, int]]:
    known = [(each.annotations.get("population"), each.annotations.get("cell")) for each in segment]
    if all(population is not None and cell is not None for population, cell in known):
        return [(str(population), int(cell)) for population, cell in known]
    return [(KEY, number) for number in range(len(segment))]


def to_neo(data: xr.Dataset, population: str | None = None, *, trace: xr.Dataset | None = None) -> neo.Block:
    """A Neo Block with a Segment for each episode and a SpikeTrain for each cell, silent ones too, bit for bit.

    Each train is annotated with condition, episode, population and cell.
    Elephant takes ``block.segments[0].spiketrains``.

    Parameters
    ----------
    data : spike trains. population : of which; by default all. trace : of the network, whose writes and reads become
        Epochs.

    Raises
    ------
    InputError
        without the extra `neo`, or for a population that there is not.
    """
    neo = require("neo")
    spikes = of_population(data, population)
    unit, every = str(spikes["spike_time"].attrs["units"]), trains(spikes)
    last = max((train.times[-1] for train in every if train.times.size), default=0.0)
    first = min((train.times[0] for train in every if train.times.size), default=0.0)
    start, stop = min(first, 0.0), max(last, float(spikes["spike_time"].attrs.get("stop", 0.0)))
    block, segments = neo.Block(name="neurofwp", kind=data.attrs["kind"]), {}
    for train in every:
        place = train.condition, train.episode
        if place not in segments:
            segments[place] = neo.Segment(name=f"episode {train.episode}", condition=place[0], episode=place[1])
            segments[place].epochs.extend([] if trace is None else _epochs(neo, trace))
            block.segments.append(segments[place])
        about = {"population": train.population, "cell": train.cell, "episode": place[1], "condition": place[0]}
        name = f"{train.population} {train.cell}"
        segments[place].spiketrains.append(
            neo.SpikeTrain(train.times, units=unit, t_start=start, t_stop=stop, name=name, **about)
        )
    return block


def _epochs(neo: Any, trace: xr.Dataset) -> list[Any]:
    """Writes and reads of a Trace."""
    found = []
    for phase in PHASES:
        if f"{phase}_start" in trace.coords:
            start, end = (trace[f"{phase}_{edge}"].values for edge in ("start", "stop"))
            there = np.isfinite(start)
            labels = np.array([f"event {event}" for event in np.flatnonzero(there)])
            lengths = end[there] - start[there]
            found.append(neo.Epoch(start[there], durations=lengths, labels=labels, units="ms", name=phase))
    return found
