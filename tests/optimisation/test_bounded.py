"""Places between bounds, and the numbers they stand for."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.optimisation import BoundedParameter

LINEAR = BoundedParameter("tau", "ms", -2.0, 6.0)
LOG = BoundedParameter("rate", "Hz", 0.1, 10.0, "log")


def test_the_middle_is_the_mean_or_the_geometric_mean() -> None:
    np.testing.assert_allclose(LINEAR.value(np.array([0, 0.5, 1])), [-2, 2, 6])
    np.testing.assert_allclose(LOG.value(np.array([0, 0.5, 1])), [0.1, 1, 10])


@given(st.floats(0, 1))
def test_a_place_stands_for_one_number(place: float) -> None:
    for parameter in (LINEAR, LOG):
        number = float(parameter.value(place))
        assert parameter.low - 1e-12 <= number <= parameter.high + 1e-12
        assert parameter.place(number) == pytest.approx(place, abs=1e-12)


def test_a_number_beyond_a_bound_is_at_that_bound() -> None:
    for parameter in (LINEAR, LOG):
        assert (parameter.place(-math.inf), parameter.place(math.inf)) == (0, 1)
    assert LOG.place(0.0) == 0


@pytest.mark.parametrize(
    ("low", "high", "scale", "message"),
    [
        (1.0, 1.0, "linear", "x needs finite bounds in order, not 1 to 1"),
        (0.0, math.inf, "linear", "not 0 to inf"),
        (0.0, 1.0, "log", "x needs bounds above 0 for a logarithmic scale, not 0"),
    ],
)
def test_bounds_between_which_nothing_lies_are_refused(
    low: float, high: float, scale: Literal["linear", "log"], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        BoundedParameter("x", "1", low, high, scale)
