"""Does reading erase? Recall and weights over many reads, with the write gate closed and open."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from neurofwp.plots import style
from neurofwp.plots.select import needs

COLOUR = {"closed": style.BLUE, "open": style.VERMILION}


@style.context()
def reads(curve: xr.Dataset) -> Figure:
    """Recall R^2 and mean weight against the number of reads of every pair, mean and SEM.

    Parameters
    ----------
    curve : ``r2``, ``r2_sem``, ``mean_weight`` and ``mean_weight_sem`` (gate, read), gate = "closed", "open".

    Raises
    ------
    InputError
        if a variable is missing.
    """
    panels = {"r2": "recall R²", "mean_weight": "mean weight"}
    needs(curve, "curve of reads", {name + end: ("gate", "read") for name in panels for end in ("", "_sem")})
    figure = style.figure(5.0, 2.2)
    axes = figure.subplots(1, 2, sharex=True)
    for ax, (name, title) in zip(axes, panels.items(), strict=True):
        for gate in curve["gate"].values:
            line, sem = curve[name].sel(gate=gate).values, curve[f"{name}_sem"].sel(gate=gate).values
            ax.errorbar(
                curve["read"].values,
                line,
                sem,
                label=f"gate {gate}",
                color=COLOUR.get(str(gate), style.BLACK),
                marker="o" if gate == "closed" else "s",
            )
        ax.set_ylim(min(0.0, ax.get_ylim()[0]), None)
        ax.set(xlabel="reads of every pair", ylabel=style.label(title, curve[name]))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    style.letters(axes)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, title="mean ± SEM", title_fontsize=7
    )
    return figure
