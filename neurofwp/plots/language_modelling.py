"""Language modelling: learning curves, and bits per byte of files that no network has seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require


@style.plot_function
def language_modelling(models: xr.Dataset, baselines: xr.Dataset) -> Figure:
    """Bits per byte of validation files against bytes of training (left), and of test files after it (right).

    Thin lines and open points: every network. Thick lines and filled points: their mean, with its standard error where
    there are several. What closed forms need for the test files stands above: shares of bytes (unigram), and of bytes
    behind each byte (bigram), in the training text.

    Parameters
    ----------
    models : ``validation`` and ``trained`` (model, network, evaluation), ``bits`` (model, network). baselines :
        ``bits`` (baseline).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    dims = dict.fromkeys(("validation", "trained"), ("model", "network", "evaluation")) | {"bits": ("model", "network")}
    require(models, "Dataset of models", dims)
    require(baselines, "Dataset of baselines", {"bits": ("baseline",)})
    names = style.sort_rules(models["model"].values.tolist())
    figure = style.figure(style.TWO_COLUMNS, 3.0)
    axes = figure.subplots(1, 2, width_ratios=(3, 2))
    for name in names:
        _curve(axes[0], models.sel(model=name), style.rule(name))
    _test(axes[1], models["bits"], names)
    axes[0].set(
        xlabel="training text, repeats included (MB)",
        ylabel=f"validation files ({models['validation'].attrs.get('units', 'bits/byte')})",
        xscale="log",
    )
    axes[0].xaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter="")
    style.letters(axes)
    networks = models.sizes["network"]
    closed = ", ".join(
        f"{name} {float(baselines['bits'].sel(baseline=name)):.2f}" for name in baselines["baseline"].values.tolist()
    )
    counted = "one network each" if networks == 1 else f"mean of {networks} networks, right ± SEM"
    style.legend(figure, axes[0], ncols=4, title=f"{counted}; test files in closed form, bits/byte: {closed}")
    return figure


def _curve(ax: Axes, model: xr.Dataset, look: dict[str, Any]) -> None:
    """Every network, and their mean."""
    trained = model["trained"].transpose("network", "evaluation").values / 1e6
    bits = model["validation"].transpose("network", "evaluation").values
    if len(bits) > 1:
        ax.plot(trained.T, bits.T, color=look["color"], linewidth=0.5, alpha=0.5)
    ax.plot(trained[0], bits.mean(axis=0), **look)


def _test(ax: Axes, bits: xr.DataArray, names: list[str]) -> None:
    """A row for every model."""
    mean, sem, networks = average(bits, "network")
    for row, name in enumerate(names):
        look = {key: value for key, value in style.rule(name).items() if key != "label"}
        own = bits.sel(model=name).values
        if networks > 1:
            ax.plot(own, np.full(own.shape, row), linestyle="none", markerfacecolor="none", markersize=5, **look)
        ax.errorbar(float(mean.sel(model=name)), row, xerr=float(sem.sel(model=name)), **look)
    ax.set_yticks(range(len(names)), [style.rule(name)["label"] for name in names])
    ax.set(ylim=(len(names) - 0.5, -0.5), xlabel=f"test files ({bits.attrs.get('units', 'bits/byte')})")
