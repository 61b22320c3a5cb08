"""The map of behavioural time-scale plasticity: every cell is the change at its delay and initial weight."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.laboratory.measurements import btsp_map
from neurofwp.plots.plateau_map import plateau_map

DELAYS, INITIALS = np.arange(-5, 5.1, 0.5), np.array([0.5, 1.0, 2.0, 4.0])


def change(delay: float, initial: float) -> float:
    """Some change, nS: up from small weights, down from large ones, less with the delay."""
    return float((1 - initial / 2) * np.exp(-abs(delay)))


@pytest.fixture
def model() -> xr.Dataset:
    points = list(product(INITIALS[::-1], DELAYS))  # in an order of no meaning
    initial, delay = np.array(points).T
    ratio = [1 + change(d, i) / i for i, d in points]
    return xr.Dataset(
        {"ratio": ("protocol", ratio, {"units": "1"})},
        coords={
            "delay": ("protocol", delay, {"units": "s"}),
            "initial": ("protocol", initial, {"units": "nS"}),
        },
        attrs={"model": "btsp-network"},
    )


def meshes(figure: Figure) -> list[QuadMesh]:
    return [each for ax in figure.axes[:2] for each in ax.collections if isinstance(each, QuadMesh)]


def test_cells_are_changes_in_their_own_units(model: xr.Dataset, assert_legible: Callable[[Figure], None]) -> None:
    figure = plateau_map(model, btsp_map())
    own, published = meshes(figure)
    expected = [[change(delay, initial) for delay in DELAYS] for initial in INITIALS]
    np.testing.assert_allclose(own.get_array(), expected)
    np.testing.assert_array_equal(published.get_array(), btsp_map()["change"].transpose("ramp", "delay"))
    for mesh in (own, published):
        low, high = mesh.get_clim()
        assert low == -high == -np.nanmax(np.abs(mesh.get_array()))  # no change is in the middle of the colours
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels[:4] == ["weight before (nS)", "initial ramp (mV)", "change of weight (nS)", "change of ramp (mV)"]
    assert labels[4:] == ["change (nS)", "change (mV)"]
    assert_legible(figure)


def test_curves_are_rows_of_the_map(model: xr.Dataset) -> None:
    figure = plateau_map(model, btsp_map())
    for ax, rows in zip(figure.axes[2:4], (INITIALS, btsp_map()["ramp"].values), strict=True):
        lines = [line for line in ax.lines if len(line.get_xdata()) > 2]
        assert len(lines) == len(rows)
    for initial, line in zip(INITIALS, figure.axes[2].lines[2:], strict=True):
        np.testing.assert_allclose(line.get_ydata(), [change(delay, initial) for delay in DELAYS])


def test_a_hole_in_the_map_is_no_change_of_zero(model: xr.Dataset) -> None:
    figure = plateau_map(model.isel(protocol=slice(1, None)), btsp_map())
    assert np.isnan(np.ma.filled(meshes(figure)[0].get_array(), np.nan)).sum() == 1


def test_what_cannot_be_drawn_is_said(model: xr.Dataset) -> None:
    with pytest.raises(InputError, match="one of them is there twice"):
        plateau_map(xr.concat([model, model], dim="protocol"), btsp_map())
    with pytest.raises(InputError, match="needs 'delay'"):
        plateau_map(model.drop_vars("delay"), btsp_map())
    with pytest.raises(InputError, match="needs 'change'"):
        plateau_map(model, btsp_map().drop_vars("change"))
