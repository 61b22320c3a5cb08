"""Recall: the layout, what is asked for, and where."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from neurofwp.errors import InputError
from neurofwp.tasks.tokens.associative_recall import BLANK, NOT_ASKED, POWER, recall, without_blanks


@settings(max_examples=40)
@given(
    pairs=st.integers(1, 6),
    reassigned=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    spare=st.integers(0, 30),
    vocabulary=st.integers(26, 60),
    seed=st.integers(0, 999),
)
def test_every_key_is_asked_once_for_what_was_last_bound_to_it(
    pairs: int, reassigned: float, spare: int, vocabulary: int, seed: int
) -> None:
    renewals = round(reassigned * pairs)
    writes = 2 * (pairs + renewals)
    task = recall(vocabulary, writes + pairs + spare, pairs, 3, reassigned=reassigned, seed=seed)
    for token, target, marked in zip(*(task[name].values for name in ("token", "target", "reassigned")), strict=True):
        memory: dict[int, int] = {}
        times: dict[int, int] = {}
        for key, value in token[:writes].reshape(-1, 2).tolist():
            assert 0 < key < vocabulary // 2 <= value < vocabulary
            assert value not in memory.values()
            memory[key] = value
            times[key] = times.get(key, 0) + 1
        assert len(memory) == pairs
        assert sorted(times.values()) == [1] * (pairs - renewals) + [2] * renewals
        assert (target[:writes] == NOT_ASKED).all()
        asked = []
        for key, answer, anew in zip(token[writes:].tolist(), target[writes:], marked[writes:], strict=True):
            if key == BLANK:
                assert (answer, anew) == (NOT_ASKED, False)
            else:
                assert (answer, anew) == (memory[key], times[key] == 2)
                asked.append(key)
        assert sorted(asked) == sorted(memory)
        assert not marked[:writes].any()


def test_more_sequences_leave_the_first_ones_as_they_are() -> None:
    few, many = (recall(64, 40, 5, count, reassigned=0.4, seed=(3, 1)) for count in (4, 9))
    for name in ("token", "target", "reassigned"):
        np.testing.assert_array_equal(few[name].values, many[name].values[:4])
    assert (recall(64, 40, 5, 4, reassigned=0.4, seed=(3, 2))["token"].values != few["token"].values).any()


def test_queries_are_as_far_away_as_a_power_law_has_it() -> None:
    task = recall(64, 34, 1, 40_000, seed=5)
    distance = np.argmax(task["target"].values != NOT_ASKED, axis=1) - 1
    expected = np.arange(1, 33) ** (POWER - 1)
    found = np.bincount(distance, minlength=33)[1:] / len(distance)
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.01)


def test_first_and_last_pairs_are_asked_at_the_same_distances_and_any_is_bound_anew() -> None:
    task = recall(64, 40, 4, 8000, reassigned=0.25, seed=6)
    token, target, reassigned = (task[name].values for name in ("token", "target", "reassigned"))
    places, anew = [], []
    for pair in range(4):
        asked = (token == token[:, 2 * pair, np.newaxis]) & (target != NOT_ASKED)
        places.append(np.argmax(asked, axis=1).mean())
        anew.append(reassigned[asked].mean())
    np.testing.assert_allclose(places, np.mean(places), rtol=0.03)
    np.testing.assert_allclose(anew, 0.25, atol=0.03)


def test_without_blanks_all_else_is_left_in_its_order() -> None:
    task = recall(64, 40, 4, 20, reassigned=0.5, seed=8)
    found = without_blanks(task)
    assert found.sizes == {"episode": 20, "event": 2 * 6 + 4}
    for episode in range(20):
        there = [event for event in range(40) if task["token"].values[episode, event] != BLANK]
        for name in ("token", "target", "reassigned"):
            np.testing.assert_array_equal(found[name].values[episode], task[name].values[episode, there])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"length": 11}, "length must be at least 12, not 11"),
        ({"length": 15, "reassigned": 0.5}, "length must be at least 16, not 15"),
        ({"vocabulary": 9}, "vocabulary must be at least 10, not 9"),
        ({"vocabulary": 15, "reassigned": 1.0, "length": 30}, "vocabulary must be at least 16, not 15"),
        ({"pairs": 0}, "pairs must be at least 1, not 0"),
        ({"reassigned": 1.5}, "reassigned is a share of the keys and must be in [0, 1], not 1.5"),
        ({"seed": -2}, "seed must be 0 or more, not -2"),
    ],
)
def test_bad_sizes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        recall(**({"vocabulary": 40, "length": 20, "pairs": 4, "episodes": 1, "seed": 0} | arguments))
