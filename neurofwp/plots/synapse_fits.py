"""Fits of synapse models: what was measured against what is predicted."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.schema import require

LOOK = {"published": (style.VERMILION, "o"), "fitted": (style.BLUE, "s")}
TITLES = {"train": "train (fitted)", "test": "test (predicted)"}
COLOURS = (style.BLUE, style.VERMILION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, style.BLACK)
MARKERS = "osD^v<>"
COLUMNS = 3
SHORTEST = 3  # different places on the x axis that make a curve


@style.plot_function
def predictions_against_measurements(points: xr.Dataset) -> Figure:
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
    require(points, "Dataset of points", {**dict.fromkeys(names, ("point",)), "predicted": ("source", "point")})
    figure = style.figure(style.TWO_COLUMNS, 3.7)
    axes = figure.subplots(1, len(TITLES), sharex=True, sharey=True)
    span = _span(points)
    for ax, (which, title) in zip(axes, TITLES.items(), strict=True):
        own = points.isel(point=np.flatnonzero(points["set"] == which))
        ax.axline((1, 1), slope=1, color=style.GREY, linewidth=0.5, zorder=1)
        scores = [f"{source} {style.number(_predictions(ax, own, source))}" for source in LOOK]
        ax.set(
            title=f"{title}, {own.sizes['point']} points\nχ² per point: {', '.join(scores)}",
            xlabel="measured weight after / before (1)",
            xlim=span,
            ylim=span,
            aspect="equal",
        )
    axes[0].set_ylabel("model weight after / before (1)")
    style.letters(axes)
    model = str(points.attrs.get("model", "model"))
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=f"{model}, {source}")
        for source, (colour, marker) in LOOK.items()
    ]
    handles[0].set_markerfacecolor("white")
    style.legend(figure, handles, ncols=2)
    return figure


def _span(points: xr.Dataset) -> tuple[float, float]:
    """The limits of both axes: of all points with their bars, and of no change."""
    edges = [points["measured"] - points["sem"], points["measured"] + points["sem"]]
    edges += [points["fitted_low"], points["fitted_high"], points["predicted"].sel(source=list(LOOK))]
    every = np.concatenate([[1.0], *(np.ravel(edge) for edge in edges)])
    margin = 0.05 * np.ptp(every)
    return every.min() - margin, every.max() + margin


def _predictions(ax: Axes, points: xr.Dataset, source: str) -> float:
    """Draw what one set of parameters predicts; its chi^2 per point."""
    colour, marker = LOOK[source]
    predicted = points["predicted"].sel(source=source).values
    # percentiles of other fits need not lie on both sides of the best one
    whiskers = np.stack([predicted - points["fitted_low"], points["fitted_high"] - predicted]).clip(0)
    ax.errorbar(
        points["measured"],
        predicted,
        xerr=points["sem"],
        yerr=whiskers if source == "fitted" else None,
        fmt=marker,
        color=colour,
        markerfacecolor=colour if source == "fitted" else "white",
        elinewidth=0.6,
        zorder=3 if source == "fitted" else 2,
    )
    return float((((predicted - points["measured"]) / points["sem"]) ** 2).mean())


def has_curves(points: xr.Dataset, x: str) -> bool:
    """Whether `fitted_curves` has anything to draw: a series of three or more different `x`."""
    return bool(_series(points, x))


@style.plot_function
def fitted_curves(points: xr.Dataset, x: str, by: str) -> Figure:
    """Weight after over before against one coordinate: a panel for each study, a colour for each value of `by`.

    Means with SEM are filled where they were fitted and open where they were predicted. Lines are the model: solid the
    fit, with a band of what fits to means with new noise predict, dashed the published parameters.

    Parameters
    ----------
    points : as of `predictions_against_measurements`; also ``study``, ``pathway`` and coordinates of protocols, which
        have a ``long_name``: `x`, and those in which points of one curve agree.

    Raises
    ------
    InputError
        if a variable is missing, or there is no series of three or more different `x`.
    """
    names = ("set", "study", "pathway", "measured", "sem", "fitted_low", "fitted_high")
    require(points, "Dataset of points", {**dict.fromkeys(names, ("point",)), "predicted": ("source", "point")})
    series = _series(points, x)
    if not series:
        raise InputError(f"no series of three or more points differs in {x!r} alone: there is no curve to draw")
    panels: dict[str, list[xr.Dataset]] = {}
    for own in series:
        title = "\n".join(filter(None, (own["study"].values[0], own["pathway"].values[0])))
        panels.setdefault(title, []).append(own)
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = style.figure(style.TWO_COLUMNS if columns > 1 else 4.2, 0.5 + 2.4 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    style.letters(axes[: len(panels)])
    for ax, (title, curves) in zip(axes, panels.items(), strict=False):
        ax.axhline(1, color=style.GREY, linewidth=0.5, zorder=1)
        for index, own in enumerate(curves):
            _curve(ax, own.sortby(x), x, COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)], by)
        ax.set(title=title, xlabel=style.label(points[x].attrs.get("long_name", x), points[x]))
        if len(curves) > 1 and by in points.variables:
            ax.legend(title=points[by].attrs.get("long_name", by), title_fontsize=6, fontsize=6)
    for ax in axes[len(panels) :]:
        ax.remove()
    for ax in axes[: len(panels) : columns]:
        ax.set_ylabel("weight after / before (1)")
    drawn = {which for own in series for which in own["set"].values.tolist()}
    title = str(points.attrs.get("model", "model"))
    style.legend(figure, _key(drawn), title=title, ncols=2 if columns == 1 else 4)
    return figure


def _series(points: xr.Dataset, x: str) -> list[xr.Dataset]:
    """Points that differ in `x` alone, where they lie at `SHORTEST` places or more."""
    if x not in points.variables:
        return []
    coordinates = [name for name in points.data_vars if "long_name" in points[name].attrs]
    others = ["study", "pathway", *(name for name in coordinates if name != x)]
    table = points[[*others, x]].to_dataframe().reset_index(drop=True)
    table = table[table[x].notna()]
    groups = table.groupby(others, dropna=False, sort=False).indices.values()
    each = [table.index.to_numpy()[rows] for rows in groups if table[x].iloc[rows].nunique() >= SHORTEST]
    return [points.isel(point=np.sort(rows)) for rows in each]


def _curve(ax: Axes, own: xr.Dataset, x: str, colour: str, marker: str, by: str) -> None:
    at = own[x].values
    label = style.group(own[by]) if by in own.variables else None
    ax.fill_between(at, own["fitted_low"], own["fitted_high"], color=colour, alpha=0.2, linewidth=0)
    ax.plot(at, own["predicted"].sel(source="fitted"), color=colour, zorder=2)
    ax.plot(at, own["predicted"].sel(source="published"), color=colour, linestyle=(0, (4, 2)), linewidth=0.8, zorder=2)
    for which in TITLES:
        drawn = own.isel(point=np.flatnonzero(own["set"] == which))
        ax.errorbar(
            drawn[x],
            drawn["measured"],
            drawn["sem"],
            fmt=marker,
            color=colour,
            markerfacecolor=colour if which == "train" else "white",
            elinewidth=0.8,
            zorder=3,
        )
    ax.plot([], [], color=colour, marker=marker, label=label)


def _key(sets: Collection[str]) -> list[Line2D]:
    """Which lines and which points are what."""
    grey = style.GREY
    lines = [
        Line2D([], [], color=grey, label="fitted"),
        Line2D([], [], color=grey, linestyle=(0, (4, 2)), linewidth=0.8, label="published"),
    ]
    return lines + [
        Line2D(
            [],
            [],
            color=grey,
            marker="o",
            linestyle="",
            markerfacecolor=grey if which == "train" else "white",
            label=f"{which}, mean ± SEM",
        )
        for which in TITLES
        if which in sets
    ]
