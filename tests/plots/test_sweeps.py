"""Numbers of a sweep as curves and maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import plots
from neurofwp.errors import InputError

NAMES = ["recall.spiking.reassigned_r2", "largest_z"]


@pytest.fixture(scope="module")
def sweep() -> xr.Dataset:
    """Two numbers over a parameter, a setting that is a text, and seeds; one point failed."""
    rng = np.random.default_rng(0)
    dims = ("g_gaba", "synapse", "seed")
    data = {name: (dims, rng.normal(size=(3, 2, 4))) for name in NAMES}
    coords = {
        "g_gaba": ("g_gaba", [0.0, 1.0, 2.0], {"units": "nS"}),
        "synapse": ["additive", "decay"],
        "seed": range(4),
    }
    made = xr.Dataset(data, coords)
    made["largest_z"][2, 1] = np.nan
    return made


def test_curves_are_means_over_seeds(sweep: xr.Dataset, assert_legible: Callable[[Figure], None]) -> None:
    figure = plots.sweep_curves(sweep, NAMES, "g_gaba", "synapse")
    assert_legible(figure)
    for ax, name in zip(figure.axes, NAMES, strict=True):
        for container, synapse in zip(ax.containers, ("additive", "decay"), strict=True):
            x, y = container.lines[0].get_data()
            np.testing.assert_array_equal(x, sweep["g_gaba"])
            np.testing.assert_allclose(y, sweep[name].sel(synapse=synapse).mean("seed"))
        assert ax.get_xlabel() == "g_gaba (nS)"
    assert getattr(figure, "caption", "").endswith("4 seeds.")


def test_a_setting_that_is_no_number_has_a_place_for_each_value(sweep: xr.Dataset) -> None:
    figure = plots.sweep_curves(sweep, NAMES[:1], "synapse")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["additive", "decay"]
    assert "Averaged over g_gaba." in getattr(figure, "caption", "")


def test_maps_are_means_over_seeds(sweep: xr.Dataset, assert_legible: Callable[[Figure], None]) -> None:
    figure = plots.sweep_maps(sweep, NAMES, "g_gaba", "synapse")
    assert_legible(figure)
    for ax, name in zip(figure.axes, NAMES, strict=False):
        shown = np.ma.filled(ax.images[0].get_array(), np.nan)
        np.testing.assert_allclose(shown, sweep[name].mean("seed").transpose("synapse", "g_gaba"))


def test_bad_input_is_named(sweep: xr.Dataset) -> None:
    with pytest.raises(InputError, match="no dim 'pairs'; it has g_gaba, synapse, seed"):
        plots.sweep_curves(sweep, NAMES, "pairs")
    with pytest.raises(InputError, match="no number 'best'"):
        plots.sweep_maps(sweep, ["best"], "g_gaba", "synapse")
    with pytest.raises(InputError, match="no number of the sweep to draw"):
        plots.sweep_curves(sweep, [], "g_gaba")
