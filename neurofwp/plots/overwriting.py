"""Recall of the last value where memories compete for the same synapses."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.plots import style
from neurofwp.plots.select import mean_sem, needs

TITLES = {"rebinding": "keys bound to new values", "overlap": "overlapping keys, written repeatedly"}


@style.context()
def overwriting(recall: xr.Dataset) -> Figure:
    """Recall R^2 of every network in every task: mean and SEM over episodes, the episodes as dots, chance as a line.

    Parameters
    ----------
    recall : ``r2`` (task, network, episode) and ``chance`` (task, episode).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    needs(recall, "recall Dataset", {"r2": ("task", "network", "episode"), "chance": ("task", "episode")})
    names = [str(name) for name in recall["network"].values]
    rows = np.arange(len(names))[::-1]
    tasks = [str(task) for task in recall["task"].values]
    figure = style.figure(style.TWO_COLUMNS, 0.7 + 0.22 * len(names))
    axes = figure.subplots(1, len(tasks), sharex=True, sharey=True, squeeze=False)[0]
    for ax, task in zip(axes, tasks, strict=True):
        r2 = recall["r2"].sel(task=task)
        mean, sem, n = mean_sem(r2, "episode")
        ax.barh(rows, mean, color=style.SKY, height=0.7)
        ax.errorbar(mean, rows, xerr=sem, fmt="none", ecolor=style.BLACK, elinewidth=0.8)
        for row, episodes in zip(rows, r2.transpose("network", "episode").values, strict=True):
            ax.plot(episodes, np.full(n, row), "o", color=style.BLUE, markersize=2, alpha=0.6, markeredgewidth=0)
        chance = float(recall["chance"].sel(task=task).mean())
        ax.axvline(chance, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8, label="chance")
        ax.set(title=f"{TITLES.get(task, task)}, n = {n} episodes", xlabel=style.label("recall R²", recall["r2"]))
        ax.set_xlim(min(0.0, float(r2.min()) - 0.05), 1)
    axes[0].set_yticks(rows, names)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper right", title="bars: mean ± SEM", title_fontsize=7
    )
    return figure
