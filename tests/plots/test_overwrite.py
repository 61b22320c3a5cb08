"""The figure of where error correction and overwriting part."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots.overwrite import CURVES, overwrite

OVERLAP = [0.05, 0.2, 0.4]


def table(network: str, episodes: int) -> xr.Dataset:
    rng = np.random.default_rng(5)
    memories = [*CURVES[network], "additive"]
    shape = (len(memories), len(OVERLAP), episodes)
    return xr.Dataset(
        {name: (("memory", "overlap", "episode"), rng.uniform(0.2, 0.9, shape)) for name in ("r2", "new", "old")},
        coords={"memory": memories, "overlap": OVERLAP},
    )


@pytest.fixture(scope="module")
def drawn() -> tuple[Figure, dict[str, xr.Dataset]]:
    chosen = {"spiking": table("spiking", 4), "rate": table("rate", 9)}
    gains = {
        network: xr.DataArray(
            np.linspace(0, 0.2, 3)[:, None] + 0.01 * np.arange(each.sizes["episode"]), dims=("overlap", "episode"),
            coords={"overlap": OVERLAP},
        )
        for network, each in chosen.items()
    }  # fmt: skip
    chance = xr.DataArray(np.full((3, 4), 0.3), dims=("overlap", "episode"))
    return overwrite(chosen, gains, {"spiking": (0.17, 0.02), "rate": (np.nan, np.nan)}, 0.1, chance), chosen


def test_bars_and_points_are_means_with_standard_errors(drawn) -> None:
    figure, chosen = drawn
    bars = [patch.get_width() for patch in figure.axes[0].patches]
    expected = [
        float(each[name].isel(overlap=0).sel(memory=memory).mean())
        for each in chosen.values()
        for memory in each["memory"].values
        for name in ("new", "old")
    ]
    np.testing.assert_allclose(bars, expected, rtol=1e-12)
    curves = [each for each in figure.axes[1].containers if isinstance(each, ErrorbarContainer)]
    memories = [(network, memory) for network in CURVES for memory in CURVES[network]]
    assert len(curves) == len(memories)
    for curve, (network, memory) in zip(curves, memories, strict=True):
        r2 = chosen[network]["r2"].sel(memory=memory)
        np.testing.assert_allclose(curve.lines[0].get_ydata(), r2.mean("episode"), rtol=1e-12)
        half = [np.ptp(path[:, 1]) / 2 for path in curve.lines[2][0].get_segments()]
        np.testing.assert_allclose(half, r2.std("episode", ddof=1) / r2.sizes["episode"] ** 0.5, rtol=1e-9)


def test_a_crossing_is_marked_where_it_is_and_named_where_there_is_none(drawn, assert_legible) -> None:
    figure, _ = drawn
    stars = [line for line in figure.axes[2].lines if line.get_marker() == "*"]
    assert [(float(star.get_xdata()[0]), float(star.get_ydata()[0])) for star in stars] == [(0.17, 0.1)]
    named = [text.get_text() for text in figure.axes[2].get_legend().get_texts()]
    assert named == ["spiking: 0.17 ± 0.02", "rate: nowhere"]
    assert_legible(figure)


def test_a_missing_projection_is_named() -> None:
    both = {"spiking": table("spiking", 4).drop_vars("old"), "rate": table("rate", 9)}
    with pytest.raises(InputError, match="needs 'old'"):
        overwrite(both, {}, {}, 0.1, xr.DataArray())
