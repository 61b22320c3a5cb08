"""The figure of a fit shows the numbers of its Dataset."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots.synapse_fits import measured_against_predicted


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
    figure = measured_against_predicted(points)
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
        measured_against_predicted(points.drop_vars("fitted_low"))
