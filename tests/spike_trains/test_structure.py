"""Spike trains: what they may be, and how they are chosen and joined."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp import spike_trains
from neurofwp.errors import InputError
from neurofwp.spike_trains.structure import trains


@pytest.fixture
def two() -> xr.Dataset:
    """Two episodes of three cells, the second of which is silent in both."""
    first = spike_trains.from_arrays({0: [1.0, 4.0], 2: [2.5]}, units="ms", stop=5)
    return spike_trains.as_episodes([first, spike_trains.from_arrays([[3.0], [], []], units="ms", stop=5)])


def test_every_cell_has_a_train_in_every_episode(two: xr.Dataset) -> None:
    seen = [(train.episode, train.cell, train.times.tolist()) for train in trains(two)]
    assert seen == [(0, 0, [1.0, 4.0]), (0, 1, []), (0, 2, [2.5]), (1, 0, [3.0]), (1, 1, []), (1, 2, [])]


def test_cells_are_chosen_in_the_order_that_is_asked_for(two: xr.Dataset) -> None:
    chosen = spike_trains.of_cells(two, [2, 1])
    assert [(train.episode, train.cell, train.times.tolist()) for train in trains(chosen)] == [
        (0, 0, [2.5]), (0, 1, []), (1, 0, []), (1, 1, [])
    ]  # fmt: skip
    for cells, says in (([3], "there is no key cell 3: the trains are of 3 cells"), ([1, 1], "cell 1 is there twice")):
        with pytest.raises(InputError, match=says):
            spike_trains.of_cells(two, cells)


def test_the_trains_of_episodes_must_fit_each_other(two: xr.Dataset) -> None:
    with pytest.raises(InputError, match="episode 1 is of other cells than episode 0"):
        spike_trains.as_episodes([two, spike_trains.from_arrays([[1.0]], units="ms")])
    with pytest.raises(InputError, match="episode 1 has times in another unit than episode 0"):
        spike_trains.as_episodes([two, spike_trains.from_arrays([[1.0], [], []], units="s")])
    with pytest.raises(InputError, match="the trains of one episode or more"):
        spike_trains.as_episodes([])


def test_only_spike_trains_are_taken(small_trace: xr.Dataset, two: xr.Dataset) -> None:
    for bad, says in (
        (small_trace, "a Trace holds no spikes"),
        (two.assign_attrs(kind="other"), "this Dataset is not a set of spike trains"),
        (np.zeros(3), "not a ndarray"),
    ):
        with pytest.raises(InputError, match=says):
            spike_trains.check(bad)
    with pytest.raises(InputError, match="unknown population 'keys'; did you mean 'key'"):
        spike_trains.of_population(two, "keys")
