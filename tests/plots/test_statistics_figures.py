"""Curves and bars stand at the means, and their error bars at the standard errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import stats

from neurofwp import plots
from neurofwp.errors import InputError
from neurofwp.plots import style


def error_bars(ax: Axes) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(x, y, half the length of the bar) of each curve with error bars."""
    found = {}
    for container in ax.containers:
        line, _, (bars,) = container.lines
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        found[str(container.get_label())] = (*line.get_data(), (ends[:, 1] - ends[:, 0]) / 2)
    return found


@pytest.mark.parametrize(("panel", "name"), [(0, "r2"), (1, "identified")])
def test_capacity_shows_mean_and_standard_error(curve: xr.Dataset, panel: int, name: str) -> None:
    for network, (x, y, half) in error_bars(plots.capacity(curve).axes[panel]).items():
        every = curve[name].sel(network=network).values
        np.testing.assert_array_equal(x, [1, 2, 4, 8, 16, 32])
        np.testing.assert_allclose(y, every.mean(1))
        np.testing.assert_allclose(half, stats.sem(every, axis=1), atol=1e-12)


def test_chance_of_recall_is_measured_and_of_identification_one_in_n(curve: xr.Dataset) -> None:
    for ax, level in zip(
        plots.capacity(curve).axes,
        (curve["chance"].mean("episode"), [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]),
        strict=True,
    ):
        (line,) = [line for line in ax.lines if line.get_label() == "chance"]
        np.testing.assert_allclose(line.get_data(), [curve["pairs"], level])
        assert line.is_dashed()


def test_capacity_counts_episodes_and_doubles_along_x(curve: xr.Dataset) -> None:
    figure = plots.capacity(curve.isel(episode=slice(7)))
    assert figure.legends[0].get_title().get_text() == "mean ± SEM, n = 7 episodes"
    at = figure.axes[0].transData.transform([(pairs, 0.5) for pairs in curve["pairs"].values])[:, 0]
    np.testing.assert_allclose(np.diff(at), np.diff(at)[0])


def test_capacity_of_one_episode_has_no_error_bars(curve: xr.Dataset) -> None:
    ax = plots.capacity(curve.isel(episode=[0])).axes[0]
    for container, network in zip(ax.containers, ("spiking", "rate"), strict=True):
        line, _, (bars,) = container.lines
        np.testing.assert_array_equal(line.get_ydata(), curve["r2"].sel(network=network).isel(episode=0))
        assert sum(len(segment) for segment in bars.get_segments()) == 0


def test_chance_below_zero_is_inside_the_axes(curve: xr.Dataset) -> None:
    low = curve.assign(chance=curve["chance"] - 1)
    assert plots.capacity(low).axes[0].get_ylim()[0] < float(low["chance"].mean("episode").min())


def rows(ax: Axes) -> dict[str, float]:
    return {text.get_text(): at for text, at in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)}


def test_bars_are_the_shares_best_first_with_their_intervals(fits: xr.Dataset) -> None:
    ax = plots.rule_bars(fits).axes[0]
    intervals = next(c for c in ax.collections if isinstance(c, LineCollection)).get_segments()
    for rule, at in rows(ax).items():
        this = fits.sel(rule=rule.replace(" ", "_"))
        (bar,) = [bar for bar in ax.containers[0] if abs(bar.get_y() + bar.get_height() / 2 - at) < 1e-9]
        (interval,) = [segment for segment in intervals if abs(segment[0, 1] - at) < 1e-9]
        assert bar.get_width() == float(this["feve"])
        assert interval[:, 0].tolist() == [float(this["low"]), float(this["high"])]
    assert list(rows(ax))[:3] == ["gated delta", "delta", "outstar"]
    assert ax.yaxis_inverted()


def test_the_best_rules_alone_are_bold_and_coloured(fits: xr.Dataset) -> None:
    ax = plots.rule_bars(fits).axes[0]
    assert {text.get_text() for text in ax.get_yticklabels() if text.get_fontweight() == "bold"} == {
        "delta",
        "gated delta",
    }
    colours = [to_hex(bar.get_facecolor()).upper() for bar in ax.containers[0]]
    assert colours[:2] == [style.rule(rule)["color"] for rule in ("gated_delta", "delta")]
    assert len(set(colours[2:])) == 1


def test_the_ceiling_is_one_with_its_relative_standard_error(fits: xr.Dataset) -> None:
    ax = plots.rule_bars(fits).axes[0]
    assert 1.0 in [line.get_xdata()[0] for line in ax.lines if line.is_dashed()]
    (band,) = [p for p in ax.patches if isinstance(p, Rectangle) and p not in ax.containers[0].patches]
    assert (band.get_x(), band.get_width()) == pytest.approx((1 - 0.009 / 0.9, 2 * 0.009 / 0.9))


def test_a_hopeless_rule_does_not_squeeze_the_others(fits: xr.Dataset) -> None:
    ax = plots.rule_bars(fits).axes[0]
    assert ax.get_xlim()[0] == -0.25
    assert "−1.400 [−1.420, −1.385]" in [text.get_text() for text in ax.texts]
    assert plots.rule_bars(fits.drop_sel(rule="oja")).axes[0].get_xlim()[0] == 0


def test_nominal_and_measured_stand_side_by_side(both_drives: xr.Dataset) -> None:
    """Within each rule nominal lies above measured; a rule is bold if it wins with either."""
    ax = plots.rule_bars(both_drives).axes[0]
    for drive, bars in zip(("nominal", "measured"), ax.containers, strict=True):
        shares = both_drives["feve"].sel(drive=drive)
        for (rule, at), bar in zip(rows(ax).items(), bars, strict=True):
            assert bar.get_width() == float(shares.sel(rule=rule.replace(" ", "_")))
            middle = bar.get_y() + bar.get_height() / 2
            assert middle < at if drive == "nominal" else middle > at
            assert abs(middle - at) < 0.5
    assert {text.get_text() for text in ax.get_yticklabels() if text.get_fontweight() == "bold"} == {
        "delta",
        "gated delta",
    }


def test_nulls_and_references_are_lines_and_nothing_is_cut(
    both_drives: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    models = ["null: nothing", "null: mean_value", "reference: local", "reference: local and prediction"]
    unexplained = xr.DataArray(
        [[1.0, 0.55, 0.2, 0.02]], dims=("measure", "model"), coords={"measure": ["increments"], "model": models}
    )
    figure = plots.rule_bars(both_drives.assign(unexplained=unexplained))
    at = [line.get_xdata()[0] for line in figure.axes[0].lines if line.is_dashed()]
    assert at == [1, pytest.approx(0.45), pytest.approx(0.98)], "the ceiling, the best null, the best reference"
    assert_legible(figure)


def test_bad_input_is_named(curve: xr.Dataset, fits: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs 'chance'"):
        plots.capacity(curve.drop_vars("chance"))
    with pytest.raises(InputError, match="r2 of the capacity Dataset has dims"):
        plots.capacity(curve.assign(r2=curve["r2"].mean("episode")))
    with pytest.raises(InputError, match="needs 'low'"):
        plots.rule_bars(fits.drop_vars("low"))


def without_ceiling(fits: xr.Dataset) -> xr.Dataset:
    """The same fits where nothing says how large the noise is."""
    return fits.assign(
        feve=fits["feve"] * np.nan, low=fits["low"] * np.nan, high=fits["high"] * np.nan,
        r2=0.9 * fits["feve"], noise_ceiling=np.nan, noise_ceiling_sem=np.nan,
    )  # fmt: skip


def test_without_a_ceiling_bars_are_r2_with_the_noise_in_it(fits: xr.Dataset) -> None:
    own = without_ceiling(fits)
    misfit = (1 - own["r2"]).rename(rule="model").expand_dims(measure=["increments", "weights"])
    limits = {f"unexplained_{name}": misfit + margin for name, margin in (("low", -0.02), ("high", 0.03))}
    ax = plots.rule_bars(own.assign(limits)).axes[0]
    best = float(own["r2"].max())
    assert ax.containers[0][0].get_width() == best
    intervals = next(c for c in ax.collections if isinstance(c, LineCollection)).get_segments()
    assert intervals[0][:, 0] == pytest.approx([best - 0.03, best + 0.02])
    assert "held-out R², noise included" in ax.get_xlabel()
    assert not [p for p in ax.patches if isinstance(p, Rectangle) and p not in ax.containers[0].patches], "no ceiling"


def test_fits_of_older_formats_have_no_intervals_of_r2(fits: xr.Dataset) -> None:
    ax = plots.rule_bars(without_ceiling(fits)).axes[0]
    assert ax.containers[0][0].get_width() == float(0.9 * fits["feve"].max())
    with pytest.raises(InputError, match="neither FEVE nor R"):
        plots.rule_bars(without_ceiling(fits).drop_vars("r2"))


@pytest.mark.parametrize("count", [4, 20])
def test_numbers_of_many_rules_do_not_cover_each_other(count: int) -> None:
    number = np.linspace(0.3, 0.99, count)
    columns = {"feve": number, "low": number - 0.01, "high": number + 0.01, "best": number > 0.98}
    fits = xr.Dataset(
        {name: ("rule", each) for name, each in columns.items()} | {"noise_ceiling": 0.98},
        coords={"rule": [f"rule_{index}" for index in range(count)]}, attrs={"driven_by": "keys"},
    )  # fmt: skip
    models = ["one", "other"]
    recall = xr.DataArray([0.5, 0.6], dims="synapse_model", coords={"synapse_model": models})
    figure = plots.explained(dict.fromkeys(models, fits), recall)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 2 * count
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])
