"""Where a curve reaches a level, and its error."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st

from neurofwp.metrics import crossing, jackknife


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8), st.floats(-1, 1))
def test_a_crossing_is_the_first_place_where_the_curve_through_the_points_is_as_high(curve, level) -> None:
    at = np.cumsum(1 + np.arange(len(curve)))
    place = crossing(at, curve, level)
    if max(curve) < level:
        assert np.isnan(place)
        return
    height = np.interp(place, at, curve)
    assert height == pytest.approx(level, abs=1e-9) or (place == at[0] and height >= level)
    before = np.linspace(at[0], place, 50)[:-1] if place > at[0] else np.empty(0)
    assert all(np.interp(before, at, curve) <= level + 1e-9)


def test_a_place_that_one_episode_decides_has_no_error() -> None:
    data = xr.Dataset({"x": (("episode", "at"), [[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])})
    place, error = jackknife(data, "episode", lambda some: crossing([1, 2], some["x"].mean("episode"), 0.3))
    assert place == pytest.approx(1.9)
    assert np.isnan(error)
