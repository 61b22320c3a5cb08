"""Place fields moved by plateaus: the published map, and what rules predict of the bins that they did not see."""

from __future__ import annotations

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.plots import style
from neurofwp.schema import require

MARKERS = "osD"
LINES = ("-", "--", ":")  # of the best rules
LOWEST = -0.5  # a model that predicts worse than this ends here in an arrow


@style.plot_function
def place_fields(published: xr.Dataset, fits: xr.Dataset) -> Figure:
    """Left: change of the ramp by delay and initial ramp, as measured (points) and as the best rules predict each bin
    from the others (lines). Right: held-out R^2 of every model; rules that are not worse than the best are bold.

    Parameters
    ----------
    published : ``change`` (delay, ramp), mV, and ``predicted`` (model, delay, ramp), with the names of models.
    fits : ``r2`` and ``best`` (model), of `neurofwp.identification.leave_one_out`.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(published, "map", {"change": ("delay", "ramp"), "predicted": ("model", "delay", "ramp")})
    require(fits, "fits", {"r2": ("model",), "best": ("model",)})
    fits = fits.isel(model=np.argsort(-fits["r2"].values, kind="stable"))
    height = 0.9 + 0.135 * fits.sizes["model"]
    figure = style.figure(style.TWO_COLUMNS, height)
    curves, bars = figure.subplots(1, 2, width_ratios=(1.25, 1))
    named = [str(model) for model in fits["model"].values[fits["best"].values]][: len(LINES)]
    _curves(curves, published, named or [str(fits["model"].values[0])])
    _bars(bars, fits)
    style.letters((curves, bars))
    return figure


def _curves(ax: Axes, published: xr.Dataset, rules: list[str]) -> None:
    ax.axhline(0, color=style.GREY, linewidth=0.5, zorder=1)
    ax.axvline(0, color=style.GREY, linewidth=0.5, zorder=1)
    colours = matplotlib.colormaps[style.SEQUENTIAL](np.linspace(0, 0.8, published.sizes["ramp"]))
    for ramp, colour, marker in zip(published["ramp"].values, colours, MARKERS, strict=True):
        own = published.sel(ramp=ramp)
        label = f"{str(ramp).replace('-', chr(0x2013))} mV before"
        ax.plot(own["delay"], own["change"], marker, color=colour, markersize=4, label=label, zorder=3)
        for rule, line in zip(rules, LINES, strict=False):
            ax.plot(own["delay"], own["predicted"].sel(model=rule), line, color=colour, linewidth=0.9, zorder=2)
    for rule, line in zip(rules, LINES, strict=False):
        ax.plot([], [], line, color=style.BLACK, linewidth=0.9, label=f"{_word(rule)}, of bins left out")
    ax.set(xlabel="place after plateau (s)", ylabel="change of ramp (mV)")
    ax.legend(fontsize=6, loc="upper left", ncols=2)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.15 * (high - low))  # room for the legend


def _bars(ax: Axes, fits: xr.Dataset) -> None:
    share, best = fits["r2"].values, fits["best"].values
    y = np.arange(len(share))
    shown = np.maximum(share, LOWEST)
    names = [str(model) for model in fits["model"].values]
    colours = [style.GREY if name.startswith("null: ") else style.rule(name)["color"] for name in names]
    ax.barh(y, shown, height=0.7, color=colours, zorder=2)
    cut = share < LOWEST
    for at in y[cut]:  # an empty line that is not clipped would lie at the figure's corner
        ax.plot(LOWEST, at, "<", color=style.BLACK, markersize=3, clip_on=False, zorder=3)
    for at, number in zip(y.tolist(), share.tolist(), strict=True):
        where = max(number, 0.0) + 0.02
        ax.text(where, at, style.number(number), va="center", fontsize=6, fontweight=_weight(best[at]))
    ax.axvline(0, color=style.BLACK, linewidth=0.5, zorder=1)
    ax.set_yticks(y, [_word(name) for name in names])
    for tick, winner in zip(ax.get_yticklabels(), best, strict=True):
        tick.set_fontweight(_weight(winner))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(share) - 0.4, -0.6)
    ax.set_xlim(min(0.0, float(shown.min())) - 0.02, 1.15)
    ax.set_xlabel("R² of bins left out")


def _weight(winner: bool) -> str:
    return "bold" if winner else "normal"


def _word(name: str) -> str:
    return name.replace("_", " ")
