"""How long memories last: recall and weights against time, background firing, reads and receptor turnover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

PANELS = {"r2": "recall R²", "mean_weight": "mean weight left"}
X_LABELS = ("time, silent (s)", "time, silent (s)", "background rate (Hz)", "reads of every pair")
MARKER = "osD^v"
Curves = Mapping[str, xr.Dataset]


@style.plot_function
def retention(curves: Mapping[str, Curves], predicted: Curves) -> Figure:
    """Recall R^2 and mean weight: in silence, for each turnover, after background firing, and while being read.

    Parameters
    ----------
    curves : by gate ("closed", "open") and synapse model: ``r2`` and ``mean_weight`` (condition, block, episode), with
        coords ``kind`` ("silence", "background", "reads", "turnover"), ``level``, ``age``, ``weight_age``
        and ``passes``.
    predicted : by synapse model, the same from a fitted rule, drawn as broken lines.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    for models in (*curves.values(), predicted):
        for model, data in models.items():
            require(data, f"curves of {model}", dict.fromkeys(PANELS, ("condition", "block", "episode")))
    figure = style.figure(style.TWO_COLUMNS, 3.6)
    axes = figure.subplots(2, 4, sharey="row")
    for row, (name, title) in zip(axes, PANELS.items(), strict=True):
        for model in curves["closed"]:
            by_gate = {gate: models[model] for gate, models in curves.items() if model in models}
            _model(row, name, model, by_gate, predicted.get(model))
        turned = next((data for data in curves["closed"].values() if (data["kind"] == "turnover").any()), None)
        if turned is not None:
            _turnover(row[1], turned, predicted, name)
        row[0].set_ylabel(f"{title} (1)")
        for ax in row:
            ax.axhline(0, color=style.GREY, linewidth=0.4, zorder=1)
        bottom = -0.6 if name == "r2" else -0.05
        row[0].set_ylim(bottom, max(1.05, row[0].get_ylim()[1]))
    for ax, label in zip(axes[1], X_LABELS, strict=True):
        ax.set_xlabel(label)
    count = [data.sizes["episode"] for data in curves["closed"].values()][-1]
    style.letters(axes.ravel())
    style.legend(
        figure,
        axes[0, 3],
        loc="outside lower center",
        ncols=3,
        title=f"mean ± SEM, n = {count} episodes; open markers: write gate open during background firing and reads",
    )
    style.legend(
        figure,
        axes[0, 1],
        ncols=6,
        title="b, f: time constant of turnover; broken lines: rule with decay, fitted to the first events",
    )
    return figure


def _model(
    row: Sequence[Axes], name: str, model: str, by_gate: Mapping[str, xr.Dataset], predicted: xr.Dataset | None
) -> None:
    """One synapse model in the panels of a row but for turnover, with its gate closed and open."""
    look = style.synapse_model(model)
    del look["label"]
    _against_time(row[0], by_gate["closed"], name, "silence", model, look)
    for gate, data in by_gate.items():
        own = {**look, "markerfacecolor": "white"} if gate == "open" else look
        _against_rate(row[2], data, name, own)
        _against_time(row[3], data, name, "reads", f"{model}, gate {gate}", own)
    if predicted is not None:
        _prediction(row[0], predicted, name, "silence", look["color"])


def _of(data: xr.Dataset, kind: str) -> xr.Dataset:
    return data.isel(condition=np.flatnonzero(data["kind"].values == kind))


def _at(data: xr.Dataset, name: str, kind: str) -> np.ndarray:
    """Where readings stand: in the middle of all reads for recall, before the first one for weights."""
    if kind == "reads":
        return np.asarray(data["passes"] if name == "r2" else data["passes"] - 1)
    return np.asarray(data["age" if name == "r2" else "weight_age"])


def _against_time(ax: Axes, data: xr.Dataset, name: str, kind: str, label: str, look: dict[str, Any]) -> None:
    for condition in range((chosen := _of(data, kind)).sizes["condition"]):
        mean, sem, _ = average(chosen[name].isel(condition=condition), "episode")
        ax.errorbar(_at(chosen, name, kind), mean.values, sem.values, label=label, clip_on=True, **look)


def _prediction(ax: Axes, data: xr.Dataset, name: str, kind: str, colour: object) -> None:
    for condition in range((chosen := _of(data, kind)).sizes["condition"]):
        mean = chosen[name].isel(condition=condition).mean("episode")
        ax.plot(_at(chosen, name, kind), mean.values, color=colour, linestyle=(0, (3, 2)), linewidth=0.9, zorder=5)


def _turnover(ax: Axes, data: xr.Dataset, predicted: Curves, name: str) -> None:
    chosen = _of(data, "turnover")
    colours = matplotlib.colormaps[style.SEQUENTIAL](np.linspace(0, 0.85, chosen.sizes["condition"]))
    fits = [_of(each, "turnover") for each in predicted.values() if (each["kind"] == "turnover").any()]
    for condition, colour in enumerate(colours):
        one = chosen.isel(condition=[condition])
        level = float(one["level"].values[0])
        _against_time(ax, one, name, "turnover", f"{level:g} s", {"color": colour, "marker": "o"})
        for fit in fits:
            _prediction(ax, fit.isel(condition=[condition]), name, "turnover", colour)


def _against_rate(ax: Axes, data: xr.Dataset, name: str, look: dict[str, Any]) -> None:
    chosen = data.isel(condition=np.flatnonzero(np.isin(data["kind"].values, ("silence", "background"))))
    mean, sem, _ = average(chosen[name].isel(block=-1), "episode")
    ax.errorbar(chosen["level"].values, mean.values, sem.values, clip_on=True, **look)


@style.plot_function
def erasure(models: Curves, *, ax: Axes | None = None) -> Figure:
    """Time constants with which background firing erases ungated synapses, and the closed form.

    Parameters
    ----------
    models : by name: ``tau``, ``tau_sem`` and ``tau_closed`` (rate), rate in Hz.
    ax : axes to draw into, by default those of a figure of its own.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    figure, ax, place = style.panel(ax, style.ONE_COLUMN, 2.9)
    colours = (style.VERMILION, style.BLUE, style.GREEN, style.ORANGE, style.PURPLE)
    for number, (name, data) in enumerate(models.items()):
        require(data, f"erasure of {name}", dict.fromkeys(("tau", "tau_sem", "tau_closed"), ("rate",)))
        colour = colours[number % len(colours)]
        look: dict[str, Any] = {"color": colour, "marker": MARKER[number % len(MARKER)], "linestyle": "none"}
        ax.errorbar(data["rate"].values, data["tau"].values, data["tau_sem"].values, label=name, **look)
        ax.plot(data["rate"].values, data["tau_closed"].values, color=colour, linestyle=(0, (3, 2)))
    ax.set(xscale="log", yscale="log", xlabel="background rate (Hz)", ylabel="time constant of erasure (s)")
    rates = np.unique(np.concatenate([data["rate"].values for data in models.values()]))
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.xaxis.set_minor_locator(NullLocator())
    style.legend(place, ax, title="broken lines: closed form")
    return figure
