"""Recall of networks with something taken away, beside the rules that explain their weights."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.runtime.tables import frame
from neurofwp.schema import require

RECALL = {"r2": ("all keys", style.BLUE, "o", -0.15), "reassigned_r2": ("reassigned keys", style.ORANGE, "s", 0.15)}
VARIABLES = (*RECALL, *(f"{name}_sem" for name in RECALL), "status", "rules", "feve", "low", "high")
NAMED = 3  # rules beside a bar, at most
LOWEST = -0.4  # what lies below ends here


@style.plot_function
def recall_and_rules(table: xr.Dataset, chance: float) -> Figure:
    """Recall R^2 (mean and SEM) and the FEVE of the best rule (95 % interval), a row for each network.

    To the right stand the best supported rules, or why there is none.

    Parameters
    ----------
    table : over (synapse_model, condition), rows in their order from the top: ``status``, ``r2`` and ``reassigned_r2``
        with ``_sem``, ``rules``, ``feve``, ``low`` and ``high``.
    chance : R^2 of the mean of the stored values.

    Raises
    ------
    InputError
        for a table without rows or with a variable missing.
    """
    require(table, "table of ablations", dict.fromkeys(VARIABLES, ("synapse_model", "condition")))
    if not table["status"].size:
        raise InputError("this figure needs a table with rows")
    rows = frame(table)
    new = (rows["synapse_model"] != rows["synapse_model"].shift()).cumsum().to_numpy() - 1
    y = np.arange(len(rows)) + 1.4 * new  # a line of its own for the name of every synapse model
    figure = style.figure(style.TWO_COLUMNS, 0.9 + 0.17 * (y[-1] + 2))
    left, right = figure.subplots(1, 2, sharey=True)
    _recall(left, rows, y, chance)
    _shares(right, rows, y)
    left.set_yticks(y, rows["condition"])
    for model in dict.fromkeys(rows["synapse_model"]):
        first = y[(rows["synapse_model"] == model).to_numpy()][0]
        left.annotate(
            model,
            (0, first - 1.1),
            xycoords=("axes fraction", "data"),
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontweight="bold",
            annotation_clip=False,
        )
    for ax in (left, right):
        ax.axvline(0, color=style.BLACK, linewidth=0.5)
        ax.tick_params(axis="y", length=0)
    left.set_ylim(y[-1] + 0.6, -1.8)
    style.letters((left, right))
    style.legend(figure, left, ncols=3, title="a: mean ± SEM over episodes; b: best rule with its 95 % interval")
    return figure


def _recall(ax: Axes, rows: pd.DataFrame, y: np.ndarray, chance: float) -> None:
    for name, (label, colour, marker, offset) in RECALL.items():
        ax.errorbar(
            rows[name].clip(lower=LOWEST),
            y + offset,
            xerr=rows[f"{name}_sem"].fillna(0),
            fmt=marker,
            color=colour,
            elinewidth=0.8,
            label=label,
        )
    ax.axvline(chance, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8, label="mean of the stored values")
    ax.set(xlabel="recall, R² (1)", xlim=(LOWEST - 0.05, 1.05))


def _shares(ax: Axes, rows: pd.DataFrame, y: np.ndarray) -> None:
    share, low, high = (rows[name].to_numpy(dtype=float) for name in ("feve", "low", "high"))
    at = np.maximum(share, LOWEST)
    ax.barh(y, at, height=0.6, color=style.SKY)
    ax.hlines(y, np.maximum(low, LOWEST), np.maximum(high, LOWEST), color=style.BLACK, linewidth=0.8)
    ax.axvline(1, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8)
    ax.set(xlabel="FEVE of the best supported rule (1)", xlim=(min(0, np.nanmin([0, *at])) - 0.02, 1.05))
    for row, network in zip(y, rows.to_dict("records"), strict=True):
        ax.annotate(
            _words(network),
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=6,
            annotation_clip=False,
        )


def _words(network: Mapping[Hashable, Any]) -> str:
    if not network["rules"]:
        return str(network["status"])
    share, low, high = (style.number(float(network[name]), 3) for name in ("feve", "low", "high"))
    rules = str(network["rules"]).replace("_", " ").split(" or ")
    if len(rules) > NAMED:
        rules = [*rules[: NAMED - 1], f"{len(rules) - NAMED + 1} others"]
    return f"{' or '.join(rules)}: {share} [{low}, {high}]"
