"""Associative retrieval: what is drawn, and which value counts."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.tasks.tokens.retrieval import KIND, retrieval


@given(
    pairs=st.integers(1, 12),
    length=st.integers(1, 30),
    episodes=st.integers(1, 6),
    repeats=st.booleans(),
    seed=st.one_of(st.integers(0, 10), st.tuples(st.integers(0, 3), st.integers(0, 3))),
)
def test_the_last_value_of_every_key_is_asked_for(pairs, length, episodes, repeats, seed) -> None:
    length = length if repeats else min(length, pairs)
    task = retrieval(pairs, length, episodes, repeats=repeats, seed=seed)
    assert dict(task.sizes) == {"episode": episodes, "event": length, "pair": pairs}
    for episode in range(episodes):
        key, value, target = (task[name].values[episode].tolist() for name in ("key", "value", "target"))
        memory: dict[int, int] = {}
        for k, v in zip(key, value, strict=True):
            memory[k] = v
        assert target == [memory.get(k, -1) for k in range(pairs)]
        assert int(task["query"][episode]) in memory
        assert set(key) | set(value) <= set(range(pairs))
        if not repeats:
            assert len(set(key)) == len(set(value)) == length


def test_more_episodes_leave_the_first_ones_as_they_are() -> None:
    for repeats in (False, True):
        few, many = (retrieval(7, 7, episodes, repeats=repeats, seed=3) for episodes in (2, 9))
        for name in few:
            np.testing.assert_array_equal(few[name], many[name][:2])
        other = retrieval(7, 7, 9, repeats=repeats, seed=4)
        assert (other["key"] != many["key"]).any()


def test_keys_values_and_queries_are_drawn_evenly() -> None:
    """Counts are compared with what independent even draws scatter by; queries fall on keys as often as these came."""
    episodes, pairs, length = 4000, 5, 8
    task = retrieval(pairs, length, episodes, repeats=True, seed=0)
    joint = np.zeros((pairs, pairs))
    np.add.at(joint, (task["key"].values, task["value"].values), 1)
    expected = episodes * length / pairs**2
    assert ((joint - expected) ** 2 / expected).sum() < 60  # chi squared with 24 degrees of freedom: p about 1e-4
    came = (task["key"] == task["query"]).sum("event").values
    # size-biased: of 1 + Binomial(7, 1/5), as the event that is asked for is there anyhow
    assert came.mean() == pytest.approx(1 + 7 / 5, abs=4 * np.sqrt(7 * 0.2 * 0.8 / episodes))
    once = retrieval(pairs, 3, episodes, repeats=False, seed=0)
    written = np.bincount(once["key"].values.ravel(), minlength=pairs) / episodes
    np.testing.assert_allclose(written, 3 / 5, atol=4 * np.sqrt(0.24 / episodes))


def test_settings_are_kept() -> None:
    task = retrieval(4, 3, 2, repeats=False, seed=(1, 2))
    assert task.attrs["kind"] == KIND
    assert json.loads(task.attrs["settings"]) == {
        "task": "retrieval", "pairs": 4, "length": 3, "episodes": 2, "repeats": False, "seed": [1, 2],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pairs": 0}, "pairs must be a whole number of 1 or more, not 0"),
        ({"length": 2.5}, "length must be a whole number of 1 or more, not 2.5"),
        ({"episodes": -1}, "episodes must be a whole number of 1 or more, not -1"),
        ({"length": 5}, "length must be at most pairs (4) where no key comes twice, not 5"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"seed": (0, -1)}, "seed must be 0 or more, not (0, -1)"),
    ],
)
def test_bad_input_is_named(change, sentence) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        retrieval(**{"pairs": 4, "length": 3, "episodes": 2, "repeats": False, "seed": 0} | change)
