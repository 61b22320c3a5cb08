"""Where error correction and overwriting diverge: reads of reassigned keys, and recall as keys share synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

# what is drawn against overlap
CURVES = {
    "spiking": (
        "error-correcting",
        "thresholds",
        "soft-bound",
        "omega",
        "btsp-network",
        "error-correcting, no feedback",
    ),
    "rate": ("delta", "outstar", "soft_bound"),
}
LINES: dict[str, Any] = {"spiking": "-", "rate": (0, (4, 2))}
BARS = {"new": style.GREY, "old": "#C8C8C8"}


@style.plot_function
def overwrite(
    chosen: Mapping[str, xr.Dataset],
    gains: Mapping[str, xr.DataArray],
    crossings: Mapping[str, tuple[float, float]],
    margin: float,
    chance: xr.DataArray,
) -> Figure:
    """Projections on new and old values; recall against key overlap; the gain of error correction and its crossing.

    Parameters
    ----------
    chosen : of the spiking and the rate network, ``r2``, ``new`` and ``old`` (memory, overlap, episode).
    gains : R^2 of error correction minus that of the best overwrite (overlap, episode).
    crossings : the overlap at which a mean gain reaches the margin, and its standard error; NaN where there is none.
    chance : R^2 of an answer that ignores the key (overlap, episode).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    for network, table in chosen.items():
        dims = ("memory", "overlap", "episode")
        require(table, f"{network} Dataset", dict.fromkeys(("r2", "new", "old"), dims))
    figure = style.figure(style.TWO_COLUMNS, 4.3)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.0, 1.35, 1.1))
    _projections(left, chosen)
    for network, table in chosen.items():
        _recall(middle, network, table)
        _gain(right, network, gains[network], crossings[network], margin)
    overlap = next(iter(chosen.values()))["overlap"]
    middle.plot(overlap, chance.mean("episode"), color=style.GREY, linestyle=":", label="mean of stored values")
    for ax in (middle, right):
        ax.set_xlabel(style.label("overlap of two keys", overlap.assign_attrs(units="1")))
        ax.set_xlim(0, float(overlap.max()) * 1.05)
    middle.set_ylabel(style.label("recall R² of the last value", chosen["spiking"]["r2"]))
    middle.set_ylim(min(0.0, middle.get_ylim()[0]), 1)
    right.axhline(margin, color=style.BLACK, linewidth=0.5)
    right.axhline(0, color=style.GREY, linewidth=0.5)
    right.set_ylabel("R² of error correction − best overwrite (1)")
    low, high = right.get_ylim()
    right.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
    right.legend(loc="upper left", title=f"reaches {margin:g} at", alignment="left")
    style.letters((left, middle, right))
    counts = ", ".join(f"n = {table.sizes['episode']} ({network})" for network, table in chosen.items())
    curves, _ = middle.get_legend_handles_labels()
    networks = [Line2D([], [], color=style.BLACK, linestyle=line, label=network) for network, line in LINES.items()]
    style.legend(figure, [*curves, *networks], ncols=5, title=f"mean ± SEM over episodes, {counts}")
    return figure


def _projections(ax: Axes, chosen: Mapping[str, xr.Dataset]) -> None:
    """Bars for every memory, of the spiking networks above those of rate rules, at the least overlap."""
    names: list[str] = []
    shown: list[float] = []
    row = 0.0
    for table in chosen.values():
        here = table.isel(overlap=0)
        for memory in here["memory"].values:
            for offset, (name, colour) in zip((-0.2, 0.2), BARS.items(), strict=True):
                mean, sem, _ = average(here[name].sel(memory=memory), "episode")
                label = f"{name} value" if not names else None
                ax.barh(
                    row + offset,
                    float(mean),
                    0.38,
                    xerr=float(sem),
                    color=colour,
                    label=label,
                    error_kw={"elinewidth": 0.7, "capsize": 1.2},
                )
            names.append(str(memory).replace("_", " ").replace(", no feedback", ",\nno feedback"))
            shown.append(row)
            row += 1
        row += 0.6
    ax.set_yticks(shown, names)
    ax.set_ylim(row - 0.6, -1.7)  # room for the legend above the first bars
    ax.vlines(0, row - 0.6, -0.6, color=style.BLACK, linewidth=0.5)
    first = float(next(iter(chosen.values()))["overlap"][0])
    ax.set_xlabel(f"projection of the read (1),\noverlap {first:g}")
    ax.legend(loc="upper center", ncols=2, columnspacing=0.8, handlelength=1, borderaxespad=0)


def _recall(ax: Axes, network: str, table: xr.Dataset) -> None:
    for memory in CURVES[network]:
        look = style.rule(memory) if network == "rate" else style.synapse_model(memory)
        mean, sem, _ = average(table["r2"].sel(memory=memory), "episode")
        ax.errorbar(
            table["overlap"].values,
            mean.values,
            sem.values,
            linestyle=LINES[network],
            markerfacecolor=look["color"] if network == "spiking" else "white",
            **look,
        )


def _gain(ax: Axes, network: str, gain: xr.DataArray, crossing: tuple[float, float], margin: float) -> None:
    colour = style.NETWORK[network]
    mean, sem, _ = average(gain, "episode")
    place, error = crossing
    label = f"{network}: nowhere"
    if np.isfinite(place):
        ax.errorbar(
            place, margin, xerr=error if np.isfinite(error) else None, color=colour, marker="*", markersize=7, zorder=5
        )
        label = f"{network}: {place:.2f}" + (f" ± {error:.2f}" if np.isfinite(error) else "")
    ax.errorbar(
        gain["overlap"].values, mean.values, sem.values, color=colour, marker="o", linestyle=LINES[network], label=label
    )
