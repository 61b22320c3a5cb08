"""Which rule: synapse models against rules, and rules against rules where the truth is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.schema import require

COLUMNS = ("feve", "low", "high", "best")
WIDE = 9  # columns in which an interval can be read
DARK = 0.6  # of the colour scale: below it, text is white


@style.plot_function
def explained(fits: Mapping[str, xr.Dataset], recall: xr.DataArray, *, ax: Axes | None = None) -> Figure:
    """FEVE of every rule (columns) in every synapse model (rows), with its 95 % interval where columns are wide enough.

    The best supported rules are framed.

    Parameters
    ----------
    fits : of `neurofwp.identification.identify`, by synapse model. recall : (synapse_model,), R^2.
    ax : axes to draw into, by default those of a figure of its own.

    Raises
    ------
    InputError
        for no fits, or fits of different rules.
    """
    if not fits:
        raise InputError("give one set of fits or more")
    every = list(fits.values())
    rules = [str(rule) for rule in every[0]["rule"].values]
    for model, each in fits.items():
        require(each, f"fits of {model}", dict.fromkeys(COLUMNS, ("rule",)))
        if [str(rule) for rule in each["rule"].values] != rules:
            raise InputError(f"the fits of {model} are of other rules than those of {next(iter(fits))}")
    table = {name: np.stack([each[name].values for each in every]).tolist() for name in COLUMNS}
    share = np.array(table["feve"])
    figure, ax, _ = style.panel(ax, style.TWO_COLUMNS, 1.3 + 0.36 * len(fits))
    image = ax.imshow(np.clip(share, 0, 1), vmin=0, vmax=1, cmap=style.SEQUENTIAL, aspect="auto")
    for row, column in np.ndindex(share.shape):
        middle, low, high, best = (table[name][row][column] for name in COLUMNS)
        interval = f"\n[{style.number(low)}, {style.number(high)}]" if len(rules) <= WIDE else ""
        _write(ax, column, row, f"{style.number(middle)}{interval}", middle)
        if best:
            _frame(ax, column, row)
    ceilings = [f"{model}\nceiling {float(each['noise_ceiling']):.3f}" for model, each in fits.items()]
    labels = [
        f"{name}, recall {style.number(float(recall.sel(synapse_model=model)))}"
        for name, model in zip(ceilings, fits, strict=True)
    ]
    ax.set_yticks(range(len(fits)), labels)
    ax.set_xticks(range(len(rules)), [rule.replace("_", " ") for rule in rules], rotation=30, ha="right")
    ax.set_title(f"{every[0].attrs['driven_by']}; framed: the best supported rules")
    figure.colorbar(image, ax=ax, label="FEVE, held-out increments", shrink=0.8)
    return figure


@style.plot_function
def recovered(recovery: xr.Dataset, classes: Sequence[Sequence[str]], noise: float) -> Figure:
    """Verdicts on rate networks of known rules, one panel per noise; rules of one class are framed together.

    Parameters
    ----------
    recovery : ``chosen`` (noise, truth, draw, rule) and ``noise_ceiling`` (noise, truth, draw). classes : of rules, as
        of `neurofwp.identification.recovery.classes`. noise : at which they were found.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(recovery, "result of recovery", {"chosen": ("noise", "truth", "draw", "rule")})
    noises = recovery["noise"].values.tolist()
    names = [str(rule).replace("_", " ") for rule in recovery["rule"].values]
    figure = style.figure(style.TWO_COLUMNS, 3.1)
    axes = figure.subplots(1, len(noises), sharey=True, squeeze=False)[0]
    for ax, level in zip(axes, noises, strict=True):
        own = recovery.sel(noise=level)
        share = own["chosen"].mean("draw").transpose("truth", "rule").values
        ax.imshow(share, vmin=0, vmax=1, cmap=style.SEQUENTIAL)
        for row, column in np.argwhere(share > 0.005):
            _write(ax, column, row, f"{share[row, column]:.2f}", share[row, column])
        if level == noise:
            _frame_classes(ax, classes, [str(rule) for rule in recovery["rule"].values])
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right")
        ceiling = float(own["noise_ceiling"].median())
        here = "\n(as the spiking network)" if level == noise else ""
        ax.set(title=f"noise {level:g}, ceiling {ceiling:.2f}{here}", xlabel="best supported rule")
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylabel("rule that made the weights")
    figure.colorbar(axes[0].images[0], ax=axes.tolist(), label="share of verdicts (1)", shrink=0.7)
    return figure


def _write(ax: Axes, x: float, y: float, text: str, shade: float) -> None:
    ax.text(x, y, text, ha="center", va="center", fontsize=5, color="white" if shade < DARK else style.BLACK)


def _frame(ax: Axes, column: float, row: float) -> None:
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)]) * 0.96
    ax.plot(column + corners[:, 0], row + corners[:, 1], color=style.VERMILION, linewidth=1.5)


def _frame_classes(ax: Axes, classes: Sequence[Sequence[str]], rules: Sequence[str]) -> None:
    for group in (each for each in classes if len(each) > 1):
        for truth in group:
            for rule in group:
                _frame(ax, rules.index(rule), rules.index(truth))
