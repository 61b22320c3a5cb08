"""Associative retrieval: at how many pairs reads break."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.plots import style
from neurofwp.schema import require

COLOUR = {
    "identity": style.BLACK,
    "elu+1": style.ORANGE,
    "dpfp-1": style.BLUE,
    "dpfp-2": style.GREEN,
}
LINE = {"delta": "--"}
TITLES = {1: "setting 1: every key once", 2: "setting 2: keys repeat, the last value counts"}


@style.plot_function
def retrieval(cells: xr.Dataset) -> Figure:
    """Loss of every network against the number of pairs, with published losses and closed forms, one panel per setting.

    Parameters
    ----------
    cells : ``loss``, ``published`` and ``bound`` (the least loss possible, where known), all (cell), with coordinates
        ``setting``, ``feature_map``, ``rule`` and ``pairs`` (cell); attribute ``target``: the loss at which training
        stopped.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    names = ("loss", "published", "bound", "setting", "feature_map", "rule", "pairs")
    require(cells, "Dataset of networks", dict.fromkeys(names, ("cell",)))
    settings = np.unique(cells["setting"].values)
    figure = style.figure(style.TWO_COLUMNS if len(settings) > 1 else style.ONE_COLUMN, 3.0)
    axes = figure.subplots(1, len(settings), sharey=True, squeeze=False)[0]
    handles: dict[str, Line2D] = {}
    for ax, setting in zip(axes, settings, strict=True):
        ax.axhline(cells.attrs["target"], color=style.GREY, linewidth=0.5, zorder=0)
        here = cells.isel(cell=cells["setting"].values == setting)
        for (feature_map, rule), curve in _curves(here).items():
            pairs = curve["pairs"].values
            look = {
                "color": COLOUR.get(feature_map, style.PURPLE),
                "marker": style.rule(rule)["marker"],
                "clip_on": False,
            }
            label = f"{feature_map}, {rule}"
            (handles[label],) = ax.plot(pairs, curve["loss"].values, linestyle=LINE.get(rule, "-"), label=label, **look)
            ax.plot(pairs, curve["published"].values, linestyle="none", markersize=5.5, markerfacecolor="none", **look)
            bound = np.where(curve["bound"].values > 0, curve["bound"].values, np.nan)
            ax.plot(pairs, bound, color=look["color"], linestyle="none", marker="_", markersize=9, zorder=1)
        ax.set(title=TITLES.get(int(setting), f"setting {setting}"), xlabel="keys and values S", yscale="log")
        ax.set_xticks(np.unique(here["pairs"].values))
    axes[0].set_ylabel(style.label("half squared error of a read", cells["loss"]))
    if len(settings) > 1:
        style.letters(axes)
    style.legend(
        figure,
        list(handles.values()),
        ncols=4 if len(settings) > 1 else 2,
        title=(", " if len(settings) > 1 else "\n").join(
            ("filled: one network each, open: published", "bar: least possible, grey: where training stops")
        ),
    )
    return figure


def _curves(cells: xr.Dataset) -> dict[tuple[str, str], xr.Dataset]:
    """The networks of each feature map and rule, by rising number of pairs."""
    found: dict[tuple[str, str], list[int]] = {}
    for index in np.argsort(cells["pairs"].values, kind="stable").tolist():
        at = cells.isel(cell=index)
        found.setdefault((str(at["feature_map"].item()), str(at["rule"].item())), []).append(index)
    return {name: cells.isel(cell=indices) for name, indices in found.items()}
