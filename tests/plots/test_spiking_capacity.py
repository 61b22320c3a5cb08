"""The figure of spiking capacity."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.container import ErrorbarContainer

from neurofwp.errors import InputError
from neurofwp.plots.spiking_capacity import LABELS, spiking_capacity

PAIRS = [2, 8, 32]


def table(dim: str, levels: list[int], episodes: int, **named: str) -> xr.Dataset:
    rng = np.random.default_rng(6)
    shape = (len(levels), len(PAIRS), episodes)
    made = xr.Dataset(
        {name: ((dim, "pairs", "episode"), rng.uniform(0.2, 0.9, shape), {"units": "1"}) for name in LABELS},
        coords={dim: levels, "pairs": PAIRS, **named},
    )
    return made.assign_attrs(standard_active=10, standard_cells=4, key_cells=200)


def test_points_are_means_and_theory_is_drawn_for_each_key(assert_legible) -> None:
    keys, cells = (
        table("active", [5, 10], 4, synapse_model="additive"),
        table("cells", [1, 4], 4, synapse_model="additive"),
    )
    rate = table("active", [5, 10], 7, rule="hebbian")
    theory = rate.mean("episode")[["r2", "sign_error"]] - 0.1
    figure = spiking_capacity(keys, cells, rate, theory)
    for row, name in enumerate(LABELS):
        left, right = figure.axes[2 * row : 2 * row + 2]
        points = [each for each in left.containers if isinstance(each, ErrorbarContainer)]
        for level, point in zip((5, 10), points, strict=True):
            here = keys[name].sel(active=level)
            np.testing.assert_allclose(point.lines[0].get_ydata(), here.mean("episode"), rtol=1e-12)
            half = [np.ptp(path[:, 1]) / 2 for path in point.lines[2][0].get_segments()]
            np.testing.assert_allclose(half, here.std("episode", ddof=1) / 2, rtol=1e-9)
        drawn = [line.get_ydata() for line in right.lines]
        assert any(np.allclose(line, rate[name].sel(active=10).mean("episode")) for line in drawn)
        if name in theory:
            assert any(np.allclose(line, theory[name].sel(active=10)) for line in drawn)
        else:
            assert any(np.allclose(line, 1 / np.array(PAIRS)) for line in drawn)
    assert_legible(figure)


def test_a_missing_measure_is_named() -> None:
    keys, cells = table("active", [10], 2, synapse_model="additive"), table("cells", [4], 2, synapse_model="additive")
    rate = table("active", [10], 2, rule="hebbian")
    theory = rate.mean("episode")
    with pytest.raises(InputError, match="needs 'identified'"):
        spiking_capacity(keys, cells.drop_vars("identified"), rate, theory)
    with pytest.raises(InputError, match="needs 'r2'"):
        spiking_capacity(keys, cells, rate, theory.drop_vars("r2"))
