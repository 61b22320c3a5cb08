"""The figure of a fit shows the numbers of its Dataset."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots.synapse_fits import fitted_curves, has_curves, predictions_against_measurements


@pytest.fixture
def points() -> xr.Dataset:
    """Six points that were fitted and four that were not; the third interval lies above its fit."""
    rng = np.random.default_rng(0)
    measured, sem = rng.uniform(0.6, 1.7, 10), rng.uniform(0.05, 0.2, 10)
    fitted = measured + 0.5 * sem
    low = fitted - 0.1
    low[2] = fitted[2] + 0.02
    return xr.Dataset(
        {
            "set": ("point", ["train"] * 6 + ["test"] * 4),
            "measured": ("point", measured),
            "sem": ("point", sem),
            "predicted": (("source", "point"), [measured - 2 * sem, fitted, np.ones(10)]),
            "fitted_low": ("point", low),
            "fitted_high": ("point", fitted + 0.15),
        },
        coords={"source": ["published", "fitted", "unchanged"]},
        attrs={"model": "graupner-brunel-hippocampal-culture"},
    )


def test_points_are_measured_and_predicted_with_their_errors(
    points: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = predictions_against_measurements(points)
    assert len(figure.axes) == 2
    for ax, which in zip(figure.axes, ("train", "test"), strict=True):
        own = points.isel(point=np.flatnonzero(points["set"] == which))
        drawn = [each for each in ax.containers if isinstance(each, ErrorbarContainer)]
        for container, source in zip(drawn, ("published", "fitted"), strict=True):
            predicted = own["predicted"].sel(source=source)
            np.testing.assert_array_equal(container[0].get_data(), [own["measured"], predicted])
            across = [np.ptp(path[:, 0]) / 2 for path in container[2][0].get_segments()]
            np.testing.assert_allclose(across, own["sem"])
            assert len(container[2]) == (2 if source == "fitted" else 1)
        ends = np.array([path[:, 1] for path in drawn[1][2][1].get_segments()])
        fitted = own["predicted"].sel(source="fitted")
        np.testing.assert_allclose(ends[:, 0], np.minimum(own["fitted_low"], fitted))
        np.testing.assert_allclose(ends[:, 1], own["fitted_high"])
        count = own.sizes["point"]
        assert ax.get_title() == (
            f"{which} ({'fitted' if which == 'train' else 'predicted'}), {count} points\n"
            "χ² per point: published 4.00, fitted 0.25"
        )
    assert_legible(figure)


def test_what_is_missing_is_said(points: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs 'fitted_low'"):
        predictions_against_measurements(points.drop_vars("fitted_low"))


@pytest.fixture
def series(points: xr.Dataset) -> xr.Dataset:
    """Points of one study at 40 Hz (four trained, one of them the lowest dt, then one tested), and three that are no
    curve: at another frequency, in another study, and without a dt."""
    points = points.isel(point=[0, 1, 2, 3, 6, 7, 8, 9])
    described = {"long_name": "t_post − t_pre", "units": "ms"}
    return points.assign(
        study=("point", ["Doe 2001"] * 6 + ["Roe 2002", "Doe 2001"]),
        pathway=("point", [""] * 8),
        dt=("point", [10.0, -10.0, 5.0, 20.0, 15.0, 10.0, 10.0, np.nan], described),
        frequency=("point", [40.0] * 5 + [1.0, 40.0, 40.0], {"long_name": "frequency", "units": "Hz"}),
    )


def test_a_measured_series_is_a_curve_beside_its_points(
    series: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = fitted_curves(series, "dt", "frequency")
    (ax,) = figure.axes
    order = [1, 2, 0, 4, 3]  # by dt
    own = series.isel(point=order)
    lines = {line.get_linestyle(): line for line in ax.lines if len(line.get_xdata()) == 5}
    np.testing.assert_array_equal(lines["-"].get_data(), [own["dt"], own["predicted"].sel(source="fitted")])
    np.testing.assert_array_equal(lines["--"].get_data(), [own["dt"], own["predicted"].sel(source="published")])
    for container, which, face in zip(ax.containers, ("train", "test"), (False, True), strict=True):
        drawn = own.isel(point=np.flatnonzero(own["set"] == which))
        np.testing.assert_array_equal(container[0].get_data(), [drawn["dt"], drawn["measured"]])
        assert (container[0].get_markerfacecolor() == "white") is face
        np.testing.assert_allclose([np.ptp(bar[:, 1]) / 2 for bar in container[2][0].get_segments()], drawn["sem"])
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (own["fitted_low"].min(), own["fitted_high"].max())
    assert ax.get_xlabel() == "t_post − t_pre (ms)"
    assert_legible(figure)


def test_two_places_are_no_curve(series: xr.Dataset) -> None:
    assert has_curves(series, "dt")
    assert not has_curves(series.isel(point=[0, 1, 5, 6]), "dt")
    assert not has_curves(series, "interval")
    with pytest.raises(InputError, match="no series of three or more points differs in 'interval' alone"):
        fitted_curves(series, "interval", "frequency")
    with pytest.raises(InputError, match="needs 'study'"):
        fitted_curves(series.drop_vars("study"), "dt", "frequency")
