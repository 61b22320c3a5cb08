"""Where a curve reaches a level, and its error."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

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


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(2).standard_normal(9)
    data = xr.Dataset({"x": ("episode", values)})
    mean, error = jackknife(data, "episode", lambda some: float(some["x"].mean()))
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(values.std(ddof=1) / 3)


def test_the_jackknife_of_a_square_is_that_of_the_delta_method() -> None:
    values = 1 + 0.1 * np.random.default_rng(3).standard_normal(400)
    data = xr.Dataset({"x": ("episode", values)})
    _, error = jackknife(data, "episode", lambda some: float(some["x"].mean()) ** 2)
    assert error == pytest.approx(2 * values.mean() * values.std(ddof=1) / 20, rel=1e-3)


def test_a_place_that_one_episode_decides_has_no_error() -> None:
    data = xr.Dataset({"x": (("episode", "at"), [[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])})
    place, error = jackknife(data, "episode", lambda some: crossing([1, 2], some["x"].mean("episode"), 0.3))
    assert place == pytest.approx(1.9)
    assert np.isnan(error)
