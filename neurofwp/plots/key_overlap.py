"""Recall of the last value as keys come to share synapses."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

# the rules with a prediction are drawn through
LINES: dict[str, Any] = {
    "delta_nonnegative": (0, (6, 1.5)), "outstar": "--", "soft_bound": "--", "fixed_decay": ":", "hebbian": ":",
}  # fmt: skip
TITLES = {"plain": "one plain setting", "tuned": "tuned for each kind of key"}


@style.plot_function
def key_overlap(recall: xr.Dataset) -> Figure:
    """Correlation of the read with the last value, mean and SEM over draws, against the mean overlap of two keys.

    Parameters
    ----------
    recall : ``correlation`` (rule, setting, active, draw) and ``overlap`` (active, draw), the mean cosine of two
        keys; one panel per setting; active is the number of active cells of a key, of ``key_cells`` (attribute).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    dims = ("rule", "setting", "active", "draw")
    require(recall, "Dataset of recall", {"correlation": dims, "overlap": ("active", "draw")})
    overlap = recall["overlap"].mean("draw").values
    settings = [str(setting) for setting in recall["setting"].values]
    figure = style.figure(style.TWO_COLUMNS, 3.0)
    axes = figure.subplots(1, len(settings), sharex=True, sharey=True, squeeze=False)[0]
    style.letters(axes)
    for ax, setting in zip(axes, settings, strict=True):
        for rule in style.sort_rules(recall["rule"].values):
            mean, sem, n = average(recall["correlation"].sel(rule=rule, setting=setting), "draw")
            look = style.rule(rule) | {"linestyle": LINES.get(rule, "-"), "clip_on": False}
            ax.errorbar(overlap, mean.values, sem.values, **look)
        ax.set_title(TITLES.get(setting, setting), pad=6)
        ax.set_xlabel(style.label("mean overlap (cosine) of two keys", recall["overlap"]))
        cells = ax.secondary_xaxis("top")
        cells.set_xticks(overlap, [str(count) for count in recall["active"].values])
        cells.set_xlabel(f"active cells of a key, of {recall.attrs['key_cells']}")
    axes[0].set_ylabel(style.label("correlation of read and last value", recall["correlation"]))
    axes[0].set(xlim=(0, None), ylim=(min(0.0, axes[0].get_ylim()[0]), 1))
    style.legend(figure, axes[0], loc="outside right center", ncols=1, title=f"mean ± SEM,\nn = {n} draws")
    return figure
