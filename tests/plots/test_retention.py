"""The figures of retention."""

import numpy as np
import xarray as xr
from matplotlib.container import ErrorbarContainer

from neurofwp.plots.retention import erasure, retention

AGE, PASSES = np.array([2.0, 6.0, 14.0]), np.array([1.0, 3.0, 7.0])


def curves(conditions, seed=0):
    rng = np.random.default_rng(seed)
    kinds, levels = zip(*conditions, strict=True)
    shape = (len(conditions), 3, 4)
    made = xr.Dataset(
        {name: (("condition", "block", "episode"), rng.uniform(0.2, 0.9, shape)) for name in ("r2", "mean_weight")},
        coords={"condition": [str(each) for each in conditions]},
    )
    made = made.assign_coords(kind=("condition", list(kinds)), level=("condition", list(levels)))
    return made.assign_coords(
        age=("block", AGE, {"units": "s"}), weight_age=("block", AGE - 1, {"units": "s"}), passes=("block", PASSES)
    )


def test_lines_are_means_and_errors_are_standard_errors(assert_legible):
    silence, reads = [("silence", 0.0)], [("background", 5.0), ("background", 20.0), ("reads", np.nan)]
    turnover = [("turnover", tau) for tau in (1.0, 3.0, 10.0, 30.0, 100.0)]
    regimes = ("decay", "error-correcting", "thresholds")
    data = {
        "closed": {name: curves(silence + reads + (turnover if name == "decay" else []), 1) for name in regimes},
        "open": {name: curves(reads, 2) for name in regimes},
    }
    predicted = {name: curves(silence + (turnover if name == "decay" else []), 3) for name in regimes}
    figure = retention(data, predicted)
    seen = data["closed"]["decay"]["r2"].sel(condition=str(silence[0])).values
    errors = next(each for each in figure.axes[0].containers if isinstance(each, ErrorbarContainer))
    np.testing.assert_allclose(errors[0].get_xydata(), np.column_stack([AGE, seen.mean(1)]))
    half = [np.ptp(path[:, 1]) / 2 for path in errors[2][0].get_segments()]
    np.testing.assert_allclose(half, seen.std(axis=1, ddof=1) / 2, rtol=1e-9)
    # the background panel ends in the last reading, silence being 0 Hz
    rates = next(each for each in figure.axes[2].containers if isinstance(each, ErrorbarContainer))[0]
    np.testing.assert_array_equal(rates.get_xdata(), [0, 5, 20])
    assert rates.get_ydata()[0] == seen[-1].mean()
    # recall after a reading, weights before it
    for panel, passes in ((3, PASSES), (7, PASSES - 1)):
        for line in (each[0] for each in figure.axes[panel].containers if isinstance(each, ErrorbarContainer)):
            np.testing.assert_array_equal(line.get_xdata(), passes)
    assert_legible(figure)


def test_erasure_draws_measured_points_on_the_closed_form(assert_legible):
    tau = np.array([100.0, 10.0, 1.0])
    table = xr.Dataset(
        {"tau": ("rate", 1.1 * tau), "tau_sem": ("rate", tau / 10), "tau_closed": ("rate", tau)},
        coords={"rate": [1.0, 5.0, 20.0]},
    )
    figure = erasure({"graupner-brunel-cortical-slice": table, "graupner-brunel-in-vivo": table * 4})
    (ax,) = figure.axes
    lines = [line.get_ydata() for line in ax.get_lines() if line.get_linestyle() == "--"]
    np.testing.assert_allclose(lines, [tau, 4 * tau])
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert_legible(figure)
