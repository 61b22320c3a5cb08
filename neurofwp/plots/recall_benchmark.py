"""Recall: accuracy against the size of the memory."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

TITLES = {"plain": "every key written once", "reassignment": "some keys reassigned"}


@style.plot_function
def recall_benchmark(cells: xr.Dataset) -> Figure:
    """Accuracy against state size, mean and standard error over networks; one panel per variant of the task.

    Dashed: the share of right answers of a network that knows only which values came.

    Parameters
    ----------
    cells : ``accuracy`` and ``chance`` (cell, network), with coordinates ``variant``, ``layer`` and ``state_size``
        (cell).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    dims = dict.fromkeys(("accuracy", "chance"), ("cell", "network"))
    require(cells, "Dataset of networks", dims | dict.fromkeys(("variant", "layer", "state_size"), ("cell",)))
    mean, sem, networks = average(cells["accuracy"], "network")
    cells = cells.assign(mean=mean, sem=sem)
    variants = list(dict.fromkeys(cells["variant"].values.tolist()))
    figure = style.figure(style.TWO_COLUMNS, 2.7)
    axes = figure.subplots(1, len(variants), sharex=True, sharey=True, squeeze=False)[0]
    for ax, variant in zip(axes, variants, strict=True):
        here = cells.isel(cell=cells["variant"].values == variant)
        ax.axhline(float(here["chance"].mean()), color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8, zorder=0)
        for layer in style.sort_rules(set(here["layer"].values.tolist())):
            curve = here.isel(cell=here["layer"].values == layer).sortby("state_size")
            ax.errorbar(
                curve["state_size"].values,
                curve["mean"].values,
                curve["sem"].values,
                clip_on=False,
                **style.rule(layer),
            )
        ax.set(title=TITLES.get(variant, variant), xlabel=style.label("state", cells["state_size"]))
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
    axes[0].set_ylabel(style.label("right answers", cells["accuracy"]))
    axes[0].set_ylim(0, 1)
    style.letters(axes)
    style.legend(
        figure,
        axes[0],
        title=f"mean ± SEM over {networks} networks; dashed: one of the values that came",
    )
    return figure
