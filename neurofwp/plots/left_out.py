"""How well studies that were left out are predicted, beside synapses that never change."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from neurofwp.plots import style
from neurofwp.schema import require

LOOKS = ((style.VERMILION, "o"), (style.SKY, "D"), (style.BLUE, "s"))


@style.plot_function
def left_out(ratio: xr.DataArray, *, ax: Axes | None = None) -> Figure:
    """A row for each model: its chi^2 per point over that of no change, small for each study, large the median.

    Parameters
    ----------
    ratio : (model, fit, study), up to three fits; NaN where there is none.
    ax : axes to draw into, by default those of a figure of its own.

    Raises
    ------
    InputError
        if a dim is missing.
    """
    require(ratio.to_dataset(name="ratio"), "chi^2", {"ratio": ("model", "fit", "study")})
    models, fits = ratio["model"].values.tolist(), ratio["fit"].values.tolist()
    figure, ax, place = style.panel(ax, style.TWO_COLUMNS, 0.9 + 0.42 * len(models))
    for row, model in enumerate(models):
        for index, (fit, (colour, marker)) in enumerate(zip(fits, LOOKS, strict=False)):
            own = ratio.sel(model=model, fit=fit).values
            at = row + 0.22 * (index - (len(fits) - 1) / 2)
            if np.isfinite(own).all():
                ax.plot(own, np.full(len(own), at), marker, color=colour, markersize=2.5, alpha=0.6)
                ax.plot(np.median(own), at, marker, color=colour, markersize=6)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.axvline(1, color=style.GREY, linewidth=0.8)
    ax.set(
        yticks=range(len(models)),
        yticklabels=models,
        ylim=(len(models) - 0.5, -0.5),
        xlabel="χ² per point of studies left out, over that of no change (1)",
    )
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=f"{fit} (large: median)" if not index else fit)
        for index, (fit, (colour, marker)) in enumerate(zip(fits, LOOKS, strict=False))
    ]
    style.legend(place, handles, ncols=len(handles))
    return figure
