"""What verdicts are worth where little is seen of synapses."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.plots import style
from neurofwp.schema import require

OUTCOMES = {
    "right": (style.BLUE, "o", "-"),
    "wrong": (style.VERMILION, "s", "--"),
    "undecided": (style.GREY, "^", ":"),
}
KINDS = {
    "synapses": "synapses seen, at random (%)",
    "cells": "postsynaptic cells seen (%)",
    "error": "error of measurement\n(rms of weights)",
    "reads": "what is seen",
}


@style.plot_function
def partial_observation(shares: xr.Dataset) -> Figure:
    """Shares of right, wrong and undecided verdicts against what is seen (columns), and when (rows).

    Parameters
    ----------
    shares : ``right``, ``wrong`` and ``undecided`` (time, view), with the coordinates ``kind`` and ``level`` of views;
        all synapses without an error are of kind "all".

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(shares, "shares of verdicts", dict.fromkeys(OUTCOMES, ("time", "view")) | {"kind": ("view",)})
    kinds = [kind for kind in KINDS if (shares["kind"] == kind).any()]
    times = [str(time) for time in shares["time"].values]
    figure = style.figure(style.TWO_COLUMNS, 0.6 + 1.6 * len(times))
    axes = figure.subplots(len(times), max(1, len(kinds)), sharex="col", sharey=True, squeeze=False)
    style.letters(axes.ravel())
    for row, time in zip(axes, times, strict=True):
        for ax, kind in zip(row, kinds, strict=False):
            chosen = np.flatnonzero(np.isin(shares["kind"].values, [kind, "all"]))
            own = shares.isel(view=chosen).sel(time=time)
            level = own["level"].values.astype(float)
            level = np.where(own["kind"].values == "all", 0.0, level) if kind == "error" else 100 * level
            order = np.argsort(own["kind"].values if kind == "reads" else level)
            level = np.arange(len(level))[order.argsort()] if kind == "reads" else level
            for name, (color, marker, line) in OUTCOMES.items():
                ax.plot(level[order], own[name].values[order], line, color=color, marker=marker, label=name)
            if kind == "reads":
                ax.set_xticks([0, 1], ["weights", "answers"])
                ax.set_xlim(-0.5, 1.5)
            elif kind != "error":
                ax.set_xscale("log")
                ax.set_xticks(level[order], [f"{each:g}" for each in level[order]])
                ax.minorticks_off()
            ax.set_ylim(-0.05, 1.05)
        row[0].set_ylabel(f"{time}\nshare of verdicts (1)")
    for ax, kind in zip(axes[-1], kinds, strict=False):
        ax.set_xlabel(KINDS[kind])
    axes[0, 0].legend(loc="center left")
    return figure
