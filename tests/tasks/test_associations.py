"""Associations: three memories of the same images."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.tasks.associations import ASSOCIATIONS, associations
from neurofwp.tasks.task import sign


def test_memories_differ_in_their_values_only() -> None:
    tasks = {name: associations(name, 5, 3, reads=2, seed=4) for name in ASSOCIATIONS}
    for task in tasks.values():
        for name in ("cue", "write", "pair"):
            np.testing.assert_array_equal(task[name], tasks["hetero"][name])
    cue, pair = tasks["auto"]["cue"].values, tasks["auto"]["pair"].values
    key = cue[:, :5]
    for episode in range(3):
        assert sorted(pair[episode, 5:10]) == sorted(pair[episode, 10:]) == list(range(5))
        for event in range(15):
            item = pair[episode, event]
            name = "content" if event < 5 else "target"
            bound = {each: task[name].values[episode, event] for each, task in tasks.items()}
            np.testing.assert_array_equal(cue[episode, event], key[episode, item])
            np.testing.assert_array_equal(bound["auto"], sign(key[episode, item]))
            np.testing.assert_array_equal(bound["sequence"], sign(key[episode, (item + 1) % 5]))
        every = np.concatenate([sign(key[episode]), tasks["hetero"]["content"].values[episode, :5]])
        assert len(np.unique(every, axis=0)) == 10


def test_more_episodes_leave_the_first_ones_as_they_are() -> None:
    few, many = (associations("sequence", 4, count, seed=1).drop_attrs() for count in (2, 3))
    xr.testing.assert_identical(few, many.isel(episode=slice(2)))


def test_an_unknown_association_and_too_many_items_are_named() -> None:
    with pytest.raises(InputError, match="association"):
        associations("homo", 4, 1, seed=0)
    with pytest.raises(InputError, match="2000 items need 4000 different images"):
        associations("auto", 2000, 1, seed=0)
