"""Curves and scores of protocols show the numbers of their Dataset."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots.protocols import Z_SHOWN, protocol_comparison, protocol_curves


@pytest.fixture
def measured() -> xr.Dataset:
    """Two studies: pairing at five frequencies and two dts, and at four frequencies in another pathway."""
    rng = np.random.default_rng(0)
    frequency = np.array([0.1, 10, 20, 40, 50] * 2 + [1, 10, 20, 50])
    dt = np.array([10.0] * 5 + [-10] * 5 + [10] * 4)
    ratio = 1 + 0.01 * frequency * np.sign(dt + 15)
    z = rng.normal(size=14) * 2
    z[3] = 9.5
    sem = rng.uniform(0.05, 0.2, 14)
    one = {"units": "1"}
    return xr.Dataset(
        {
            "ratio": ("protocol", ratio, one),
            "sem": ("protocol", np.full(14, 0.03), one),
            "measured": ("protocol", ratio - z * sem, one),
            "measured_sem": ("protocol", sem, one),
            "n": ("protocol", np.arange(14.0) + 3, one),
            "z": ("protocol", z, one),
            "study": ("protocol", ["Sjöström et al. 2001"] * 10 + ["Egger et al. 1999"] * 4),
            "pathway": ("protocol", ["L5TTPC->L5TTPC"] * 10 + ["L4SS->L4SS"] * 4),
        },
        coords={
            "protocol": [
                f"pairing, {d:+g} ms, {f:g} Hz, {i}" for i, (d, f) in enumerate(zip(dt, frequency, strict=True))
            ],
            "frequency": ("protocol", frequency, {"units": "Hz", "long_name": "frequency"}),
            "dt": ("protocol", dt, {"units": "ms", "long_name": "t_post − t_pre"}),
        },
        attrs={"model": "triplet-visual-cortex"},
    )


def segments(container: ErrorbarContainer) -> list[np.ndarray]:
    return container[2][0].get_segments()


def test_points_and_lines_are_the_measurements_and_the_model(
    measured: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = protocol_curves(measured, "frequency", "dt")
    assert [ax.get_title() for ax in figure.axes] == [
        "Sjöström et al. 2001\nL5TTPC->L5TTPC",
        "Egger et al. 1999\nL4SS->L4SS, 10 ms",
    ]
    for ax, series in zip(figure.axes, [((5, 10), (0, 5)), ((10, 14),)], strict=True):
        points = [container for container in ax.containers if isinstance(container, ErrorbarContainer)]
        assert len(points) == len(series)
        lines = [line for line in ax.lines if len(line.get_xdata()) > 3 and line.get_linestyle() == "-"]
        for container, line, (start, stop) in zip(points, lines, series, strict=True):
            own = measured.isel(protocol=slice(start, stop))
            np.testing.assert_array_equal(container[0].get_data(), [own["frequency"], own["measured"]])
            half = [np.ptp(path[:, 1]) / 2 for path in segments(container)]
            np.testing.assert_allclose(half, own["measured_sem"])
            np.testing.assert_array_equal(line.get_data(), [own["frequency"], own["ratio"]])
        assert ax.get_xlabel() == "frequency (Hz)"
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["−10 ms", "10 ms"]
    assert_legible(figure)


def test_without_measurements_there_is_one_panel_with_a_band(
    measured: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    model = measured[["ratio", "sem"]].isel(protocol=slice(0, 10)).assign_attrs(measured.attrs)
    figure = protocol_curves(model, "frequency", "dt")
    (ax,) = figure.axes
    assert [text.get_text() for text in figure.legends[1].get_texts()] == ["triplet-visual-cortex\nmean ± SEM"]
    band = ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose([band[:, 1].min(), band[:, 1].max()], [1 + 0.001 - 0.03, 1.5 + 0.03])
    assert not ax.containers
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["−10 ms", "10 ms"]
    assert_legible(figure)


def test_one_study_is_one_legible_panel(measured: xr.Dataset, assert_legible: Callable[[Figure], None]) -> None:
    assert_legible(protocol_curves(measured.isel(protocol=slice(0, 10)), "frequency", "dt"))
    assert_legible(protocol_curves(measured.isel(protocol=slice(10, 14)), "frequency"))


def test_rows_are_model_measurement_and_z(measured: xr.Dataset, assert_legible: Callable[[Figure], None]) -> None:
    figure = protocol_comparison(measured)
    left, right = figure.axes
    mean, model = (c for c in left.containers if isinstance(c, ErrorbarContainer))
    np.testing.assert_array_equal(mean[0].get_xdata(), measured["measured"])
    np.testing.assert_array_equal(model[0].get_xdata(), measured["ratio"])
    half = [np.ptp(path[:, 0]) / 2 for path in segments(mean)]
    np.testing.assert_allclose(half, measured["measured_sem"])
    assert left.get_yticklabels()[2].get_text().endswith("20 Hz, 2 (n = 5)")
    bars = np.array([bar.get_width() for bar in right.patches if bar.get_height() < 1])
    z = measured["z"].values
    np.testing.assert_allclose(bars, np.clip(z, -Z_SHOWN, Z_SHOWN))
    assert [text.get_text() for text in right.texts] == ["9.5"]  # what a cut bar does not show is written
    assert right.get_title() == f"χ² per point {np.mean(z**2):.2f}, 14 points"
    assert_legible(figure)


def test_single_cells_have_neither_error_bars_nor_z(
    measured: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    cells = measured.assign(measured_sem=measured["measured_sem"] * np.nan, z=measured["z"] * np.nan)
    assert "measured, without SEM" in {text.get_text() for text in protocol_comparison(cells).legends[0].get_texts()}
    cells["n"] = cells["n"] * 0 + 1
    figure = protocol_comparison(cells)
    (ax,) = figure.axes
    assert not any(path.size and np.ptp(path[:, 0]) > 0 for path in segments(ax.containers[0]))
    assert [text.get_text() for text in figure.legends[0].get_texts()][1] == "measured, single cells"
    assert_legible(figure)


def test_what_is_missing_is_said(measured: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs 'voltage'"):
        protocol_curves(measured, "voltage")
    with pytest.raises(InputError, match="needs 'z'"):
        protocol_comparison(measured.drop_vars("z"))
    with pytest.raises(InputError, match="needs 'study'"):
        protocol_curves(measured.drop_vars("study"), "dt")


def test_the_key_says_from_which_weight_an_empty_memory_began(measured: xr.Dataset) -> None:
    model = measured[["ratio", "sem"]].assign_attrs(model="additive", initial=0.25)
    model["sem"] = model["sem"] * np.nan  # one run of a model without noise
    for figure in (protocol_curves(model, "frequency", "dt"), protocol_comparison(model)):
        assert figure.legends[-1].get_texts()[0].get_text() == "additive\nfrom 0.25 nS"


def test_the_longest_name_fits_a_small_figure(measured: xr.Dataset, assert_legible: Callable[[Figure], None]) -> None:
    model = measured[["ratio", "sem"]].isel(protocol=slice(0, 5))
    model = model.assign_attrs(model="graupner-brunel-hippocampal-slice-nmda", initial=0.25)
    assert_legible(protocol_curves(model, "frequency"))


def test_a_group_without_a_frequency_has_a_label_of_its_own(
    measured: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    mixed = measured.isel(protocol=slice(0, 10))
    mixed = mixed.assign_coords(frequency=mixed["frequency"].where(mixed["frequency"] > 10))
    mixed["frequency"].attrs = measured["frequency"].attrs
    figure = protocol_curves(mixed, "dt", "frequency")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["20 Hz", "40 Hz", "50 Hz", "no frequency"]
    assert_legible(figure)


def test_a_dense_curve_is_drawn_in_pieces_with_what_was_simulated_on_it(
    measured: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    own = measured.isel(protocol=slice(0, 10))
    place = np.tile(np.linspace(10, 50, 9), 2)
    curves = xr.Dataset(
        {
            "ratio": ("point", 1 + place / 100, {"units": "1"}),
            "over": ("point", ["frequency"] * 18),
            "segment": ("point", np.repeat([0, 1], 9)),
            "study": ("point", ["Sjöström et al. 2001"] * 18),
            "pathway": ("point", ["L5TTPC->L5TTPC"] * 18),
            "dt": ("point", np.repeat([10.0, -10.0], 9)),
            "frequency": ("point", place),
        }
    )
    figure = protocol_curves(own, "frequency", "dt", curves=curves)
    (ax,) = figure.axes
    lines = [line for line in ax.lines if len(line.get_xdata()) == 9]
    assert len(lines) == 2
    np.testing.assert_array_equal(lines[0].get_data(), [place[:9], 1 + place[:9] / 100])
    dashes = [container for container in ax.containers if container[0].get_marker() == "_"]
    np.testing.assert_array_equal(dashes[0][0].get_ydata(), own.isel(protocol=slice(5, 10))["ratio"])
    keys = [text.get_text() for text in figure.legends[-1].get_texts()]
    assert keys == ["triplet-visual-cortex\nclosed form", "simulated, mean ± SEM", "measured, mean ± SEM"]
    assert_legible(figure)
