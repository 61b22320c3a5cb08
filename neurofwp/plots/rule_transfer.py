"""Parameters fitted under one condition predict others: matrices of FEVE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.schema import require

BETA = ("per event", "per time")
DIMS = ("beta", "train", "test", "measure", "model")
DARK = 0.6  # of the colour scale: below it, text is white
COLUMNS = 3  # of panels


@style.plot_function
def rule_transfer(scores: xr.Dataset, models: Sequence[str]) -> Figure:
    """FEVE on increments, fitted condition (row) against predicted one (column), one panel for each model.

    Parameters
    ----------
    scores : ``feve`` (beta, train, test, measure, model) and ``noise_ceiling`` (test); beta per event is drawn.
    models : in this order.

    Raises
    ------
    InputError
        for no models, or scores without these variables.
    """
    require(scores, "scores of transfer", {"feve": DIMS, "noise_ceiling": ("test",)})
    if not models:
        raise InputError("give one model or more")
    feve = scores["feve"].sel(beta="per event", measure="increments").transpose("model", "train", "test")
    names = [str(name) for name in feve["test"].values]
    rows = -(-len(models) // COLUMNS)
    figure = style.figure(style.TWO_COLUMNS, 0.9 + 1.95 * rows)
    axes = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    style.letters(axes.ravel()[: len(models)])
    for ax, model in zip(axes.flat, models, strict=False):
        _matrix(ax, feve.sel(model=model).values)
        ax.set_title(_word(model))
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(names)), names)
    for ax in axes.flat[len(models) :]:
        ax.axis("off")
    ceiling = scores["noise_ceiling"]
    figure.suptitle(
        "FEVE in %, increments of held-out episodes; framed: within a condition; "
        f"noise ceilings {float(ceiling.min()):.2f} to {float(ceiling.max()):.2f}; β per event",
        fontsize=7,
    )
    figure.supxlabel("predicted condition", fontsize=7)
    figure.supylabel("fitted condition", fontsize=7)
    figure.colorbar(axes[0, 0].images[0], ax=axes, label="FEVE (1)", shrink=0.6)
    return figure


@style.plot_function
def transfer_of_durations(scores: xr.Dataset, models: Sequence[str]) -> Figure:
    """The same between durations alone, under both assumptions about beta (rows), one panel for each model.

    Parameters
    ----------
    scores : as of `rule_transfer`, with the coordinates ``factor`` and ``duration`` of each condition.

    Raises
    ------
    InputError
        for no models, or scores without these variables.
    """
    require(scores, "scores of transfer", {"feve": DIMS, "factor": ("test",), "duration": ("test",)})
    if not models:
        raise InputError("give one model or more")
    varied = np.flatnonzero(np.isin(scores["factor"].values, ["baseline", "duration"]))
    varied = varied[np.argsort(scores["duration"].values[varied])]
    feve = scores["feve"].sel(measure="increments").isel(train=varied, test=varied)
    feve = feve.transpose("beta", "model", "train", "test")
    names = [f"{float(each):g}" for each in scores["duration"].values[varied]]
    figure = style.figure(style.TWO_COLUMNS, 3.2)
    axes = figure.subplots(scores.sizes["beta"], len(models), sharex=True, sharey=True, squeeze=False)
    style.letters(axes.ravel())
    for row, beta in zip(axes, BETA, strict=True):
        for ax, model in zip(row, models, strict=True):
            _matrix(ax, feve.sel(beta=beta, model=model).values)
            ax.set_xticks(range(len(names)), names)
            ax.set_yticks(range(len(names)), names)
            if beta == "per event":
                ax.set_title(_word(model).replace(" ", "\n"))
        row[0].set_ylabel(f"β {beta}")
    figure.suptitle("FEVE in %, increments of held-out episodes; framed: within a condition", fontsize=7)
    figure.supxlabel("duration of the predicted writes (ms)", fontsize=7)
    figure.supylabel("of the fitted writes (ms)", fontsize=7)
    figure.colorbar(axes[0, 0].images[0], ax=axes, label="FEVE (1)", shrink=0.6)
    return figure


def _matrix(ax: Axes, share: np.ndarray) -> None:
    """share (train, test), written in per cent, the diagonal framed."""
    ax.imshow(np.clip(share, 0, 1), vmin=0, vmax=1, cmap=style.SEQUENTIAL, aspect="auto")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, labelsize=5.5)
    for row, column in np.ndindex(share.shape):
        value = share[row, column]
        text = f"{100 * value:.0f}" if value > -0.995 else "≪0"  # no room for more
        color = "white" if np.clip(value, 0, 1) < DARK else style.BLACK
        ax.text(column, row, text.replace("-", "−"), ha="center", va="center", fontsize=4.5, color=color)
        if row == column:
            corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)]) * 0.92
            ax.plot(column + corners[:, 0], row + corners[:, 1], color=style.VERMILION, linewidth=0.7)


def _word(model: str) -> str:
    return model.replace("_", " ")
