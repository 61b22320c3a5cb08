"""Language modelling: learning curves, and bits per byte of files that no network has seen."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

DASHED = (0, (4, 2))


@style.plot_function
def language_modelling(models: xr.Dataset, baselines: xr.Dataset) -> Figure:
    """Bits per byte of validation files against bytes of training (left), and of test files after it (right).

    Thin lines and open points: every network. Thick lines and filled points: their mean, with its standard error where
    there are several. Dashed: shares of bytes (unigram) and of bytes behind each byte (bigram) in the training text.

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
    for ax in axes:
        for name in baselines["baseline"].values.tolist():
            level = float(baselines["bits"].sel(baseline=name))
            if name != "uniform":
                ax.axhline(level, color=style.GREY, linestyle=DASHED, linewidth=0.8, zorder=0)
                ax.annotate(
                    name, (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", color=style.GREY
                )
    axes[0].set(
        xlabel="training text, repeats included (MB)",
        ylabel=f"validation files ({models['validation'].attrs.get('units', 'bits/byte')})",
        xlim=(0, None),
    )
    style.letters(axes)
    networks = models.sizes["network"]
    style.legend(
        figure,
        axes[0],
        ncols=4,
        title="one network each" if networks == 1 else f"mean of {networks} networks; right: ± SEM",
    )
    return figure


def _curve(ax: Axes, model: xr.Dataset, look: dict[str, object]) -> None:
    """Every network, and their mean."""
    trained = model["trained"].transpose("network", "evaluation").values / 1e6
    bits = model["validation"].transpose("network", "evaluation").values
    if len(bits) > 1:
        ax.plot(trained.T, bits.T, color=look["color"], linewidth=0.5, alpha=0.5)
    ax.plot(trained[0], bits.mean(axis=0), **look)  # type: ignore[arg-type]


def _test(ax: Axes, bits: xr.DataArray, names: list[str]) -> None:
    """A row for every model."""
    mean, sem, networks = average(bits, "network")
    for row, name in enumerate(names):
        look = {key: value for key, value in style.rule(name).items() if key != "label"}
        own = bits.sel(model=name).values
        if networks > 1:
            ax.plot(np.full(own.shape, row), own, linestyle="none", markerfacecolor="none", markersize=5, **look)
        ax.errorbar(row, float(mean.sel(model=name)), float(sem.sel(model=name)), **look)
    ax.set_xticks(range(len(names)), [style.rule(name)["label"] for name in names], rotation=45, ha="right")
    ax.set(xlim=(-0.5, len(names) - 0.5), ylabel=f"test files ({bits.attrs.get('units', 'bits/byte')})")
