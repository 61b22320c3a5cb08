"""Three memories on one circuit: completion from degraded keys, and recall of sequences."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

LABELS = {"r2": "recall R², best gain", "gain": "gain, of whole keys'", "identified": "right value identified"}
MEMORY = {"hetero": (style.VERMILION, "o"), "auto": (style.BLUE, "s"), "sequence": (style.GREEN, "^")}
HOPFIELD: dict[str, dict[str, Any]] = {
    "sparse": {"color": style.BLACK, "linestyle": "-.", "marker": "x", "markersize": 4},
    "dense": {"color": style.PURPLE, "linestyle": "-.", "marker": "+", "markersize": 4},
    "nearest key": {"color": style.GREY, "linestyle": "-", "linewidth": 0.6},
}
DASHED = (0, (4, 2))
MODE = {"stepwise": (style.BLACK, "o"), "cleaned": (style.BLUE, "s"), "direct": (style.VERMILION, "^")}


@style.plot_function
def completion(recall: xr.Dataset, expected: xr.Dataset, hopfield: xr.Dataset) -> Figure:
    """Recall against the share of a key's active cells that is silenced (left) or swapped (right).

    Points with SEM are spikes, lines the rate network, broken lines the closed form of a linear read of the measured
    conductances; dotted in the first row the mean of the stored values, which ignores the key, for whole keys. Hopfield
    networks and the nearest stored key are in the last row only.

    Parameters
    ----------
    recall : ``r2``, ``gain``, ``identified`` (network, association, cue, episode) and ``chance``, with coords
        ``damage`` and ``share`` (cue), ``synapse_model``; attributes ``title`` and ``rule``.
    expected : ``r2`` and ``gain``, likewise. hopfield : ``identified`` (memory, cue, episode).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    dims = ("network", "association", "cue", "episode")
    require(recall, "recall", dict.fromkeys((*LABELS, "chance"), dims))
    require(expected, "expected recall", dict.fromkeys(("r2", "gain"), dims))
    require(hopfield, "Hopfield networks", {"identified": ("memory", "cue", "episode")})
    figure = style.figure(style.TWO_COLUMNS, 6.2)
    axes = figure.subplots(3, 2, sharex=True, sharey="row")
    for column, damage in enumerate(("silenced", "swapped")):
        at = np.flatnonzero(np.isin(recall["damage"].values, ("none", damage)))
        share = recall["share"].values[at]
        for ax, name in zip(axes[:, column], LABELS, strict=True):
            for number, memory in enumerate(MEMORY):
                theory = expected[name].sel(association=memory).isel(cue=at) if name in expected else None
                _memory(ax, recall[name].sel(association=memory).isel(cue=at), theory, 0.012 * (number - 1))
        chance = float(recall["chance"].where(recall["damage"] == "none").mean())
        axes[0, column].axhline(chance, color=style.GREY, linewidth=0.6, linestyle=":", zorder=1)
        if damage == "silenced":
            axes[1, column].plot(share, 1 - share, color=style.BLACK, linestyle=":", linewidth=0.8)
        for kind, look in HOPFIELD.items():
            values = hopfield["identified"].sel(memory=kind).isel(cue=at).mean("episode").values
            axes[2, column].plot(share, values, **look)
        axes[-1, column].set_xlabel(f"share of active key cells {damage} (1)")
    for row, (name, text) in zip(axes, LABELS.items(), strict=True):
        row[0].set_ylabel(style.label(text, recall[name]))
        row[0].set_ylim(0 if name != "r2" else None, 1.04 if name != "gain" else None)
    style.letters(axes.ravel())
    style.legend(
        figure,
        _key(str(recall.attrs["rule"])),
        ncols=4,
        title=f"{recall['synapse_model'].item()}; {recall.attrs['title']}; "
        f"mean ± SEM, n = {recall.sizes['episode']} episodes",
    )
    return figure


def _memory(ax: Axes, measured: xr.DataArray, theory: xr.DataArray | None, shift: float) -> None:
    """One measure of one memory against the share that is damaged; (network, cue, episode)."""
    colour, marker = MEMORY[measured["association"].item()]
    share = measured["share"].values
    mean, sem, _ = average(measured.sel(network="spiking"), "episode")
    look: dict[str, Any] = {"marker": marker, "linestyle": "none", "clip_on": False, "markersize": 3.5, "zorder": 4}
    ax.errorbar(share + shift, mean.values, sem.values, color=colour, **look)
    ax.plot(share, measured.sel(network="rate").mean("episode").values, color=colour)
    if theory is not None:
        values = theory.sel(network="spiking").mean("episode").values
        ax.plot(share, values, color=colour, linestyle=DASHED, linewidth=0.8)


def _key(rule: str) -> list[Line2D]:
    made = [Line2D([], [], color=colour, marker=marker, label=memory) for memory, (colour, marker) in MEMORY.items()]
    made += [
        Line2D([], [], color=style.BLACK, marker="o", linestyle="none", label="spiking"),
        Line2D([], [], color=style.BLACK, label=f"rate network, {rule}"),
        Line2D([], [], color=style.BLACK, linestyle=DASHED, linewidth=0.8, label="measured weights, linear read"),
        Line2D([], [], color=style.BLACK, linestyle=":", linewidth=0.8, label="1 − share"),
        Line2D([], [], color=style.GREY, linestyle=":", linewidth=0.6, label="mean of stored values"),
    ]
    names = {"sparse": "Hopfield, same keys", "dense": "Hopfield, random ±1", "nearest key": "nearest stored key"}
    return made + [Line2D([], [], label=names[kind], **look) for kind, look in HOPFIELD.items()]


@style.plot_function
def sequence_recall(loop: xr.Dataset) -> Figure:
    """Recall of a ring of items: right positions, how well answers are the next key, and the images of an episode.

    Parameters
    ----------
    loop : ``right`` (network, mode, step, episode), ``one_overlap`` and ``direct_overlap`` (network, step, episode),
        ``answer`` (network, mode, step, post) and ``target`` (network, step, post) of one episode, drawn for
        "spiking"; a square number of pixels.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(loop, "Dataset of the loop", {"right": ("network", "mode", "step", "episode")})
    overlaps = dict.fromkeys(("one_overlap", "direct_overlap"), ("network", "step", "episode"))
    require(loop, "Dataset of the loop", overlaps | {"answer": ("network", "mode", "step", "post")})
    steps = loop["step"].values
    figure = style.figure(style.TWO_COLUMNS, 5.4)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.15), squeeze=False)[:, 0]
    right, overlap = upper.subplots(1, 2)
    for number, (mode, (colour, marker)) in enumerate(MODE.items()):
        _line(right, steps, loop["right"].sel(mode=mode), 0.08 * (number - 1), color=colour, marker=marker, label=mode)
    right.axhline(1 / len(steps), color=style.GREY, linewidth=0.6, linestyle=":")
    _line(overlap, steps, loop["one_overlap"], -0.05, color=style.BLACK, marker="o", label="one step")
    _line(overlap, steps, loop["direct_overlap"], 0.05, color=style.VERMILION, marker="^", label="direct")
    right.set(xlabel="step", ylabel=style.label("right item recalled", loop["right"]), ylim=(-0.03, 1.04))
    overlap.set(xlabel="step", ylabel=style.label("answer as a key: overlap", loop["one_overlap"]), ylim=(-0.03, 1.04))
    for ax, free in ((right, "center left"), (overlap, "lower left")):
        ax.set_xticks(steps)
        ax.legend(loc=free)
    style.letters((right, overlap))
    upper.suptitle(
        f"{loop['synapse_model'].item()}: filled, spiking network (direct: its weights); open, rate network, "
        f"{loop.attrs['rule']}; mean ± SEM, n = {loop.sizes['episode']} episodes",
        fontsize=7,
    )
    here = loop.sel(network="spiking")
    rows = {"target": here["target"]} | {mode: here["answer"].sel(mode=mode) for mode in MODE}
    axes = lower.subplots(len(rows), len(steps), squeeze=False)
    side = isqrt(here.sizes["post"])
    for row, (name, images) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(name)
        for ax, step in zip(row, steps, strict=True):
            image = ax.imshow(images.sel(step=step).values.reshape(side, -1), cmap=style.SEQUENTIAL, vmin=-1, vmax=1)
            style.image_axes(ax)
            if name == "target":
                ax.set_title(f"step {step}")
    lower.colorbar(image, ax=axes, label=style.label("value", here["answer"]), extend="both", shrink=0.8, aspect=25)
    return figure


def _line(ax: Axes, steps: np.ndarray, values: xr.DataArray, shift: float, **look: Any) -> None:
    """Spiking network filled, rate network open and broken; without error bars where there is no spread."""
    open_look: dict[str, Any] = {"markerfacecolor": "white", "linestyle": DASHED, "linewidth": 0.7, "label": None}
    for network, own in (("spiking", look), ("rate", look | open_look)):
        mean, sem, _ = average(values.sel(network=network), "episode")
        ax.errorbar(steps + shift, mean.values, sem.values, clip_on=False, **own)
