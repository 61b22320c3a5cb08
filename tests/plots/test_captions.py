"""Captions beside figures, what stands for a figure where none is seen, and panels in figures of the user's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import plots
from neurofwp.cli import figures
from neurofwp.plots import captions, style

FUNCTIONS = [getattr(plots, name) for name in plots.__all__ if inspect.isfunction(getattr(plots, name))]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_a_caption_is_the_prose_of_the_docstring(function: Callable[..., Figure]) -> None:
    caption = captions.of_docstring(function.__doc__ or "")
    assert caption.endswith(".")
    assert not {"`", "Parameters", "----", "^2"} & {
        word for word in ("`", "Parameters", "----", "^2") if word in caption
    }


def test_a_docstring_ends_as_a_caption_where_its_parameters_begin() -> None:
    for after in (
        "Parameters\n----------\nfits : of it.",
        "fits : of it.",
        "fits, traces : of it.",
        "Raises\n------\nx",
    ):
        assert captions.of_docstring(f"FEVE of ``rule``.\n\nMore: R^2 and\nchi^2.\n\n{after}") == (
            "FEVE of rule. More: R² and χ²."
        )


def test_the_caption_says_network_seed_and_episode(spiking: xr.Dataset, spikes: xr.Dataset) -> None:
    config = '{"synapse": "error-correcting", "circuit": "apical-feedback"}'
    named = spiking.assign_attrs(config=config, seed="7")
    caption = getattr(plots.raster(named, spikes, episode=2), "caption", "")
    assert caption.startswith("Spikes of key, value and interneuron cells")
    assert caption.endswith("Synapse model error-correcting, circuit apical-feedback, seed 7, episode 2.")


def test_alternative_text_names_axes_and_legend(curve: xr.Dataset) -> None:
    text = captions.alternative_text(plots.capacity(curve))
    assert text == (
        "2 panels; recall R² (1) against pairs stored; right value identified (1) against pairs stored; "
        "legend: spiking, rate, chance."
    )


def test_a_file_keeps_the_caption(curve: xr.Dataset, tmp_path: Path) -> None:
    from PIL import Image

    figure = plots.capacity(curve)
    (path,) = figures.save(figure, tmp_path, "capacity")
    with Image.open(path) as image:
        assert image.info["Description"] == getattr(figure, "caption", "")
    again = tmp_path / "again"
    again.mkdir()
    assert figures.save(plots.capacity(curve), again, "capacity")[0].read_bytes() == path.read_bytes()


def test_a_panel_can_be_one_of_the_users(fits: xr.Dataset) -> None:
    figure = style.figure(9, 4)
    left, right = figure.subplots(1, 2)
    assert plots.rule_bars(fits, ax=right) is figure
    assert not left.has_data()
    assert not figure.legends
    assert right.get_legend() is not None
    assert figure.caption == ""  # which is not one figure's alone
    alone = plots.rule_bars(fits)
    widths = [[bar.get_width() for bar in ax.patches] for ax in (right, alone.axes[0])]
    np.testing.assert_array_equal(*widths)


def test_functions_with_one_panel_take_axes() -> None:
    one_panel = [each for each in FUNCTIONS if "ax" in inspect.signature(each).parameters]
    assert {each.__name__ for each in one_panel} == {
        "circuits_and_blocks", "cost_by_synapses", "erasure", "explained", "left_out", "rule_bars", "summary_sheet",
    }  # fmt: skip
