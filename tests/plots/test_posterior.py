"""Corner figures, rank histograms and studies left out show the numbers they are given."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.plots import left_out, posterior_corner, rank_histograms


def test_a_corner_shows_histograms_and_rank_correlations() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(4, 50))
    posterior = xr.Dataset(
        {name: (("chain", "draw"), values, {"units": "ms"}) for name, values in (("a", a), ("b", np.exp(-a)))}
    )
    published = xr.DataArray([0.5, 2.0], dims="parameter", coords={"parameter": ["a", "b"]})
    axes = np.array(posterior_corner(posterior, published).axes).reshape(2, 2)
    assert axes[0, 1].texts[0].get_text() == "\N{MINUS SIGN}1.00"
    assert sum(patch.get_height() for patch in axes[1, 1].patches) == 200
    assert axes[1, 1].lines[0].get_xdata()[0] == 2
    assert axes[1, 0].get_xlabel() == "a (ms)"
    with pytest.raises(InputError, match="two parameters or more"):
        posterior_corner(posterior[["a"]])


def test_ranks_stand_beside_what_chance_gives() -> None:
    counts = xr.DataArray([[10, 30, 20, 20]], dims=("parameter", "bin"), coords={"parameter": ["a"]})
    (ax,) = rank_histograms(counts).axes
    assert [bar.get_height() for bar in ax.patches[1:]] == [10, 30, 20, 20]
    box = ax.patches[0].get_bbox()
    assert box.y0 < 20 < box.y1
    with pytest.raises(InputError, match="dims parameter and bin"):
        rank_histograms(counts.T)


def test_studies_left_out_stand_beside_no_change() -> None:
    ratio = xr.DataArray(
        [[[0.5, 2.0, 0.8], [np.nan] * 3]],
        dims=("model", "fit", "study"),
        coords={"model": ["m"], "fit": ["published", "one set"], "study": ["a", "b", "c"]},
    )
    (ax,) = left_out(ratio).axes
    drawn = [line.get_xdata() for line in ax.lines]
    np.testing.assert_array_equal(drawn[0], [0.5, 2.0, 0.8])
    assert drawn[1][0] == 0.8
    assert drawn[2][0] == 1  # no change; the fit that is missing is not drawn
    with pytest.raises(InputError):
        left_out(ratio.isel(fit=0))
