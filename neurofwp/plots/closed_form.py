"""Pairs of spikes on two-threshold synapses: simulations beside the closed form."""

from __future__ import annotations

import math

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from neurofwp.plots import style
from neurofwp.schema import require

COLUMNS = 3
SHOWN = {
    "off": ("without bistable term, ± SEM", style.BLUE, "o", -0.7),
    "on": ("with bistable term, ± SEM", style.VERMILION, "D", 0.7),
}


@style.plot_function
def closed_form(data: xr.Dataset) -> Figure:
    """Weight after over before against the interval between spikes: a panel per set of parameters.

    The closed form is a line; simulations are points with their standard error, side by side at the same interval.

    Parameters
    ----------
    data : ``off``, ``on`` and ``sem`` (set, dt), and ``curve`` (set, at); ``dt`` and ``at`` in ms.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(data, "Dataset of pairs", {"curve": ("set", "at"), **dict.fromkeys(("off", "on", "sem"), ("set", "dt"))})
    names = [str(name) for name in data["set"].values]
    rows, columns = math.ceil(len(names) / COLUMNS), min(COLUMNS, len(names))
    figure = style.figure(max(style.ONE_COLUMN, 0.2 + 2.3 * columns), 0.5 + 1.55 * rows)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    style.letters(axes[: len(names)])
    for ax, name in zip(axes, names, strict=False):
        own = data.sel(set=name)
        ax.axhline(1, color=style.GREY, linewidth=0.5, zorder=1)
        ax.plot(own["at"], own["curve"], color=style.BLACK, linewidth=0.9, label="closed form", zorder=2)
        for variable, (label, colour, marker, aside) in SHOWN.items():
            ax.errorbar(
                own["dt"] + aside,
                own[variable],
                own["sem"],
                fmt=marker,
                color=colour,
                markersize=2.2,
                elinewidth=0.7,
                capsize=0,
                label=label,
                zorder=3,
            )
        ax.set_title(name)
        ax.yaxis.set_major_locator(MaxNLocator(5))
    for ax in axes[len(names) :]:
        ax.remove()
    for index, ax in enumerate(axes[: len(names)]):
        if index % columns == 0:
            ax.set_ylabel("weight after / before (1)")
        if index + columns >= len(names):
            ax.set_xlabel(style.label("t_post − t_pre", data["dt"]))
            ax.tick_params(labelbottom=True)
    style.legend(figure, axes[0], ncols=columns)
    return figure
