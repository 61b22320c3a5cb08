"""Draws from a posterior of parameters: each alone, and each against each."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots import style

BINS = 25
MOST = 2000  # draws that are shown as points


@style.plot_function
def posterior_corner(posterior: xr.Dataset, published: xr.DataArray | None = None) -> Figure:
    """Histograms of every parameter, draws of each two below, and their rank correlations above.

    Parameters
    ----------
    posterior : one variable (chain, draw) for each parameter, with units. published : values (parameter,) to mark.

    Raises
    ------
    InputError
        for a variable without these dims, or fewer than two.
    """
    names = [str(name) for name in posterior.data_vars]
    if len(names) < 2 or any(posterior[name].dims != ("chain", "draw") for name in names):
        raise InputError("a posterior to draw needs two parameters or more, each over chain and draw")
    draws = {name: posterior[name].values.ravel() for name in names}
    ranks = np.corrcoef([each.argsort().argsort() for each in draws.values()])
    count = len(names)
    figure = style.figure(style.TWO_COLUMNS, 1.0 + 1.05 * count)
    axes = figure.subplots(count, count, squeeze=False, sharex="col")
    shown = slice(None, None, max(1, len(draws[names[0]]) // MOST))
    for row, y in enumerate(names):
        for column, x in enumerate(names):
            ax = axes[row, column]
            if row == column:
                ax.hist(draws[x], BINS, color=style.BLUE)
                ax.set_yticks([])
                if published is not None:
                    ax.axvline(float(published.sel(parameter=x)), color=style.VERMILION, linewidth=1)
            elif row > column:
                ax.plot(draws[x][shown], draws[y][shown], ",", color=style.BLUE, alpha=0.4, rasterized=True)
            else:
                ax.axis("off")
                number = f"{ranks[row, column]:.2f}".replace("-", "\N{MINUS SIGN}")
                ax.text(0.5, 0.5, number, ha="center", va="center", transform=ax.transAxes, fontsize=7)
            _label(ax, posterior, x if row == count - 1 else "", y if column == 0 and row else "", row == column)
    return figure


def _label(ax: object, posterior: xr.Dataset, x: str, y: str, alone: bool) -> None:
    from matplotlib.axes import Axes

    assert isinstance(ax, Axes)
    ax.tick_params(labelsize=5, labelbottom=bool(x), labelleft=bool(y) and not alone)
    ax.locator_params(nbins=3)
    if x:
        ax.set_xlabel(style.label(x, posterior[x]), fontsize=6)
    if y:
        ax.set_ylabel(style.label(y, posterior[y]), fontsize=6)


@style.plot_function
def rank_histograms(counts: xr.DataArray) -> Figure:
    """Ranks of true values among draws from posteriors; grey: 95 % of counts where posteriors are right.

    Parameters
    ----------
    counts : data sets (parameter, bin).

    Raises
    ------
    InputError
        for other dims.
    """
    from scipy.stats import binom

    if counts.dims != ("parameter", "bin"):
        raise InputError(f"ranks to draw need the dims parameter and bin, not {counts.dims}")
    names, bins = counts["parameter"].values.tolist(), counts.sizes["bin"]
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    figure = style.figure(style.TWO_COLUMNS, 0.4 + 1.7 * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True)
    style.letters(axes.ravel()[: len(names)])
    low, high = binom.ppf([0.025, 0.975], int(counts[0].sum()), 1 / bins)
    for ax, name, own in zip(axes.ravel(), names, counts.values, strict=False):
        ax.axhspan(low, high, color=style.GREY, alpha=0.3, linewidth=0)
        ax.bar((np.arange(bins) + 0.5) / bins, own, 0.9 / bins, color=style.BLUE)
        ax.set(title=name, xlabel="rank of the truth, as a share (1)")
    for ax in axes.ravel()[len(names) :]:
        ax.remove()
    for ax in axes[:, 0]:
        ax.set_ylabel("data sets (1)")
    return figure
