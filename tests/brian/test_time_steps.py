"""Times fall into the nearest step, and the largest shift is told."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import ms
from hypothesis import given, strategies as st

from neurofwp.brian.time_steps import largest_shift, nearest_steps


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20), st.sampled_from([0.05, 0.1, 1 / 30, 1.0]))
def test_no_time_is_moved_by_more_than_half_a_step(times: list[float], step: float) -> None:
    seconds = np.array(times)
    moved = np.abs(nearest_steps(seconds, step * ms) * step / 1000 - seconds) * 1000
    assert moved.max() <= step / 2 * (1 + 1e-9)
    assert largest_shift(seconds, step * ms) == pytest.approx(moved.max(), abs=1.1e-6 * step)


def test_times_on_the_grid_are_not_moved() -> None:
    """Neither those that floating-point numbers put a little below it: 30 kHz, and tenths of a ms."""
    samples = np.arange(0, 3_000_000, 97) / 30000
    assert largest_shift(samples, ms / 30) == 0
    np.testing.assert_array_equal(nearest_steps(samples, ms / 30), np.arange(0, 3_000_000, 97))
    tenths = np.arange(1000) * 1e-4
    assert largest_shift(tenths, 0.1 * ms) == 0
    assert largest_shift(samples, 0.1 * ms) == pytest.approx(1 / 30)
    assert largest_shift(np.zeros(0), 0.1 * ms) == 0
