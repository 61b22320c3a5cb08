"""Standard errors are those of textbooks."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.metrics import jackknife


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
