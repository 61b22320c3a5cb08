"""Sums modulo m: right, uniform, and not to be guessed from the last number."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from neurofwp.errors import InputError
from neurofwp.tasks.tokens.state_tracking import modular_sums


@settings(max_examples=25)
@given(modulus=st.integers(2, 7), length=st.integers(1, 40), episodes=st.integers(1, 5), seed=st.integers(0, 999))
def test_every_target_is_the_sum_of_the_numbers_so_far(modulus: int, length: int, episodes: int, seed: int) -> None:
    task = modular_sums(modulus, length, episodes, seed=seed)
    assert task["token"].shape == task["target"].shape == (episodes, length)
    for numbers, targets in zip(task["token"].values, task["target"].values, strict=True):
        total = 0
        for number, target in zip(numbers, targets, strict=True):
            assert 0 <= number < modulus
            total += int(number)
            assert target == total % modulus
    more = modular_sums(modulus, length, episodes + 3, seed=seed)
    np.testing.assert_array_equal(more["token"].values[:episodes], task["token"].values)


def test_the_docstring_draws_the_task() -> None:
    numbers, targets = (
        [int(digit) for digit in re.search(rf"{name}: +([\d ]+)\n", str(modular_sums.__doc__))[1].split()]
        for name in ("token", "target")
    )
    assert targets == (np.cumsum(numbers) % 3).tolist()


@pytest.mark.parametrize("modulus", [2, 3])
def test_targets_are_uniform_whatever_the_last_number_and_at_every_event_alike(modulus: int) -> None:
    task = modular_sums(modulus, 4, 20_000, seed=1)
    token, target = task["token"].values, task["target"].values
    for event in range(1, 4):
        counts = np.zeros((modulus, modulus))
        np.add.at(counts, (token[:, event], target[:, event]), 1)
        np.testing.assert_allclose(counts / 20_000, modulus**-2, atol=0.015)


def test_seeds_draw_different_episodes_and_may_be_several_numbers() -> None:
    drawn = [modular_sums(3, 30, 2, seed=seed)["token"].values for seed in (0, 1, (0, 1), (1, 1))]
    for i, one in enumerate(drawn):
        for other in drawn[:i]:
            assert (one != other).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modulus": 1}, "modulus must be at least 2, not 1"),
        ({"length": 0}, "length must be at least 1, not 0"),
        ({"episodes": 1.5}, "episodes must be a whole number, not 1.5"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
    ],
)
def test_bad_sizes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        modular_sums(**({"modulus": 2, "length": 3, "episodes": 1, "seed": 0} | arguments))
