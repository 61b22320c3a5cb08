"""Permutations of things: against products of permutation matrices."""

from __future__ import annotations

import re
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from neurofwp.errors import InputError
from neurofwp.tasks.tokens import permuted_things
from neurofwp.tasks.tokens.permutations import compositions, group, swaps


def matrix(permutation: np.ndarray) -> np.ndarray:
    """Sends the unit vector of a place to that of where its thing goes."""
    made = np.zeros((len(permutation),) * 2, dtype=int)
    made[permutation, np.arange(len(permutation))] = 1
    return made


@settings(max_examples=20, deadline=None)
@given(things=st.integers(2, 5), length=st.integers(1, 12), only_swaps=st.booleans(), seed=st.integers(0, 99))
def test_targets_are_products_of_permutation_matrices(things: int, length: int, only_swaps: bool, seed: int) -> None:
    task = permuted_things(things, length, 2, only_swaps=only_swaps, seed=seed)
    every = group(things)
    for episode in range(2):
        product = np.eye(things, dtype=int)
        for event in range(length):
            at = {"episode": episode, "event": event}
            token = every[int(task["token"].isel(at))]
            product = matrix(token) @ product
            np.testing.assert_array_equal(matrix(every[int(task["target"].isel(at))]), product)
            np.testing.assert_array_equal(product.argmax(axis=0), task["place"].isel(at))
            if only_swaps and event:
                assert (token != np.arange(things)).sum() in (0, 2)
    more = permuted_things(things, length, 4, only_swaps=only_swaps, seed=seed)
    np.testing.assert_array_equal(more["token"][:2], task["token"])


def test_compositions_are_a_group_of_120_that_does_not_commute() -> None:
    table = compositions(5)
    assert table.shape == (120, 120)
    for axis in (0, 1):
        np.testing.assert_array_equal(np.sort(table, axis=axis), np.broadcast_to(np.arange(120), (120, 120)).T
                                      if axis == 0 else np.broadcast_to(np.arange(120), (120, 120)))  # fmt: skip
    np.testing.assert_array_equal(table[0], np.arange(120))  # the first one moves nothing
    a, b, c = np.random.default_rng(0).integers(120, size=(3, 500))
    np.testing.assert_array_equal(table[table[a, b], c], table[a, table[b, c]])
    assert (table != table.T).any()
    assert len(swaps(5)) == 1 + 10


def test_the_docstring_draws_the_task() -> None:
    text = str(permuted_things.__doc__)
    rows = {name: re.search(rf"{name}: +(.+)\n", text)[1].split() for name in ("token", "target")}
    places = [[int(each) for each in re.search(rf"place of thing {i}: +(.+)\n", text)[1].split()] for i in range(3)]
    place = np.arange(3)
    for event, token in enumerate(rows["token"]):
        place = group(3)[int(token)][place]
        assert place.tolist() == [row[event] for row in places]
        assert group(3)[int(rows["target"][event])].tolist() == place.tolist()


@pytest.mark.parametrize("only_swaps", [False, True])
def test_places_are_uniform_at_every_event_whatever_the_last_token(only_swaps: bool) -> None:
    task = permuted_things(3, 4, 20_000, only_swaps=only_swaps, seed=1)
    for event in range(1, 4):
        counts = np.zeros((factorial(3),) * 2)
        np.add.at(counts, (task["token"].values[:, event], task["target"].values[:, event]), 1)
        drawn = counts[counts.sum(1) > 0]
        np.testing.assert_allclose(drawn / drawn.sum(1, keepdims=True), 1 / 6, atol=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"things": 1}, "things must be at least 2, not 1"),
        ({"things": 7}, "things must be at most 6, not 7"),
        ({"length": 0}, "length must be at least 1, not 0"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
    ],
)
def test_bad_sizes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        permuted_things(**({"things": 3, "length": 3, "episodes": 1, "seed": 0} | arguments))
