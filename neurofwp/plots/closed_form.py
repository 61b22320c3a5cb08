"""Simulated two-threshold synapses beside their closed form."""

from __future__ import annotations

import math

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.plots import style
from neurofwp.plots.select import needs

COLUMNS = 3
LOOK = {0: ("simulated without the bistable term", style.VERMILION, "o"), 1: ("with it", style.BLUE, "s")}


@style.context()
def closed_form(data: xr.Dataset) -> Figure:
    """One panel per set: the closed form as a line, simulations as points with two standard errors.

    Parameters
    ----------
    data : ``closed_form`` (set, dt), ``ratio`` and ``sem`` (set, bistable, dt).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    simulated = ("set", "bistable", "dt")
    needs(data, "Dataset of changes", {"closed_form": ("set", "dt"), "ratio": simulated, "sem": simulated})
    sets = data["set"].values.tolist()
    rows = math.ceil(len(sets) / COLUMNS)
    figure = style.figure(style.TWO_COLUMNS, 0.5 + 1.7 * rows)
    axes = figure.subplots(rows, COLUMNS, sharex=True, squeeze=False).ravel()
    for ax, name in zip(axes, sets, strict=False):
        own = data.sel(set=name)
        ax.axhline(1, color=style.GREY, linewidth=0.5)
        ax.plot(own["dt"], own["closed_form"], color=style.BLACK)
        for bistable, (_, colour, marker) in LOOK.items():
            each = own.sel(bistable=bistable)
            shift = 1.5 * (bistable - 0.5)  # beside each other
            ax.errorbar(
                each["dt"] + shift, each["ratio"], 2 * each["sem"], fmt=marker, color=colour, elinewidth=0.6,
                markersize=2.5, capsize=0,
            )  # fmt: skip
        ax.set_title(str(name).replace("-", " "))
        ax.tick_params(labelbottom=True)
    for ax in axes[len(sets) :]:
        ax.remove()
    for ax in axes[max(0, len(sets) - COLUMNS) : len(sets)]:
        ax.set_xlabel(style.label(str(data["dt"].attrs.get("long_name", "dt")), data["dt"]))
    for ax in axes[: len(sets) : COLUMNS]:
        ax.set_ylabel("weight after / before (1)")
    handles = [Line2D([], [], color=style.BLACK, label="closed form")]
    handles += [
        Line2D([], [], color=c, marker=m, linestyle="", label=f"{label}, ±2 SE") for label, c, m in LOOK.values()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    return figure
