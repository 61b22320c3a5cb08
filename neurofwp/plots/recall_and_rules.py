"""Recall of networks with something taken away, beside the rules that explain their weights."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots import style

RECALL = {"r2": ("all keys", style.BLUE, "o", -0.15), "rebound_r2": ("keys with a new value", style.ORANGE, "s", 0.15)}
COLUMNS = ("regime", "condition", "status", "rules", "explained_share", "low", "high", "noise_ceiling")
LOWEST = -0.4  # what lies below ends here


@style.context()
def recall_and_rules(table: pd.DataFrame, chance: float) -> Figure:
    """Recall R^2 (mean and SEM) and the explained share of the best rule (95 % interval), a row for each network.

    To the right stand the rules that are left, or why there is none.

    Parameters
    ----------
    table : rows in their order from the top, those of one regime together: ``regime``, ``condition``, ``status``,
        ``r2`` and ``rebound_r2`` with ``_sem``, ``rules``, ``explained_share``, ``low``, ``high``, ``noise_ceiling``.
    chance : R^2 of the mean of the stored values.

    Raises
    ------
    InputError
        for a table without rows or with a column missing.
    """
    missing = [name for name in (*COLUMNS, *RECALL, *(f"{name}_sem" for name in RECALL)) if name not in table]
    if missing or table.empty:
        raise InputError(f"this figure needs a table with rows and with {', '.join(missing) or 'numbers'}")
    new = (table["regime"] != table["regime"].shift()).cumsum().to_numpy() - 1
    rows = np.arange(len(table)) + 1.4 * new  # a line of its own for the name of every regime
    figure = style.figure(style.TWO_COLUMNS, 0.9 + 0.17 * (rows[-1] + 2))
    left, right = figure.subplots(1, 2, sharey=True)
    for name, (label, colour, marker, offset) in RECALL.items():
        left.errorbar(
            table[name].clip(lower=LOWEST), rows + offset, xerr=table[f"{name}_sem"].fillna(0), fmt=marker,
            color=colour, elinewidth=0.8, label=label,
        )  # fmt: skip
    left.axvline(chance, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8, label="mean of the stored values")
    left.set(xlabel="recall, R² (1)", xlim=(LOWEST - 0.05, 1.05))
    share, low, high = (table[name].to_numpy(dtype=float) for name in ("explained_share", "low", "high"))
    at = np.maximum(share, LOWEST)
    right.barh(rows, at, height=0.6, color=style.SKY)
    right.hlines(rows, np.maximum(low, LOWEST), np.maximum(high, LOWEST), color=style.BLACK, linewidth=0.8)
    right.axvline(1, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8)
    right.set(xlabel="explained share of the weights that repeat (1)", xlim=(min(0, np.nanmin([0, *at])) - 0.02, 1.05))
    for row, network in zip(rows, table.to_dict("records"), strict=True):
        right.annotate(
            _words(network), (1, row), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            va="center", fontsize=6, annotation_clip=False,
        )  # fmt: skip
    left.set_yticks(rows, table["condition"])
    for regime in dict.fromkeys(table["regime"]):
        first = rows[(table["regime"] == regime).to_numpy()][0]
        left.annotate(
            regime, (0, first - 1.1), xycoords=("axes fraction", "data"), xytext=(-6, 0), textcoords="offset points",
            ha="right", va="center", fontweight="bold", annotation_clip=False,
        )  # fmt: skip
    for ax in (left, right):
        ax.axvline(0, color=style.BLACK, linewidth=0.5)
        ax.tick_params(axis="y", length=0)
    left.set_ylim(rows[-1] + 0.6, -1.8)
    style.letters((left, right))
    style.legend(figure, left, ncols=3, title="a: mean ± SEM over episodes; b: best rule with its 95 % interval")
    return figure


def _words(network: Mapping[Hashable, Any]) -> str:
    if not network["rules"]:
        return str(network["status"])
    share, low, high = (style.number(float(network[name]), 3) for name in ("explained_share", "low", "high"))
    return f"{str(network['rules']).replace('_', ' ')}: {share} [{low}, {high}]"
