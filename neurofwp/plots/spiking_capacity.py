"""How many pairs spikes hold: by the sparsity of keys, and by the cells that carry a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

LABELS = {"r2": "recall R²", "identified": "right value identified", "sign_error": "wrong signs"}
LEVELS = (style.SKY, style.GREEN, style.ORANGE, style.VERMILION, style.PURPLE, style.BLUE)
MARKERS = "ovs^Dx"
DASHED = (0, (4, 2))


@style.plot_function
def spiking_capacity(keys: xr.Dataset, cells: xr.Dataset, rate: xr.Dataset, theory: xr.Dataset) -> Figure:
    """Spiking memory as points, the rate network as lines and theory dashed, against the number of pairs stored.

    Left the number of active cells of a key is varied, right that of value cells per pool. Rows: recall R^2, share of
    values identified, share of wrong signs.

    Parameters
    ----------
    keys : the measures (active, pairs, episode). cells : the same (cells, pairs, episode). rate : (active, pairs,
        episode). theory : ``r2`` and ``sign_error`` (active, pairs) of the sum. Attributes of `keys`:
        ``standard_active``, ``standard_cells`` and ``key_cells``; coordinates synapse_model and rule name the networks.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(theory, "Dataset of theory", dict.fromkeys(("r2", "sign_error"), ("active", "pairs")))
    for name in LABELS:
        for data, what, dim in ((keys, "keys", "active"), (cells, "cells", "cells"), (rate, "rate", "active")):
            require(data, f"Dataset of {what}", {name: (dim, "pairs", "episode")})
    pairs = keys["pairs"].values
    standard = keys.attrs["standard_active"]
    figure = style.figure(style.TWO_COLUMNS, 6.0)
    axes = figure.subplots(3, 2, sharex=True, sharey="row")
    for row, (name, label) in zip(axes, LABELS.items(), strict=True):
        _points(row[0], keys[name], "active")
        _points(row[1], cells[name], "cells")
        _lines(row, average(rate[name], "episode").mean, standard, zorder=2)
        if name in theory:
            _lines(row, theory[name], standard, linestyle=DASHED, linewidth=0.8)
        if name == "identified":
            for ax in row:
                ax.plot(pairs, 1 / pairs, color=style.GREY, linestyle=":")
        row[0].set_ylabel(style.label(label, keys[name]))
        row[0].set_ylim(0, None if name == "sign_error" else 1.03)
    for ax, title in zip(
        axes[0],
        (
            f"active cells of a key, of {keys.attrs['key_cells']} ({keys.attrs['standard_cells']} cells per pool)",
            f"cells of each ON and OFF pool ({standard} active cells)",
        ),
        strict=True,
    ):
        ax.legend(loc="lower left", title=title, ncols=2, alignment="left")
    for ax in axes[-1]:
        ax.set_xlabel("pairs stored")
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticks(pairs)
    style.letters(axes.ravel())
    counts = f"n = {keys.sizes['episode']} episodes (rate network: {rate.sizes['episode']})"
    style.legend(figure, _key(rate), ncols=4, title=f"{keys['synapse_model'].item()}: mean ± SEM, {counts}")
    return figure


def _lines(row: Sequence[Axes], values: xr.DataArray, standard: int, **look: Any) -> None:
    """Values (active, pairs): all on the left, a colour for each level; on the right that of the standard keys."""
    pairs = values["pairs"].values
    for number, active in enumerate(values["active"].values):
        row[0].plot(pairs, values.sel(active=active).values, color=LEVELS[number % len(LEVELS)], **look)
    row[1].plot(pairs, values.sel(active=standard).values, color=style.BLACK, **look)


def _points(ax: Axes, values: xr.DataArray, dim: str) -> None:
    """Means with SEM, a colour and marker for each level; levels side by side where they would lie on each other."""
    levels = values[dim].values.tolist()
    for number, level in enumerate(levels):
        mean, sem, _ = average(values.sel({dim: level}), "episode")
        shift = 2 ** (0.08 * (number - (len(levels) - 1) / 2))
        ax.errorbar(
            mean["pairs"].values * shift,
            mean.values,
            sem.values,
            linestyle="none",
            marker=MARKERS[number % len(MARKERS)],
            color=LEVELS[number % len(LEVELS)],
            label=f"{level:g}",
            markersize=3.5,
            clip_on=False,
            zorder=4,
        )


def _key(rate: xr.Dataset) -> list[Line2D]:
    return [
        Line2D([], [], color=style.BLACK, marker="o", linestyle="none", label="spiking"),
        Line2D([], [], color=style.BLACK, label=f"rate network, {rate['rule'].item()}, W ≥ 0"),
        Line2D([], [], color=style.BLACK, linestyle=DASHED, linewidth=0.8, label="theory of the sum"),
        Line2D([], [], color=style.GREY, linestyle=":", label="guessing"),
    ]
