"""What recall of stored pairs and of distractors rests on."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

COLOURS = {"stored": style.BLUE, "distractors": style.VERMILION}


@style.plot_function
def ablations(recall: xr.Dataset) -> Figure:
    """R^2 of stored pairs and distractors in every condition, one panel per network: mean, SEM and every slow net.

    Dashed: chance, the mean of the values to be stored.

    Parameters
    ----------
    recall : ``r2`` (condition, network, pairs, slow_net) and ``chance`` (pairs, slow_net).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(recall, "recall", {"r2": ("condition", "network", "pairs", "slow_net"), "chance": ("pairs", "slow_net")})
    networks, conditions = recall["network"].values.tolist(), recall["condition"].values.tolist()
    figure = style.figure(style.TWO_COLUMNS, 2.8)
    axes = figure.subplots(1, len(networks), sharey=True, squeeze=False)[0]
    for ax, network in zip(axes, networks, strict=True):
        for offset, (pairs, colour) in zip((-0.2, 0.2), COLOURS.items(), strict=True):
            values = recall["r2"].sel(network=network, pairs=pairs).transpose("condition", "slow_net")
            mean, sem, count = average(values, "slow_net")
            at = np.arange(len(conditions)) + offset
            ax.bar(at, mean.values, 0.36, yerr=sem.values, color=colour, alpha=0.75, label=pairs, zorder=1)
            spread = np.linspace(-0.1, 0.1, values.sizes["slow_net"]) if count > 1 else np.zeros(1)
            ax.plot(
                (at[:, None] + spread).ravel(),
                values.values.ravel(),
                color=style.BLACK,
                linestyle="none",
                marker=".",
                markersize=2,
                zorder=3,
            )
            ax.axhline(float(recall["chance"].sel(pairs=pairs).mean()), color=colour, linestyle=(0, (4, 2)), zorder=2)
        ax.axhline(0, color=style.BLACK, linewidth=0.5)
        ax.set_xticks(range(len(conditions)), [name.replace("_", "\n").replace("nmda", "NMDA") for name in conditions])
        ax.set_title(f"{network} network")
    axes[0].set_ylabel(style.label("recall, R²", recall["r2"]))
    style.letters(axes)
    style.legend(
        figure,
        axes[0],
        ncols=2,
        title=f"mean ± SEM and each of {recall.sizes['slow_net']} slow nets; dashed: mean of the values to be stored",
    )
    return figure
