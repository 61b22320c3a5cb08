"""What a spiking network costs to simulate, against its size."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.plots import style
from neurofwp.schema import require

LOOK = {
    "plain_at_0.1ms": ("Brian2's plain style, 0.1 ms", style.VERMILION, "s"),
    "plain_at_0.5ms": ("the same at 0.5 ms", style.ORANGE, "D"),
    "ours": ("neurofwp, 0.1 ms", style.BLUE, "o"),
    "fused": ("a loop by hand, 0.1 ms", style.BLACK, "^"),
    "every": ("the same, every synapse", style.GREY, "v"),
}


@style.plot_function
def cost_by_synapses(cost: xr.Dataset, *, ax: Axes | None = None) -> Figure:
    """Seconds of one simulated second against the number of synapses; networks of many replicas as open symbols.

    Parameters
    ----------
    cost : ``seconds`` (size, contender), NaN where it was not measured, and ``synapses`` (size); sizes of replicas
        have names like "64 of 64 x 32".
    ax : axes to draw into, by default those of a figure of its own.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(cost, "cost Dataset", {"seconds": ("size", "contender")})
    figure, ax, place = style.panel(ax, style.ONE_COLUMN + 0.6, 2.8)
    replicas = cost["size"].str.contains(" of ").values
    for name in map(str, cost["contender"].values):
        label, color, marker = LOOK[name]
        seconds = cost["seconds"].sel(contender=name)
        one = seconds[~replicas].dropna("size").sortby("synapses")
        ax.plot(one["synapses"], one, color=color, marker=marker, label=label)
        many = seconds[replicas].dropna("size")
        ax.plot(many["synapses"], many, color=color, marker=marker, markerfacecolor="white", linestyle="none")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(style.label("synapses", cost["synapses"]))
    ax.set_ylabel("processor time per simulated time (s/s)")
    style.legend(place, ax, ncols=2, title="medians; open: 64 replicas of 64 × 32 in one network")
    return figure
