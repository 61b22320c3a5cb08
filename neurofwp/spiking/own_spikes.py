"""Spike trains of the user's own, placed in the steps of a run.

A spike falls into the step of the membrane clock that is nearest to its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from brian2 import Quantity, ms
from numpy.typing import NDArray

from neurofwp import spike_trains
from neurofwp.brian.time_steps import largest_shift, nearest_steps
from neurofwp.errors import InputError
from neurofwp.spike_trains.structure import PHASES, in_seconds, population_sizes
from neurofwp.spiking.circuits.circuit import Sizes
from neurofwp.spiking.replicas import Replicas
from neurofwp.spiking.timeline import Timeline
from neurofwp.spiking.told_cells import KEY, TEACHER, Source


def axons_per_pool(teaching: xr.Dataset, sizes: Sizes) -> int:
    """How many teaching axons each pool has.

    Raises
    ------
    InputError
        for trains that are not as many for every pool.
    """
    cells = sum(population_sizes(teaching).values())
    if not cells or cells % sizes.pools:
        raise InputError(
            f"teaching needs as many trains for each of {sizes.pools} pools (ON pools, then OFF pools), but has {cells}"
        )
    return cells // sizes.pools


def choose(trains: xr.Dataset, name: str) -> xr.Dataset:
    """The population of that name; of trains that have one only, that one."""
    sizes = population_sizes(spike_trains.check(trains))
    return spike_trains.of_population(trains, name if len(sizes) > 1 else next(iter(sizes)))


def source(trains: xr.Dataset, name: str, cells: int, replicas: Replicas, timeline: Timeline, step: Quantity) -> Source:
    """When the cells of a population, `cells` in a replica, fire.

    Raises
    ------
    InputError
        for a cell, an episode, a condition or an event that the run does not have, times before or after it, and two
        spikes of one cell in one step.
    """
    time, cell, episode = in_seconds(trains), trains["spike_cell"].values, trains["spike_episode"].values
    for number, (what, found, count) in enumerate(
        ((f"{name} cell", cell, cells), ("episode", episode, replicas.episodes))
    ):
        if (found >= count).any():
            whose = "the network has" if number == 0 else "the Program has"
            raise InputError(f"there are spikes of {what} {found.max()}, but {whose} {count}, numbered from 0")
    time = time + _onsets(trains, timeline)
    steps, replica = nearest_steps(time, step), episode
    _check_times(time, steps, cell, episode, name, round(len(timeline.phase) * float(ms / step)), step)
    conditions = replicas.conditions or 1
    if "spike_condition" in trains:
        replica = trains["spike_condition"].values * replicas.episodes + episode
        if (replica >= conditions * replicas.episodes).any():
            raise InputError(
                f"there are spikes of condition {trains['spike_condition'].values.max()}, but the run has {conditions}"
            )
    elif conditions > 1:
        each = np.arange(conditions)[:, np.newaxis]
        replica = (each * replicas.episodes + episode).ravel()
        steps, cell = np.tile(steps, conditions), np.tile(cell, conditions)
    member = replica * cells + cell
    _check_apart(steps, member, cells, replicas.episodes, name, step)
    table, first = _table(steps, member, conditions * replicas.episodes * cells, step)
    return Source(table, first, largest_shift(time, step))


def _onsets(trains: xr.Dataset, timeline: Timeline) -> NDArray[np.float64] | float:
    """When what times count from begins, s."""
    if "spike_event" not in trains:
        return 0.0
    starts = np.stack([getattr(timeline, f"{phase}_start") for phase in PHASES]) / 1000
    event, phase = trains["spike_event"].values, trains["spike_phase"].values.astype(int)
    if (event >= starts.shape[1]).any():
        raise InputError(f"there are spikes of event {event.max()}, but the Program has {starts.shape[1]}, from 0 on")
    onsets = starts[phase, event]
    missing = np.flatnonzero(np.isnan(onsets))
    if missing.size:
        which = PHASES[phase[missing[0]]]
        raise InputError(f"there are spikes in the {which} of event {event[missing[0]]}, which has no {which}")
    return np.asarray(onsets)


def _check_times(
    time: NDArray[np.float64], steps: NDArray[np.int64], cell: NDArray[np.int64], episode: NDArray[np.int64],
    name: str, count: int, step: Quantity,
) -> None:  # fmt: skip
    bad = np.flatnonzero((time < 0) | (steps >= count))
    if bad.size:
        at = bad[0]
        where = f"{name} cell {cell[at]} of episode {episode[at]} fires at {time[at]:g} s"
        allowed = f"times count from the beginning of the run, which lasts {count * float(step):g} s"
        raise InputError(f"{where}: {allowed}")


def _check_apart(
    steps: NDArray[np.int64], member: NDArray[np.int64], cells: int, episodes: int, name: str, step: Quantity
) -> None:
    order = np.lexsort((steps, member))
    same = np.flatnonzero((np.diff(steps[order]) == 0) & (np.diff(member[order]) == 0))
    if same.size:
        at = order[same[0]]
        raise InputError(
            f"{name} cell {member[at] % cells} of episode {member[at] // cells % episodes} has two spikes at "
            f"{steps[at] * float(step):g} s, in one step of {step / ms:g} ms: give a shorter membrane_step"
        )


def _table(
    steps: NDArray[np.int64], member: NDArray[np.int64], members: int, step: Quantity
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    order = np.lexsort((steps, member))
    counts = np.bincount(member, minlength=members)
    first = np.cumsum([0, *(counts[:-1] + 1)])
    length = len(steps) + members
    table = np.full(1 << (length - 1).bit_length(), np.inf)
    # every list before it has one place more than it has spikes
    table[np.arange(len(steps)) + member[order]] = steps[order] * float(step)
    return table, first


@dataclass(frozen=True)
class OwnSpikes:
    """What a network is told: the source of each population that it is told of, and how many axons teach a pool."""

    sources: Mapping[str, Source]
    axons: int = 0

    @classmethod
    def of(
        cls,
        spikes: xr.Dataset | None,
        teaching: xr.Dataset | None,
        sizes: Sizes,
        replicas: Replicas,
        timeline: Timeline,
        step: Quantity,
    ) -> OwnSpikes:
        """From spike trains, as `SpikingNetwork.run` takes them."""
        sources, axons = {}, 0
        if spikes is not None:
            sources[KEY] = source(choose(spikes, KEY), KEY, sizes.pre, replicas, timeline, step)
        if teaching is not None:
            own = choose(teaching, TEACHER)
            axons = axons_per_pool(own, sizes)
            sources[TEACHER] = source(own, TEACHER, axons * sizes.pools, replicas, timeline, step)
        return cls(sources, axons)

    @property
    def shift(self) -> float:
        """By how much (ms) the time that was moved furthest was moved."""
        return max((each.shift for each in self.sources.values()), default=0.0)

    @property
    def attrs(self) -> dict[str, str | float]:
        """What the Trace says of them; nothing where there are none."""
        if not self.sources:
            return {}
        return {"given_spikes": " ".join(self.sources), "largest_spike_shift_ms": self.shift}


NOT_TOLD = OwnSpikes({})
