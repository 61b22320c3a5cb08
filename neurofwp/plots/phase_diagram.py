"""The map of rules over two parameters of a synapse."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from neurofwp.plots import style
from neurofwp.schema import require

PALE = 0.4  # opacity of a point whose verdict names no rule
LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look


@style.plot_function
def phase_diagram(table: xr.Dataset, winners: xr.DataArray) -> Figure:
    """Left the rule that predicts best at every point, pale where it is undecided, with its FEVE; right recall.

    Parameters
    ----------
    table : ``feve`` (gain, turnover, rule), ``verdict`` and ``recall`` (gain, turnover), with units and
        long names of the coordinates; attrs["duration"], how long an episode lasts (s).
    winners : (gain, turnover), rules.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    both = ("gain", "turnover")
    require(table, "map", {"feve": (*both, "rule"), "verdict": both, "recall": both})
    names = winners.transpose(*both)
    at = xr.DataArray(names.values, dims=both)
    numbered = table["feve"].assign_coords(gain=range(len(names)), turnover=range(names.shape[1]))
    decided = table["verdict"].transpose(*both).isin(["rule", "class"]).values
    figure = style.figure(style.TWO_COLUMNS, 3.6)
    left, right = figure.subplots(1, 2)
    _rules(left, names.values, decided, numbered.sel(rule=at).values)
    found = map(style.rule, style.sort_rules(set(names.values.ravel().tolist())))
    patches = [Patch(color=look["color"], label=look["label"]) for look in found]
    style.legend(
        figure,
        patches,
        ncols=5,
        title="rule that predicts held-out increments best (pale: the verdict names none; numbers: FEVE)",
    )
    recall = table["recall"].transpose(*both).values
    image = right.imshow(recall, origin="lower", aspect="auto", cmap=style.SEQUENTIAL, vmin=0, vmax=1)
    figure.colorbar(image, ax=right, label="recall R² (1)", shrink=0.8, extend="min" if recall.min() < 0 else "neither")
    for ax in (left, right):
        _axes(ax, table)
    if "duration" in table.attrs:
        left.set_title(f"an episode lasts {table.attrs['duration']:.3g} s")
    style.letters((left, right))
    return figure


def _rules(ax: Axes, names: np.ndarray, decided: np.ndarray, share: np.ndarray) -> None:
    """The colour of the rule of every point, pale unless it is decided, and its FEVE; all (gain, turnover)."""
    colours = np.array([[to_rgb(style.rule(str(rule))["color"]) for rule in row] for row in names])
    opacity = np.where(decided, 1.0, PALE)[..., None]
    shown = colours * opacity + 1 - opacity
    ax.imshow(shown, origin="lower", aspect="auto")
    for row, column in np.ndindex(names.shape):
        colour = "white" if shown[row, column] @ LUMA < 0.4 else style.BLACK
        number = style.number(float(share[row, column]))
        ax.text(column, row, number, ha="center", va="center", fontsize=5, color=colour)


def _axes(ax: Axes, table: xr.Dataset) -> None:
    for axis, name in ((ax.xaxis, "turnover"), (ax.yaxis, "gain")):
        values = table[name].values.tolist()
        axis.set_ticks(range(len(values)), [f"{value:g}" for value in values])
        axis.set_label_text(style.label(str(table[name].attrs.get("long_name", name)), table[name]))
