"""The figure of overwriting."""

import numpy as np
import xarray as xr
from matplotlib.container import ErrorbarContainer

from neurofwp import plots


def test_bars_are_means_and_errors_are_standard_errors(assert_legible):
    rng = np.random.default_rng(3)
    r2 = rng.uniform(0.2, 0.9, (2, 3, 4))
    recall = xr.Dataset(
        {"r2": (("task", "network", "episode"), r2), "chance": (("task", "episode"), np.full((2, 4), 0.5))},
        coords={"task": ["rebinding", "overlap"], "network": ["error-correcting", "additive", "soft bound, speed 0.5"]},
    )
    figure = plots.overwriting(recall)
    for ax, values in zip(figure.axes, r2, strict=True):
        bars = [patch.get_width() for patch in ax.patches]
        np.testing.assert_allclose(bars, values.mean(axis=1), rtol=1e-12)
        ((segments,),) = [container[2] for container in ax.containers if isinstance(container, ErrorbarContainer)]
        half = [np.ptp(path[:, 0]) / 2 for path in segments.get_segments()]
        np.testing.assert_allclose(half, values.std(axis=1, ddof=1) / 2, rtol=1e-9)
        assert ax.get_xlabel() == "recall R² (1)"
    assert_legible(figure)
