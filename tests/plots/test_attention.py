"""The figures of attention and fast weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots.attention import attention_matrices, cost_against_length, read_differences

LENGTHS = np.array([128, 256, 512, 1024, 2048, 3072, 4096, 6144, 8192])
FORMS = ["softmax, written out", "softmax, fused", "hebbian, recurrent", "hebbian, chunkwise"]


@pytest.fixture
def cost() -> xr.Dataset:
    """Quadratic and linear costs, with repeats 1, 2 and 4 times as long."""
    power = np.array([2, 2, 1, 1])[:, None]
    seconds = np.broadcast_to(1e-7 * LENGTHS**power, (2, 4, len(LENGTHS)))
    slope = (("work", "form"), np.broadcast_to(power[:, 0].astype(float), (2, 4)), {"fitted_from": 3072})
    return xr.Dataset(
        {
            "seconds": (("work", "form", "length", "repeat"), seconds[..., None] * np.array([1, 2, 4]), {"units": "s"}),
            "bytes": (("work", "form", "length"), 1e10 * seconds, {"units": "byte"}),
            "seconds_slope": slope,
        },
        coords={
            "work": ["forward", "forward and backward"],
            "form": FORMS,
            "length": ("length", LENGTHS, {"units": "events"}),
        },
    )


@pytest.fixture
def reads() -> xr.Dataset:
    rng = np.random.default_rng(0)
    precision = np.array([1e-15, 1e-7])[:, None, None]
    rounding = np.broadcast_to(precision * np.sqrt(np.arange(1, 258)), (5, 2, 4, 257))
    names = [f"{form}: {way}" for form in ("hebbian", "normalised") for way in ("recurrent", "chunkwise")]
    dims = ("comparison", "precision", "shape", "token")
    return xr.Dataset(
        {
            "difference": (dims, rounding * rng.uniform(0, 4, rounding.shape), {"units": "1"}),
            "rounding": (dims, rounding, {"units": "1"}),
        },
        coords={
            "comparison": ["softmax: fused", *names],
            "precision": ["float64", "float32"],
            "shape": ["1×1×1×1×1", "2×63×2×16×8", "1×100×3×32×64", "2×257×4×64×64"],
            "token": ("token", np.arange(257), {"units": "1"}),
        },
    )


def test_time_shows_medians_quartiles_and_slopes(cost: xr.Dataset, assert_legible: Callable[[Figure], None]) -> None:
    figure = cost_against_length(cost, "seconds")
    assert_legible(figure)
    ax = figure.axes[0]
    line, _, (bars,) = ax.containers[2]
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), 2e-7 * LENGTHS)
    np.testing.assert_allclose(np.asarray(bars.get_segments()[0], float)[:, 1], (1.5e-7 * 128, 3e-7 * 128))
    assert [text.get_text() for text in ax.get_legend().get_texts()][2] == "hebbian, recurrent: 1.00"
    assert ax.get_legend().get_title().get_text() == "slope from 3072 events on"
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("time (s)", "length (events)")


def test_memory_without_slopes_has_none_in_its_legend(
    cost: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = cost_against_length(cost, "bytes")
    assert_legible(figure)
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == FORMS


def test_only_costs_are_drawn_as_costs(cost: xr.Dataset) -> None:
    with pytest.raises(InputError, match="cost is drawn in seconds or bytes, not in 'joules'"):
        cost_against_length(cost, "joules")
    with pytest.raises(InputError, match="needs 'seconds'"):
        cost_against_length(cost.drop_vars("seconds"), "seconds")


def test_differences_are_drawn_for_the_longest_shape(
    reads: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    reads = reads.where((reads["shape"] == "2×257×4×64×64") | (reads["token"] < 63))
    figure = read_differences(reads)
    assert_legible(figure)
    double, single, shapes = figure.axes
    assert double.get_title() == "float64, shape\n2×257×4×64×64"
    drawn = single.lines[1].get_ydata()
    np.testing.assert_allclose(drawn, reads["difference"].sel(precision="float32").values[1, -1])
    assert len(shapes.lines) == 5 * 2


def test_a_matrix_and_its_memory_are_drawn_side_by_side(assert_legible: Callable[[Figure], None]) -> None:
    names = ["softmax: written out", "hebbian: written out", "hebbian: fast weights"]
    names += ["normalised: written out", "normalised: fast weights"]
    weight = np.tril(np.random.default_rng(0).normal(size=(5, 24, 24)))
    matrices = xr.Dataset({"weight": (("matrix", "token", "written"), weight)}, coords={"matrix": names})
    figure = attention_matrices(matrices)
    assert_legible(figure)
    image = figure.axes[2].images[0]
    np.testing.assert_allclose(image.get_array(), weight[2])
    assert image.get_clim() == pytest.approx((-np.abs(weight[2]).max(), np.abs(weight[2]).max()))
