"""How many pairs a fast weight matrix holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

# where the two coincide, the dot lies inside the open square
MARKER: dict[str, dict[str, Any]] = {
    "spiking": {"marker": "o", "zorder": 4},
    "rate": {"marker": "s", "markersize": 5, "markerfacecolor": "white", "zorder": 3},
}


@style.plot_function
def capacity(curve: xr.Dataset) -> Figure:
    """Recall R^2 and share of values identified against the number of pairs stored, mean and SEM over episodes.

    Parameters
    ----------
    curve : ``r2`` and ``identified`` (network, pairs, episode) and ``chance`` (pairs, episode), the R^2 that a
        recall unrelated to its key would reach. The share identified by chance is 1/pairs.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    dims = ("network", "pairs", "episode")
    require(curve, "capacity Dataset", {"r2": dims, "identified": dims, "chance": ("pairs", "episode")})
    pairs = curve["pairs"].values

    figure = style.figure(5.0, 2.3)
    axes = figure.subplots(1, 2, sharex=True)
    for ax, name in zip(axes, ("r2", "identified"), strict=True):
        for network in curve["network"].values:
            mean, sem, n = average(curve[name].sel(network=network), "episode")
            ax.errorbar(
                pairs,
                mean.values,
                sem.values,
                label=str(network),
                color=style.NETWORK.get(str(network), style.BLACK),
                **MARKER.get(str(network), {}),
                clip_on=False,
            )
        ax.axhline(1, color=style.GREY, linewidth=0.4, zorder=1)
        _log2(ax, pairs)
        ax.set_xlabel("pairs stored")
    chance = average(curve["chance"], "episode").mean.values
    for ax, level in zip(axes, (chance, 1 / pairs), strict=True):
        ax.plot(pairs, level, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8, label="chance")
        ax.set_ylim(min(0.0, 1.1 * float(level.min())), 1.02)
    axes[0].set_ylabel(style.label("recall R²", curve["r2"]))
    axes[1].set_ylabel(style.label("right value identified", curve["identified"]))
    style.letters(axes)
    entries, _ = axes[0].get_legend_handles_labels()
    chance_last = sorted(entries, key=lambda entry: entry.get_label() == "chance")
    style.legend(figure, chance_last, title=f"mean ± SEM, n = {n} episodes")
    figure.caption = (
        f"n = {n} episodes. Chance in a: an answer with the mean of all values stored; in b: one of as many values as "
        "there are pairs."
    )
    return figure


def _log2(ax: Axes, pairs: np.ndarray) -> None:
    """A logarithmic axis that names the numbers of pairs that were tried, without crowding."""
    ax.set_xscale("log", base=2)
    ax.xaxis.set_minor_locator(NullLocator())
    named: list[int] = []
    for count in pairs[::-1]:
        if not named or named[-1] / count >= 1.5:
            named.append(int(count))
    ax.xaxis.set_major_locator(FixedLocator(named[::-1]))
    ax.xaxis.set_major_formatter("{x:g}")
