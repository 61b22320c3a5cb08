"""Fits of synapse models: what was measured against what is predicted."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.plots import style
from neurofwp.plots.select import needs

LOOK = {"published": (style.VERMILION, "o"), "fitted": (style.BLUE, "s")}
TITLES = {"train": "train (fitted)", "test": "test (predicted)"}


@style.context()
def measured_against_predicted(points: xr.Dataset) -> Figure:
    """One panel for the points of the fit and one for the others; published and fitted parameters in each.

    Horizontal bars are SEMs of measurements, vertical ones what fits to means with new noise predict.

    Parameters
    ----------
    points : ``predicted`` (source, point) with the sources "published" and "fitted", and over ``point`` ``set``
        ("train" or "test"), ``measured``, ``sem``, ``fitted_low`` and ``fitted_high``.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    names = ("set", "measured", "sem", "fitted_low", "fitted_high")
    needs(points, "Dataset of points", {**dict.fromkeys(names, ("point",)), "predicted": ("source", "point")})
    figure = style.figure(style.TWO_COLUMNS, 3.7)
    axes = figure.subplots(1, len(TITLES), sharex=True, sharey=True)
    edges = [points["measured"] - points["sem"], points["measured"] + points["sem"]]
    edges += [points["fitted_low"], points["fitted_high"], points["predicted"].sel(source=list(LOOK))]
    every = np.concatenate([[1.0], *(np.ravel(edge) for edge in edges)])
    margin = 0.05 * np.ptp(every)
    span = (every.min() - margin, every.max() + margin)
    for ax, (which, title) in zip(axes, TITLES.items(), strict=True):
        own = points.isel(point=np.flatnonzero(points["set"] == which))
        ax.axline((1, 1), slope=1, color=style.GREY, linewidth=0.5, zorder=1)
        scores = []
        for source, (colour, marker) in LOOK.items():
            predicted = own["predicted"].sel(source=source).values
            # percentiles of other fits need not lie on both sides of the best one
            whiskers = np.stack([predicted - own["fitted_low"], own["fitted_high"] - predicted]).clip(0)
            ax.errorbar(
                own["measured"],
                predicted,
                xerr=own["sem"],
                yerr=whiskers if source == "fitted" else None,
                fmt=marker,
                color=colour,
                markerfacecolor=colour if source == "fitted" else "white",
                elinewidth=0.6,
                zorder=3 if source == "fitted" else 2,
            )
            chi2 = float((((predicted - own["measured"]) / own["sem"]) ** 2).mean())
            scores.append(f"{source} {style.number(chi2)}")
        ax.set(
            title=f"{title}, {own.sizes['point']} points\nχ² per point: {', '.join(scores)}",
            xlabel="measured weight after / before (1)",
            xlim=span,
            ylim=span,
            aspect="equal",
        )
    axes[0].set_ylabel("model weight after / before (1)")
    model = str(points.attrs.get("model", "model"))
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=f"{model}, {source}")
        for source, (colour, marker) in LOOK.items()
    ]
    handles[0].set_markerfacecolor("white")
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure
