"""Every figure: nothing cut or overprinted, units from the data, and matplotlib left as it was."""

from __future__ import annotations

import re
from collections.abc import Callable

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from neurofwp import plots, trace
from neurofwp.plots import style

Draw = Callable[[Callable[[str], xr.Dataset]], Figure]


def reversed_thresholds(probes: xr.Dataset) -> xr.Dataset:
    """Thresholds so near that their names would lie on each other if both stood on their line."""
    probes = probes.copy(deep=True)
    probes["probe_calcium"].attrs |= {"depression_threshold": 0.59, "potentiation_threshold": 0.6}
    return probes


FIGURES: dict[str, Draw] = {
    "images": lambda get: plots.recall_images(get("program"), get("spiking"), get("rate")),
    "one image": lambda get: plots.recall_images(get("program"), get("spiking"), get("rate"), max_pairs=1),
    "strips": lambda get: plots.recall_images(*(get(n).isel(post=slice(10)) for n in ("program", "spiking", "rate"))),
    "scatter": lambda get: plots.recall_scatter(get("program"), get("spiking"), get("rate")),
    "weights": lambda get: plots.weights(get("spiking"), get("rate")),
    "synapse": lambda get: plots.synapse(get("spiking"), get("probes"), get("program")),
    "one write": lambda get: plots.one_write(get("program"), get("spiking"), get("probes"), get("spikes")),
    "near thresholds": lambda get: plots.synapse(get("spiking"), reversed_thresholds(get("probes")), shown=[0, 1, 2]),
    "raster": lambda get: plots.raster(get("spiking"), get("spikes")),
    "capacity": lambda get: plots.capacity(get("curve")),
    "many pairs": lambda get: plots.capacity(get("curve").assign_coords(pairs=[100, 101, 104, 108, 116, 1132])),
    "overview": lambda get: plots.overview(
        get("program"), get("spiking"), get("probes"), get("spikes"), get("fits"), episode=0
    ),
    "rules": lambda get: plots.rule_bars(get("fits")),
    "two rules": lambda get: plots.rule_bars(get("fits").isel(rule=slice(2))),
    "both drives": lambda get: plots.rule_bars(get("both_drives")),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())
def test_no_text_is_cut_or_overprinted(
    draw: Draw, request: pytest.FixtureRequest, assert_legible: Callable[[Figure], None]
) -> None:
    assert_legible(draw(request.getfixturevalue))


def test_the_check_for_legible_text_sees_overprinting_and_cutting(assert_legible: Callable[[Figure], None]) -> None:
    figure = Figure(figsize=(2, 2))
    figure.text(0.5, 0.5, "here")
    assert_legible(figure)
    figure.text(0.55, 0.5, "there")
    with pytest.raises(AssertionError, match="lies on"):
        assert_legible(figure)
    cut = Figure(figsize=(2, 2))
    cut.text(0.9, 0.5, "a long sentence")
    with pytest.raises(AssertionError, match="is cut"):
        assert_legible(cut)


def test_every_quantity_on_an_axis_names_its_unit(request: pytest.FixtureRequest) -> None:
    counts = ("post dimension", "cell", "pairs stored")
    for name in ("scatter", "weights", "synapse", "raster", "capacity", "both drives"):
        for ax in FIGURES[name](request.getfixturevalue).axes:
            for label in (ax.get_xlabel(), ax.get_ylabel()):
                assert not label or re.search(r"\s\(\S[^()]*\)$", label) or any(count in label for count in counts)


def test_units_come_from_the_data(spiking: xr.Dataset, probes: xr.Dataset, rate: xr.Dataset) -> None:
    changed, of_synapses = spiking.copy(deep=True), probes.copy(deep=True)
    changed["weight"].attrs["units"] = of_synapses["probe_conductance"].attrs["units"] = "pS"
    labels = [ax.get_ylabel() for ax in plots.weights(changed, rate).axes + plots.synapse(changed, of_synapses).axes]
    assert "weight (pS)" in labels
    assert "spiking weight (pS)" in labels
    assert "AMPA\nconductance (pS)" in labels
    assert "dendritic\nvoltage (mV)" in labels


def test_a_figure_ignores_and_keeps_the_users_settings(request: pytest.FixtureRequest) -> None:
    def pixels() -> np.ndarray:
        canvas = FigureCanvasAgg(FIGURES["capacity"](request.getfixturevalue))
        canvas.draw()
        return np.asarray(canvas.buffer_rgba()).copy()

    plain = pixels()
    with mpl.rc_context({"font.size": 20, "ytick.labelsize": 20, "axes.facecolor": "black", "lines.linewidth": 9}):
        before = dict(mpl.rcParams)
        np.testing.assert_array_equal(pixels(), plain)
        assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == []


def test_synthetic_traces_are_traces(spiking: xr.Dataset, rate: xr.Dataset) -> None:
    assert trace.check(spiking) is spiking
    assert trace.check(rate) is rate


def test_numbers_have_a_true_minus_and_no_minus_zero() -> None:
    assert style.number(-0.126) == "−0.13"
    assert style.number(-0.001) == "0.00"
    assert style.number(-0.001, 3) == "−0.001"
    assert style.number(float("nan")) == "nan"


@pytest.mark.parametrize("palette", [style.NETWORK, style.POPULATION])
def test_colours_differ_in_lightness_too(palette: dict[str, str]) -> None:
    """Readable in grey: relative luminances (Rec. 709) at least 0.03 apart."""
    rgb = np.array([mpl.colors.to_rgb(colour) for colour in palette.values()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = np.sort(linear @ [0.2126, 0.7152, 0.0722])
    assert np.diff(luminance).min() > 0.03


def test_a_notebook_shows_a_figure_by_itself() -> None:
    image = style.figure(2.0, 1.0)._repr_png_()
    assert image.startswith(b"\x89PNG")
    width, height = (int.from_bytes(image[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (200, 100)
