"""How much memories hold that are written once: matrices of fast weights, and slots."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

THEORY: dict[str, Any] = {"linestyle": (0, (4, 2)), "linewidth": 0.8}


@style.plot_function
def one_pass_capacity(pairs: xr.Dataset) -> Figure:
    """Squared error and sign error of reading every pair back against the number of pairs; theory as lines.

    Parameters
    ----------
    pairs : ``squared_error`` and ``sign_error`` (rule, pairs, draw), ``squared_error_theory`` and
        ``sign_error_theory`` (rule, pairs); attribute ``key_cells``: dimensions of a key.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    panels = {"squared_error": "squared error", "sign_error": "wrong signs"}
    for name in panels:
        require(pairs, "Dataset of pairs", {name: ("rule", "pairs", "draw"), f"{name}_theory": ("rule", "pairs")})
    loads = pairs["pairs"].values
    figure = style.figure(5.0, 2.5)
    axes = figure.subplots(1, 2, sharex=True)
    for ax, (name, title) in zip(axes, panels.items(), strict=True):
        for rule in pairs["rule"].values:
            look = style.rule(rule)
            mean, sem, n = average(pairs[name].sel(rule=rule), "draw")
            ax.plot(loads, pairs[f"{name}_theory"].sel(rule=rule).values, color=look["color"])
            ax.errorbar(loads, mean.values, sem.values, linestyle="none", **look)
        ax.axvline(pairs.attrs["key_cells"], color=style.GREY, linewidth=0.5, zorder=0)
        ax.set(xlabel="pairs written", ylabel=style.label(title, pairs[name]))
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_ylim(0, None)
    style.letters(axes)
    style.legend(
        figure,
        axes[0],
        ncols=2,
        title=f"lines: theory; points: mean ± SEM, n = {n} draws; grey: as many pairs as key cells",
    )
    return figure


@style.plot_function
def slot_capacity(slots: xr.Dataset) -> Figure:
    """Accuracy of a slot memory and of a Hopfield network against their load, and capacity against slots opened.

    Random gating is drawn with the number of slots opened per pattern that holds most.

    Parameters
    ----------
    slots : ``accuracy`` (memory, patterns, group) and ``theory`` (memory, patterns), NaN where there is none;
        ``opened``, ``capacity``, ``capacity_sem``, ``capacity_theory`` and ``best`` (memory), True for the best
        random gating. Memories are "sequential", "Hopfield", and others for random gating. Attributes: ``slots``;
        ``needed``, the accuracy that counts as stored; ``episodes`` in a group.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    of_memory = dict.fromkeys(("opened", "capacity", "capacity_sem", "capacity_theory", "best"), ("memory",))
    require(slots, "Dataset of slots", {"accuracy": ("memory", "patterns", "group"), "theory": ("memory", "patterns")})
    require(slots, "Dataset of slots", of_memory)
    figure = style.figure(style.TWO_COLUMNS, 2.7)
    curves, capacities = figure.subplots(1, 2, width_ratios=(3, 2))
    groups = _accuracies(curves, slots)
    _capacities(capacities, slots)
    style.letters((curves, capacities))
    entries, _ = curves.get_legend_handles_labels()
    theory_last = sorted(entries, key=lambda entry: entry.get_label() == "random gating, theory")
    title = f"mean ± SEM, n = {groups} groups of {slots.attrs['episodes']} episodes"
    style.legend(figure, theory_last, title=title)
    return figure


def _accuracies(ax: Axes, slots: xr.Dataset) -> int:
    """Accuracy against the load; how many groups the means are of."""
    load, needed = slots["patterns"].values / slots.attrs["slots"], slots.attrs["needed"]
    best = str(slots["memory"].values[slots["best"].values].item())
    drawn = {"sequential": (style.BLUE, "o"), best: (style.ORANGE, "v"), "Hopfield": (style.GREY, "s")}
    for memory, (colour, marker) in drawn.items():
        here = slots.sel(memory=memory)
        mean, sem, groups = average(here["accuracy"], "group")
        label = f"random gating, {float(here['opened']):g} slots per pattern" if memory == best else memory
        label = "sequential gating" if memory == "sequential" else label
        ax.errorbar(load, mean.values, sem.values, color=colour, marker=marker, label=label)
    ax.plot(load, slots["theory"].sel(memory=best).values, color=style.BLACK, **THEORY, label="random gating, theory")
    ax.axhline(needed, color=style.GREY, linewidth=0.5, zorder=0)
    ax.annotate(f"{needed:.0%}", (1, needed), xycoords=("axes fraction", "data"), ha="right", va="bottom")
    ax.set(
        xlabel=f"patterns per slot (N = {slots.attrs['slots']})", ylabel=style.label("right bits", slots["accuracy"])
    )
    ax.set_ylim(None, 1.01)
    return groups


def _capacities(ax: Axes, slots: xr.Dataset) -> None:
    """Capacity of random gating against the slots that it opens, and that of a Hopfield network."""
    random = slots.isel(memory=~np.isin(slots["memory"].values, ["sequential", "Hopfield"]))
    opened, capacity, sem = (random[name].values for name in ("opened", "capacity", "capacity_sem"))
    ax.errorbar(opened, capacity, sem, color=style.ORANGE, marker="v")
    ax.plot(opened, random["capacity_theory"].values, color=style.BLACK, **THEORY)
    hopfield, error = (float(slots[name].sel(memory="Hopfield")) for name in ("capacity", "capacity_sem"))
    ax.axhspan(hopfield - error, hopfield + error, color=style.GREY, alpha=0.3, linewidth=0)
    ax.axhline(hopfield, color=style.GREY)
    ax.set(xlabel="slots opened per pattern", ylabel=style.label("capacity", slots["capacity"]))
    ax.set_ylim(0, None)
