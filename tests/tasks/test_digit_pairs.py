"""Pairs of digits: the layout, what a read should return, and that no image is used twice."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings, strategies as st

from neurofwp.errors import InputError
from neurofwp.tasks import digit_pairs
from neurofwp.tasks.digits import images
from neurofwp.tasks.task import check


def image_numbers(signed: np.ndarray, offset: float, scale: float) -> np.ndarray:
    """Which of the 1797 images each row is."""
    rows = np.round((signed - offset) / scale * 16).astype(int)
    known = {image.tobytes(): i for i, image in enumerate(np.round(images() * 16).astype(int))}
    return np.array([[known[row.tobytes()] for row in episode] for episode in rows])


@settings(max_examples=25, deadline=None)
@given(
    pairs=st.integers(1, 9),
    reassign=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    repeats=st.integers(1, 3),
    reads=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_reads_ask_for_what_was_last_written_under_their_key(pairs, reassign, repeats, reads, seed):
    task = digit_pairs(pairs, 2, reassign=reassign, repeats=repeats, reads=reads, seed=seed)
    reassigned = round(reassign * pairs)
    writes = pairs * repeats + reassigned
    expected = np.arange(writes + pairs * reads) < writes
    np.testing.assert_array_equal(task["write"], np.broadcast_to(expected, (2, len(expected))))
    for episode in range(2):
        memory: dict[bytes, np.ndarray] = {}
        times: dict[int, int] = {}
        for event in range(task.sizes["event"]):
            now = task.isel(episode=episode, event=event)
            pair, cue = int(now["pair"]), now["cue"].values.tobytes()
            if now["write"]:
                memory[cue] = now["content"].values
                times[pair] = times.get(pair, 0) + 1
                assert not now["reassigned"]
            else:
                np.testing.assert_array_equal(now["target"], memory[cue])
                assert bool(now["reassigned"]) == (times[pair] == repeats + 1)
            assert int(now["load"]) == len(memory)
        assert sorted(times.values()) == [repeats] * (pairs - reassigned) + [repeats + 1] * reassigned
        asked = task["pair"].values[episode, writes:].reshape(reads, pairs)
        np.testing.assert_array_equal(np.sort(asked, axis=1), np.tile(np.arange(pairs), (reads, 1)))


def test_no_image_is_used_twice_in_an_episode():
    task = digit_pairs(20, 3, reassign=0.5, repeats=2, seed=4)
    write = task["write"].values[0]
    cue = image_numbers(task["cue"].values[:, write], 0, 1)
    content = image_numbers(task["content"].values[:, write], -1, 2)
    for keys, values in zip(cue, content, strict=True):
        assert len(set(keys)) == 20
        assert len(set(values)) == 30
        assert not set(keys) & set(values)


def test_orders_and_images_differ_between_episodes_and_passes():
    task = digit_pairs(10, 2, repeats=2, reads=2, seed=0)
    passes = task["pair"].values.reshape(2, 4, 10)
    np.testing.assert_array_equal(passes[:, 0], np.tile(np.arange(10), (2, 1)))
    for i in range(4):
        for j in range(i):
            assert (passes[:, i] != passes[:, j]).any(axis=-1).all()
    assert (passes[0, 1:] != passes[1, 1:]).any(axis=-1).all()
    assert (task["cue"].values[0] != task["cue"].values[1]).any()


def test_capacity_curve_reads_only_what_is_stored_by_then():
    loads = (2, 4, 8, 16)
    task = digit_pairs(16, 3, read_after=loads, reads=2, seed=1)
    write, load, pair = task["write"].values, task["load"].values, task["pair"].values
    assert (write == write[0]).all()
    for episode in range(3):
        np.testing.assert_array_equal(pair[episode, write[episode]], np.arange(16))
        for n in loads:
            here = (load == n) & ~write[episode]
            asked = pair[episode, here].reshape(2, min(8, n))
            assert asked.max() < n
            assert len(set(asked[0])) == min(8, n)
            assert set(asked[0]) == set(asked[1])
            assert np.flatnonzero(here).min() == 1 + np.flatnonzero((load == n) & write[episode]).item()
    assert set(load[~write[0]]) == set(loads)
    # 8 of the 16 keys, not always the same ones
    last = [frozenset(pair[episode, (load == 16) & ~write[episode]]) for episode in range(3)]
    assert len(set(last)) > 1


def test_an_episode_depends_on_the_seed_and_its_own_number_only():
    few, many = (digit_pairs(4, episodes, reassign=0.5, seed=9) for episodes in (2, 5))
    for name in few.data_vars:
        xr.testing.assert_equal(
            few[name], many[name].isel(episode=slice(2)) if "episode" in many[name].dims else many[name]
        )
    assert not few["cue"].equals(digit_pairs(4, 2, reassign=0.5, seed=10)["cue"])


def test_values_span_the_signed_range_of_the_intensities():
    task = digit_pairs(30, 2, seed=0)
    content = task["content"].values[task["write"].values]
    np.testing.assert_array_equal(np.unique(content), np.arange(17) / 8 - 1)


def test_splits_are_disjoint_and_held_out():
    train, test = ({image.tobytes() for image in images(split)} for split in ("train", "test"))
    assert len(train) + len(test) == len(images()) == 1797
    assert not train & test
    used = {cue.tobytes() for cue in digit_pairs(50, 4, seed=0, split="test")["cue"].values.reshape(-1, 64)}
    assert used <= test


def test_settings_are_kept_for_provenance():
    task = digit_pairs(2, 3, read_after=[1, 2], seed=5)
    kept = json.loads(task.attrs["settings"])
    assert kept.pop("task") == "digit_pairs"
    xr.testing.assert_identical(digit_pairs(**kept), task)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"pairs": 0}, "pairs must be at least 1, not 0"),
        ({"pairs": 2.5}, "pairs must be a whole number, not 2.5"),
        ({"episodes": 0}, "episodes must be at least 1, not 0"),
        ({"repeats": 0}, "repeats must be at least 1, not 0"),
        ({"reads": -1}, "reads must be at least 1, not -1"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"reassign": 1.5}, "reassign is a share of the pairs and must be in [0, 1], not 1.5"),
        ({"reassign": float("nan")}, "reassign is a share of the pairs and must be in [0, 1], not nan"),
        ({"pairs": 899}, "899 pairs, 0 of them reassigned, need 1798 different images, but there are 1797"),
        ({"pairs": 720, "reassign": 0.5}, "720 pairs, 360 of them reassigned, need 1800 different images"),
        ({"pairs": 299, "split": "test"}, "need 598 different images, but there are 597"),
        ({"split": "tests"}, "unknown split of the digits 'tests'; did you mean 'test'?"),
        ({"read_after": (2, 2, 4)}, "read_after must hold loads that rise to pairs (4), not (2, 2, 4)"),
        ({"read_after": (2, 5)}, "read_after must hold loads that rise to pairs (4), not (2, 5)"),
        ({"read_after": ()}, "read_after must hold loads that rise to pairs (4), not ()"),
        ({"read_after": (0, 4)}, "a load in read_after must be at least 1, not 0"),
        ({"read_after": (4,), "reassign": 0.5}, "leave repeats at 1 and reassign at 0"),
        ({"read_after": (4,), "repeats": 2}, "leave repeats at 1 and reassign at 0"),
    ],
)
def test_bad_input_gets_one_clear_sentence(arguments, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        digit_pairs(**{"pairs": 4, "episodes": 1, "seed": 0} | arguments)


def test_as_many_pairs_as_there_are_images():
    assert check(digit_pairs(898, 1, seed=0)).sizes["event"] == 2 * 898
