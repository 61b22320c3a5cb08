"""What recall and the verdict survive: curves against the level of each fact, and bars of what is blocked."""

from __future__ import annotations

import textwrap

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

COLUMNS = 5
WIDTH = 22  # of a label, in letters
RECALL = {
    "r2": (style.BLACK, "o", "-", "recall"),
    "reassigned_r2": (style.PURPLE, "s", "--", "recall, reassigned keys"),
}
RULES = ("delta", "key_gated_delta", "outstar", "calcium_threshold", "hebbian")
BASELINE = "gate by spikes"


@style.plot_function
def realism(measured: xr.Dataset, verdicts: xr.Dataset) -> Figure:
    """Recall, and the FEVE of some rules, against the level of each fact; horizontal lines: the circuit without it.

    Parameters
    ----------
    measured : ``r2`` and ``reassigned_r2`` (condition, seed, episode), with the coords ``factor``, ``level``, ``unit``;
        conditions whose level is NaN are of no scale, and are not drawn.
    verdicts : ``feve`` (condition, seed, rule), with the same.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(measured, "measurements", dict.fromkeys(RECALL, ("condition", "seed", "episode")))
    require(verdicts, "verdicts", {"feve": ("condition", "seed", "rule")})
    scales = measured["factor"].values[np.isfinite(measured["level"].values)]
    factors = list(dict.fromkeys(scales.tolist()))
    columns = min(COLUMNS, max(1, len(factors)))
    bands = max(1, -(-len(factors) // columns))
    figure = style.figure(style.TWO_COLUMNS, 0.5 + 2.5 * bands)
    axes = figure.subplots(2 * bands, columns, squeeze=False)
    for ax in axes.ravel()[::-1]:
        ax.set_visible(False)
    shown = verdicts["feve"].sel(rule=[rule for rule in RULES if rule in verdicts["rule"].values])
    lowest_feve = max(0.0, float(np.floor(10 * shown.quantile(0.02)) / 10) - 0.05)
    for number, factor in enumerate(factors):
        band, column = divmod(number, columns)
        above, below = axes[2 * band, column], axes[2 * band + 1, column]
        above.sharex(below)
        _recall(above, measured, factor)
        _rules(below, verdicts, factor)
        for ax, lowest in ((above, -0.05), (below, lowest_feve)):
            ax.set_visible(True)
            ax.set_ylim(lowest, 1.03)
        above.tick_params(labelbottom=False)
        unit = str(measured["unit"].values[(measured["factor"] == factor).values][0])
        below.set_xlabel(textwrap.fill(factor if unit == "1" else f"{factor} ({unit})", WIDTH))
        if column == 0:
            above.set_ylabel("recall R²")
            below.set_ylabel("FEVE")
    if factors:
        entries = [handle for ax in axes[:2, 0] for handle in ax.get_legend_handles_labels()[0]]
        style.legend(figure, entries, ncols=4)
    return figure


def _levels(data: xr.Dataset, factor: str) -> tuple[np.ndarray, xr.Dataset]:
    """Of one factor, in the order of its levels."""
    own = data.isel(condition=np.flatnonzero((data["factor"] == factor).values)).sortby("level")
    return own["level"].values, own


def _recall(ax: Axes, measured: xr.Dataset, factor: str) -> None:
    level, own = _levels(measured, factor)
    for name, (colour, marker, line, label) in RECALL.items():
        mean = average(own[name].stack(sample=("seed", "episode")), "sample")
        ax.errorbar(level, mean.mean, mean.sem, color=colour, marker=marker, linestyle=line, markersize=3, label=label)
        if BASELINE in measured["condition"].values:
            ax.axhline(float(measured[name].sel(condition=BASELINE).mean()), color=colour, linewidth=0.5, zorder=1)


def _rules(ax: Axes, verdicts: xr.Dataset, factor: str) -> None:
    level, own = _levels(verdicts, factor)
    for rule in (each for each in RULES if each in verdicts["rule"].values):
        look = style.rule(rule)
        ax.plot(level, own["feve"].sel(rule=rule).mean("seed"), markersize=3, **look)
        if BASELINE in verdicts["condition"].values:
            base = float(verdicts["feve"].sel(condition=BASELINE, rule=rule).mean())
            ax.axhline(base, color=look["color"], linewidth=0.5, zorder=1)


@style.plot_function
def circuits_and_blocks(measured: xr.Dataset, verdicts: xr.Dataset, *, ax: Axes | None = None) -> Figure:
    """Recall in each circuit, in all facts together, and after each block, with the rules that the verdict leaves.

    Parameters
    ----------
    measured, verdicts : as of `realism`; verdicts with ``verdict`` and ``rules`` (condition, seed).
    ax : axes to draw into, by default those of a figure of its own.
    """
    require(verdicts, "verdicts", {"verdict": ("condition", "seed"), "rules": ("condition", "seed")})
    chosen = np.flatnonzero(np.isnan(measured["level"].values))
    own, said = measured.isel(condition=chosen), verdicts.isel(condition=chosen, seed=0)
    figure, ax, place = style.panel(ax, style.TWO_COLUMNS, 0.7 + 0.34 * max(1, len(chosen)))
    y = np.arange(len(chosen))
    for shift, (name, (colour, *_, label)) in zip((-0.18, 0.18), RECALL.items(), strict=True):
        mean = average(own[name].stack(sample=("seed", "episode")), "sample")
        ax.barh(y + shift, mean.mean, 0.34, xerr=mean.sem, color=colour, label=label, error_kw={"linewidth": 0.8})
    for at, kind, rules in zip(y, said["verdict"].values, said["rules"].values, strict=True):
        words = f"{kind}: {str(rules).replace('_', ' ')}" if rules and kind != "none" else str(kind)
        ax.annotate(
            words if len(words) < 60 else f"{words[:57]}...",
            (1, at),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=6,
            annotation_clip=False,
        )
    if "chance" in own:
        ax.axvline(float(own["chance"].mean()), color=style.BLACK, linewidth=0.8, linestyle=":", label="mean value")
    ax.set_yticks(y, [str(name) for name in own["condition"].values])
    ax.set_ylim(len(chosen) - 0.4, -0.6)
    ax.set_xlim(min(0.0, float(own["r2"].min())), 1.0)
    ax.set_xlabel("recall R² (mean and SEM of episodes)")
    style.legend(place, ax)
    return figure
