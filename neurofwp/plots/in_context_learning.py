"""In-context learning: errors that fall within an episode with feedback, and do not without."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

TITLES = {"none": "without feedback", "target": "with the last target as input"}


@style.plot_function
def in_context_learning(error: xr.Dataset) -> Figure:
    """Squared error against examples so far, a panel without and one with feedback; points and bars are mean and SEM.

    Dashed: always answering 0. Dotted: least squares, the optimum, where its error is not zero.

    Parameters
    ----------
    error : ``squared_error`` (model, feedback, network, examples) and ``least_squares`` (examples); attribute
        ``chance``, the error of always answering 0.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(
        error,
        "Dataset of errors",
        {"squared_error": ("model", "feedback", "network", "examples"), "least_squares": ("examples",)},
    )
    figure = style.figure(style.TWO_COLUMNS, 3.0)
    axes = figure.subplots(1, len(TITLES), sharex=True, sharey=True)
    names = style.sort_rules(error["model"].values.tolist())
    for ax, (feedback, title) in zip(axes, TITLES.items(), strict=True):
        _panel(ax, error.sel(feedback=feedback), names)
        ax.set(title=title, xlabel="examples so far", yscale="log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    axes[0].set_ylabel(style.label("squared error", error["squared_error"]))
    style.letters(axes)
    count = error.sizes["network"]
    style.legend(
        figure,
        axes[1],
        ncols=5,
        title="one network each" if count == 1 else f"mean ± SEM over {count} networks each",
    )
    return figure


def _panel(ax: Axes, error: xr.Dataset, names: list[str]) -> None:
    examples = error["examples"].values
    ax.axhline(error.attrs["chance"], color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8, label="always 0")
    optimum = error["least_squares"].values
    some = optimum > 0
    ax.plot(examples[some], optimum[some], color=style.BLACK, linestyle=(0, (1, 1.5)), label="least squares")
    for name in names:
        look: dict[str, Any] = style.rule(name)
        mean, sem, networks = average(error["squared_error"].sel(model=name), "network")
        bars = np.where(np.isfinite(sem.values), sem.values, 0.0) if networks > 1 else None
        ax.errorbar(examples, mean.values, bars, capsize=0, elinewidth=0.6, **look)
