"""Recall of the last value as keys come to share synapses."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from neurofwp.plots import style
from neurofwp.plots.averages import mean_sem
from neurofwp.schema import require

# colour, marker, line, label; the rules with a prediction are drawn through
LOOK = {
    "delta": (style.BLUE, "o", "-", "delta"),
    "delta_nonnegative": (style.SKY, "s", "-", "delta, W ≥ 0"),
    "outstar": (style.VERMILION, "v", "--", "outstar"),
    "soft_bound": (style.ORANGE, "^", "--", "soft bound"),
    "fixed_decay": (style.GREY, "D", ":", "fixed decay"),
    "hebbian": (style.BLACK, "x", ":", "hebbian"),
}
TITLES = {"plain": "one plain setting", "tuned": "tuned for each kind of key"}


@style.context()
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
    names = [str(rule) for rule in recall["rule"].values]
    settings = [str(setting) for setting in recall["setting"].values]
    figure = style.figure(style.TWO_COLUMNS, 3.0)
    axes = figure.subplots(1, len(settings), sharex=True, sharey=True, squeeze=False)[0]
    for ax, setting in zip(axes, settings, strict=True):
        for rule in sorted(names, key=lambda rule: list(LOOK).index(rule) if rule in LOOK else len(LOOK)):
            colour, marker, line, label = LOOK.get(rule, (style.PURPLE, "+", "-", rule))
            mean, sem, n = mean_sem(recall["correlation"].sel(rule=rule, setting=setting), "draw")
            look = {"color": colour, "marker": marker, "linestyle": line, "label": label}
            ax.errorbar(overlap, mean.values, sem.values, clip_on=False, **look)
        ax.set_title(TITLES.get(setting, setting), pad=6)
        ax.set_xlabel(style.label("mean overlap (cosine) of two keys", recall["overlap"]))
        cells = ax.secondary_xaxis("top")
        cells.set_xticks(overlap, [str(count) for count in recall["active"].values])
        cells.set_xlabel(f"active cells of a key, of {recall.attrs['key_cells']}")
    axes[0].set_ylabel(style.label("correlation of read and last value", recall["correlation"]))
    axes[0].set(xlim=(0, None), ylim=(min(0.0, axes[0].get_ylim()[0]), 1))
    figure.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside right center",
        title=f"mean ± SEM,\nn = {n} draws",
        title_fontsize=7,
    )
    return figure
