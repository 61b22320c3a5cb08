"""The look of every figure: sizes, fonts and colours that print well and that colour-blind readers can tell apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import BytesIO
from string import ascii_lowercase
from typing import Any, ParamSpec

import matplotlib.style
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots import captions

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

Arguments = ParamSpec("Arguments")

UNITS = {"uM": "\N{MICRO SIGN}M"}  # how units are written on axes, where data write them otherwise

# Colour and marker of every rule that a figure draws, as of the baselines beside it: warm for sums, cool for error
# correction, green and purple for what a synapse does alone. Of those with one colour no two are in one figure.
RULES = {
    "hebbian": (VERMILION, "s"),
    "fixed_decay": (ORANGE, "v"),
    "scalar_decay": (YELLOW, "<"),
    "delta": (BLUE, "o"),
    "delta_nonnegative": (SKY, "D"),
    "delta_unit_keys": (SKY, "p"),
    "delta_product": (SKY, "h"),
    "gated_delta": (SKY, "^"),
    # rules of one family have shades of one hue
    "key_gated_delta": ("#00405F", "d"),
    "implicit_delta": ("#3B8EA5", ">"),
    "ode_delta": ("#9CCBE8", "8"),
    "momentum": ("#5C7FB8", "H"),
    "mesa": ("#2B2F77", "D"),
    "interpolating": ("#B87D00", "1"),
    "key_decay": ("#7A5200", "2"),
    "outstar": (GREEN, "v"),
    "soft_bound": (PURPLE, "P"),
    "calcium_threshold": (GREY, "*"),
    "bcm": ("#00573F", "3"),
    "nearest_pair": ("#A8551E", "1"),
    "btsp": ("#7A3B63", "4"),
    "tagging": ("#B0569A", "D"),
    "cascade": ("#4FA37A", "h"),
    "eligibility": ("#8C8FB8", "<"),
    "oja": (BLACK, "X"),
    "gated_oja": ("#555555", "+"),
    "ode_oja": ("#AAAAAA", "x"),
    "erase_write_delta": ("#00405F", "d"),
    "log_linear": (PURPLE, "P"),
    "softmax": (BLACK, "D"),
    "recurrent_delta": (GREEN, "v"),
    "self_referential": (PURPLE, "*"),
    "lstm": (ORANGE, "^"),
}
LABELS = {"lstm": "LSTM", "delta_nonnegative": "delta, W ≥ 0", "delta_unit_keys": "delta, unit keys"}
# Synapse models have the colours of the rules that they are meant to run.
MODELS = {
    "error-correcting": RULES["delta"],
    "error-correcting, no feedback": (GREY, "x"),
    "decay": RULES["fixed_decay"],
    "thresholds": RULES["outstar"],
    "soft-bound": RULES["soft_bound"],
    "omega": (BLACK, "^"),
    "btsp-network": (VERMILION, "D"),
}

NETWORK = {"spiking": VERMILION, "rate": BLUE}
POPULATION = {
    "key": BLUE, "value": VERMILION, "interneuron": GREEN,
    "vip": PURPLE, "somatostatin": SKY, "parvalbumin": BLACK,
}  # fmt: skip
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
    "legend.title_fontsize": 7,
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


def plot_function(draw: Callable[Arguments, Figure]) -> Callable[Arguments, Figure]:
    """A function that draws a figure: in this style, with the prose of its docstring as the figure's caption.

    What the function itself has put into ``figure.caption`` comes after that: it is what is true of this figure alone.
    """

    @wraps(draw)
    def in_style(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Figure:
        with context():
            drawn = draw(*args, **kwargs)
        if isinstance(drawn, StyledFigure) and kwargs.get("ax") is None:
            drawn.caption = f"{captions.of_docstring(draw.__doc__ or '')} {drawn.caption}".strip()
        return drawn

    return in_style


class StyledFigure(Figure):
    """A Figure that brings its style along: matplotlib makes ticks and embeds fonts only while it draws.

    caption : what it shows, as text.
    """

    caption = ""

    def draw(self, renderer: RendererBase) -> None:
        with context():
            super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        with context():
            super().savefig(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        """What a notebook shows, which asks for this where pyplot knows nothing of a figure."""
        image = BytesIO()
        self.savefig(image, format="png", dpi=100)
        return image.getvalue()


def figure(width: float, height: float) -> StyledFigure:
    """An empty figure, inches, known to no pyplot: it is freed when nobody holds it."""
    return StyledFigure(figsize=(width, height), layout="constrained")


def panel(ax: Axes | None, width: float, height: float) -> tuple[Figure, Axes, Figure | Axes]:
    """The figure and the axes of a plot with one panel, and where its legend goes: of the user, or new ones, inches.

    Beside other panels of the user's the legend belongs to the axes, else to the figure.
    """
    if ax is None:
        own = figure(width, height)
        return own, own.subplots(), own
    root = ax.get_figure(root=True)
    if root is None:
        raise InputError("these axes belong to no figure: make them with pyplot.subplots or figure.subplots")
    return root, ax, ax


def label(name: str, variable: xr.DataArray) -> str:
    """An axis label: the name with the variable's own unit."""
    return f"{name} ({UNITS.get(unit := variable.attrs.get('units', '1'), unit)})"


def group(variable: xr.DataArray) -> str:
    """What a group of points has in common: the first value of a variable with its unit, or that there is none."""
    value = float(variable.values.ravel()[0])
    if np.isnan(value):
        return f"no {variable.attrs.get('long_name', variable.name)}"
    return f"{value:g} {variable.attrs.get('units', '')}".strip().replace("-", "\N{MINUS SIGN}")


def rule(name: str) -> dict[str, Any]:
    """Colour, marker and label of a rule, for `Axes.plot` and `Axes.errorbar`; the same in every figure."""
    colour, marker = RULES.get(name, (GREY, "x"))
    return {"color": colour, "marker": marker, "label": LABELS.get(name, name.replace("_", " "))}


def synapse_model(name: str) -> dict[str, Any]:
    """The same of a synapse model."""
    colour, marker = MODELS.get(name, (GREY, "+"))
    return {"color": colour, "marker": marker, "label": name}


def sort_rules(names: Iterable[str]) -> list[str]:
    """Rules in the order of `RULES`, which is that of every legend; others come last, in their own."""
    every = list(RULES)
    return sorted(map(str, names), key=lambda name: every.index(name) if name in RULES else len(every))


def legend(
    place: Figure | Axes,
    entries: Axes | Iterable[Any],
    *,
    title: str | None = None,
    ncols: int | None = None,
    loc: Any = "outside upper center",
    **look: Any,
) -> None:
    """One legend for a whole figure, beside its panels, or for the only panel, above or below it.

    entries : artists with labels, or the axes in which they are; those with the same label are one entry. ncols : by
    default all in a row. look : further arguments of `Figure.legend`.
    """
    if isinstance(entries, Axes):
        pairs = list(zip(*entries.get_legend_handles_labels(), strict=True))
    else:
        pairs = [(artist, artist.get_label()) for artist in entries]
    named = {text: artist for artist, text in reversed(pairs)}
    texts = list(dict.fromkeys(text for _, text in pairs))
    if isinstance(place, Axes):
        below = "lower" in str(loc)
        anchor = (0.5, -0.15 if below else 1.0)
        loc, look = "upper center" if below else "lower center", {"bbox_to_anchor": anchor} | look
    place.legend(
        [named[text] for text in texts], texts, title=title, ncols=ncols or max(len(texts), 1), loc=loc, **look
    )


def letters(axes: Iterable[Axes]) -> None:
    """Bold a, b, c at the upper left of the panels, up to z; none where there is one panel alone."""
    panels = [*axes]
    for letter, ax in zip(ascii_lowercase, panels if len(panels) > 1 else (), strict=False):
        ax.set_title(letter, loc="left", fontweight="bold", fontsize=8)


def image_axes(ax: Axes) -> None:
    """Close the frame of an image and take its ticks away."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(True)


def number(value: float, digits: int = 2) -> str:
    """A number with a true minus sign."""
    text = f"{value:.{digits}f}"
    return "0." + "0" * digits if not np.isnan(value) and float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")
