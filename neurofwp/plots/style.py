"""The look of every figure: sizes, fonts and colours that print well and that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.style
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

# Okabe and Ito, Color Universal Design (2008)
BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"

NETWORK = {"spiking": VERMILION, "rate": BLUE}
POPULATION = {"key": BLUE, "value": VERMILION, "interneuron": GREEN}
PHASE = {"write": "#FCEBCB", "read": "#DFEFF9"}  # orange and sky, light enough to draw over
SEQUENTIAL = "cividis"
DIVERGING = "PuOr_r"

ONE_COLUMN = 3.5  # inches
TWO_COLUMNS = 7.1

# DejaVu Sans ships with matplotlib: a figure looks the same on every machine, and no label moves onto another.
_SETTINGS: dict[str, Any] = {
    "axes.edgecolor": "#333333",
    "axes.labelsize": 7,
    "axes.linewidth": 0.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 7,
    "errorbar.capsize": 2,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.05,
    "figure.dpi": 150,
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "image.interpolation": "nearest",
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
    "pdf.fonttype": 42,  # text stays text in a PDF
    "savefig.dpi": 300,
    "text.hinting": "none",
    "xtick.labelsize": 7,
    "xtick.major.width": 0.5,
    "xtick.minor.width": 0.4,
    "ytick.labelsize": 7,
    "ytick.major.width": 0.5,
    "ytick.minor.width": 0.4,
}


@contextmanager
def context() -> Iterator[None]:
    """This style over matplotlib's defaults, whatever the user has set; as a decorator: for one function."""
    with matplotlib.style.context(["default", _SETTINGS]):
        yield


class StyledFigure(Figure):
    """A Figure that brings its style along: matplotlib makes ticks and embeds fonts only while it draws."""

    def draw(self, renderer: RendererBase) -> None:
        with context():
            super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        with context():
            super().savefig(*args, **kwargs)


def figure(width: float, height: float) -> StyledFigure:
    """An empty figure, inches, known to no pyplot: it is freed when nobody holds it."""
    return StyledFigure(figsize=(width, height), layout="constrained")


def label(name: str, variable: xr.DataArray) -> str:
    """An axis label: the name with the variable's own unit."""
    return f"{name} ({variable.attrs.get('units', '1')})"


def letters(axes: Iterable[Axes]) -> None:
    """Bold a, b, c at the upper left of the panels."""
    for letter, ax in zip("abcdefgh", axes, strict=False):
        ax.set_title(letter, loc="left", fontweight="bold", fontsize=8)


def image_axes(ax: Axes) -> None:
    """Close the frame of an image and take its ticks away."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign."""
    text = f"{value:.{digits}f}"
    return "0." + "0" * digits if not np.isnan(value) and float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")
