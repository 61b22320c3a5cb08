"""A search for the parameters with which a network runs a rule."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neurofwp.plots import style
from neurofwp.schema import require

MARKS = {"start": ("s", style.BLUE), "chosen": ("D", style.VERMILION)}
JUDGED = ("feve", "low", "high", "recall", "recall_sem")
LOWEST = -0.25  # candidates below are drawn here


def front(share: NDArray[np.float64], recall: NDArray[np.float64]) -> NDArray[np.intp]:
    """Candidates that no other one beats in one without being worse in the other, by rising share."""
    order: NDArray[np.intp] = np.lexsort((-recall, -share))
    best = np.concatenate([[-np.inf], np.maximum.accumulate(recall[order])[:-1]])
    return order[recall[order] > best][::-1]


@style.plot_function
def calibration(every: xr.Dataset, parameters: xr.Dataset, judged: xr.Dataset) -> Figure:
    """Left all candidates with their Pareto front, and start and chosen as judged; right what the search moved.

    Parameters
    ----------
    every : ``share``, ``recall``, ``generation`` and ``final`` (candidate,), attrs["rule"].
    parameters : ``start``, ``found``, ``low`` and ``high`` (parameter,), and their ``unit``.
    judged : over ``model``, "start" and "chosen": ``feve``, with the ends ``low`` and ``high`` of its
        interval, ``recall`` and ``recall_sem``.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(every, "search", dict.fromkeys(("share", "recall", "generation", "final"), ("candidate",)))
    require(parameters, "table of parameters", dict.fromkeys(("start", "found", "low", "high", "unit"), ("parameter",)))
    require(judged, "table of judged models", dict.fromkeys(JUDGED, ("model",)))
    figure = style.figure(style.TWO_COLUMNS, 3.3)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    searched = every.isel(candidate=~every["final"].values)
    share, recall = (searched[name].values.clip(LOWEST, None) for name in ("share", "recall"))
    dots = left.scatter(share, recall, s=7, c=searched["generation"].values, cmap=style.SEQUENTIAL, label="candidates")
    figure.colorbar(dots, ax=left, label="generation (1)", shrink=0.8)
    at = front(share, recall)
    left.step(share[at], recall[at], where="pre", color=style.BLACK, linewidth=0.8, label="front")
    for model, (marker, colour) in MARKS.items():
        x, low, high, y, sem = (float(judged[name].sel(model=model)) for name in JUDGED)
        left.errorbar(
            max(x, LOWEST),
            max(y, LOWEST),
            xerr=[[max(x - low, 0)], [max(high - x, 0)]],
            yerr=sem,
            fmt=marker,
            color=colour,
            markersize=5,
            markeredgecolor="white",
            label=f"{model}, judged",
            zorder=5,
        )
    rule = str(every.attrs.get("rule", "")).replace("_", " ")
    left.set_xlabel(style.label(f"FEVE of {rule}", every["share"]))
    left.set_ylabel(style.label("recall R² of reassigned keys", every["recall"]))
    _moves(right, parameters)
    style.legend(figure, left, loc="outside upper left")
    style.letters((left, right))
    return figure


def _moves(ax: Axes, parameters: xr.Dataset) -> None:
    """From start to found, as shares of the logarithm of the bounds, with the bounds as numbers."""
    low, high = parameters["low"].values, parameters["high"].values
    place = {
        name: np.log(np.clip(parameters[name].values, low, high) / low) / np.log(high / low)
        for name in ("start", "found")
    }
    y = np.arange(len(low))
    ax.hlines(y, 0, 1, color="#DDDDDD", linewidth=3, zorder=1)
    ax.hlines(y, place["start"], place["found"], color=style.BLACK, linewidth=0.8, zorder=2)
    for name, (marker, colour) in zip(("start", "found"), MARKS.values(), strict=True):
        ax.plot(place[name], y, marker, color=colour, markersize=4, markeredgecolor="white", zorder=3, clip_on=False)
    for row, (below, above) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        ax.text(-0.03, row, f"{below:g}", ha="right", va="center", fontsize=6)
        ax.text(1.03, row, f"{above:g}", ha="left", va="center", fontsize=6)
    units = (f" ({unit})" if unit != "1" else "" for unit in parameters["unit"].values.tolist())
    names = [f"{name}{unit}" for name, unit in zip(parameters["parameter"].values.tolist(), units, strict=True)]
    ax.set_yticks(y, names)
    ax.tick_params(axis="y", length=0, pad=18)
    ax.set(xlim=(-0.02, 1.02), xticks=[], ylim=(len(low) - 0.5, -0.5), xlabel="between the bounds, in the logarithm")
    ax.spines[:].set_visible(False)
