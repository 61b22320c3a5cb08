"""Arithmetic with brackets: against Python's own."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from neurofwp.errors import InputError
from neurofwp.tasks.tokens import NOT_ASKED, TRACKED, bracketed_sums
from neurofwp.tasks.tokens.brackets import expression


def value(text: str, modulus: int) -> int:
    """Of a whole expression, or NOT_ASKED."""
    try:
        return int(eval(text, {"__builtins__": {}})) % modulus
    except SyntaxError:
        return NOT_ASKED


@settings(max_examples=25, deadline=None)
@given(modulus=st.integers(2, 10), length=st.integers(1, 24), depth=st.integers(0, 3), seed=st.integers(0, 999))
def test_every_prefix_has_the_value_that_python_gives_it(modulus: int, length: int, depth: int, seed: int) -> None:
    task = bracketed_sums(modulus, length, 3, depth=depth, seed=seed)
    for token, target in zip(task["token"].values, task["target"].values, strict=True):
        text = expression(token, modulus)
        assert [value(text[: event + 1], modulus) for event in range(length)] == target.tolist()
        opened = np.cumsum([(each == "(") - (each == ")") for each in text])
        assert opened.min() >= 0
        assert opened.max() <= depth


def test_products_come_before_sums_and_brackets_are_used() -> None:
    task = bracketed_sums(10, 60, 50, seed=0)
    text = "".join(expression(token, 10) for token in task["token"].values)
    assert all(symbol in text for symbol in "0123456789+-*()")
    asked = (task["target"] != NOT_ASKED).mean()
    assert 0.2 < float(asked) < 0.5


def test_the_docstring_draws_the_task() -> None:
    text = str(bracketed_sums.__doc__)
    symbols, tokens, targets = (
        re.search(rf"{name}: +(.+?)(?:  \.\.\.|  +-1: not asked)?\n", text)[1].replace("...", "").split()
        for name in ("symbol", "token", "target")
    )
    assert expression([int(each) for each in tokens], 5) == "".join(symbols)
    assert [value("".join(symbols[: event + 1]), 5) for event in range(8)] == [int(each) for each in targets]


def test_beyond_the_first_events_all_values_come_about_equally_often() -> None:
    """So that 1/answers is chance."""
    target = TRACKED["brackets"].draw(64, 4000, 3)["target"].values[:, 14:]
    counts = np.bincount(target[target != NOT_ASKED], minlength=3)
    np.testing.assert_allclose(counts / counts.sum(), 1 / 3, atol=0.015)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"modulus": 1}, "modulus must be at least 2, not 1"),
        ({"depth": -1}, "depth must be at least 0, not -1"),
        ({"length": 0}, "length must be at least 1, not 0"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
    ],
)
def test_bad_sizes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        bracketed_sums(**({"modulus": 3, "length": 3, "episodes": 1, "seed": 0} | arguments))
