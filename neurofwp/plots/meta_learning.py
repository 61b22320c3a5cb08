"""Meta-learning: how well fast weights learn within an episode, before and after their slow net was trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from neurofwp.metrics import average
from neurofwp.plots import style
from neurofwp.schema import require

COLOUR = {"before": style.ORANGE, "after": style.BLUE}
CLOSED_FORMS = {
    "theory": ("closed form, best step", (0, (4, 2))),
    "limit": ("closed form, step over |x|²", (0, (1, 1.5))),
}
DASHED: dict[str, Any] = {"color": style.GREY, "linestyle": (0, (4, 2)), "linewidth": 0.8}


@style.plot_function
def meta_learning(error: xr.Dataset, few_shot: xr.Dataset, gate: xr.Dataset) -> Figure:
    """Four panels; lines and bands are mean and SEM over networks.

    The squared error of in-context regression with each rule against the number of examples, with closed forms and a
    mark at the number trained for; the accuracy of few-shot classification against shots; and the distribution of the
    write gate on events to store and on distractors.

    Parameters
    ----------
    error : ``squared_error`` (rule, training, network, examples), ``theory`` and ``limit`` (rule, examples), attribute
        ``examples``: how many were trained for. few_shot : ``accuracy`` (training, network, shots), attribute
        ``chance``. gate : ``density`` (training, network, kind, gate), share of events per bin, at its centre.
        The dim training is "before" and "after".

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(error, "Dataset of regression", {"squared_error": ("rule", "training", "network", "examples")})
    require(error, "Dataset of regression", dict.fromkeys(CLOSED_FORMS, ("rule", "examples")))
    require(few_shot, "Dataset of classification", {"accuracy": ("training", "network", "shots")})
    require(gate, "Dataset of gates", {"density": ("training", "network", "kind", "gate")})
    figure = style.figure(style.TWO_COLUMNS, 4.6)
    axes = figure.subplots(2, 2).ravel()
    for ax, rule in zip(axes[:2], ("hebbian", "delta"), strict=True):
        _regression(ax, error.sel(rule=rule), error.attrs["examples"])
        ax.set_title(f"in-context regression, {rule}")
    _few_shot(axes[2], few_shot)
    _gate(axes[3], gate)
    style.letters(axes)
    lines = [Line2D([], [], color=colour, label=f"{when} training") for when, colour in COLOUR.items()]
    lines += [Line2D([], [], color=style.BLACK, linestyle=dash, label=name) for name, dash in CLOSED_FORMS.values()]
    networks = error.sizes["network"]
    style.legend(
        figure,
        lines,
        ncols=len(lines),
        title=(f"mean ± SEM over {networks} slow nets each" if networks > 1 else "one slow net each")
        + "; hebbian: closed forms with the best step for each number of examples",
    )
    return figure


def _band(ax: Axes, x: np.ndarray, values: xr.DataArray, when: str, **look: Any) -> None:
    mean, sem, _ = average(values.sel(training=when), "network")
    ax.plot(x, mean.values, color=COLOUR[when], **look)
    ax.fill_between(x, (mean - sem).values, (mean + sem).values, color=COLOUR[when], alpha=0.25, linewidth=0)


def _regression(ax: Axes, error: xr.Dataset, trained_for: int) -> None:
    examples = error["examples"].values
    ax.axvline(trained_for, color=style.GREY, linewidth=0.5, zorder=0)
    ax.annotate(" trained for", (trained_for, 1), xycoords=("data", "axes fraction"), va="top", color=style.GREY)
    for name, (_, dash) in CLOSED_FORMS.items():
        ax.plot(examples, error[name].values, color=style.BLACK, linestyle=dash, linewidth=0.9, zorder=3)
    for when in COLOUR:
        _band(ax, examples, error["squared_error"], when)
    ax.set(xlabel="examples", ylabel=style.label("squared error", error["squared_error"]), yscale="log")
    ax.yaxis.set_major_formatter("{x:g}")


def _few_shot(ax: Axes, few_shot: xr.Dataset) -> None:
    chance = few_shot.attrs["chance"]
    shots = few_shot["shots"].values
    ax.axhline(chance, **DASHED)
    ax.annotate("chance", (shots[-1], chance), (0, 2), textcoords="offset points", ha="right", color=style.GREY)
    for when in COLOUR:
        _band(ax, shots, few_shot["accuracy"], when, marker="o", clip_on=False)
    ax.set(
        title="few-shot classification, new images",
        xlabel="examples of each class",
        xticks=shots,
        ylabel=style.label("accuracy", few_shot["accuracy"]),
        ylim=(0, 1.02),
    )


def _gate(ax: Axes, gate: xr.Dataset) -> None:
    """Distractors are drawn downwards, so that neither hides the other."""
    bins = gate["gate"].values
    width = 1 / len(bins)
    edges = np.concatenate([bins - width / 2, [1.0]])
    for kind, sign in (("stored", 1), ("distractors", -1)):
        for when, colour in COLOUR.items():
            share = sign * gate["density"].sel(kind=kind, training=when)
            mean, sem, _ = average(share, "network")
            filled = when == "after"
            ax.stairs(mean.values, edges, baseline=0, color=colour, fill=filled, alpha=0.5 if filled else 1)
            seen = mean.values != 0
            ax.errorbar(
                bins[seen],
                mean.values[seen],
                sem.values[seen],
                color=colour,
                linestyle="none",
                elinewidth=0.6,
                capsize=0,
            )
        ax.annotate(
            kind,
            (0.5, 0.97 if sign > 0 else 0.03),
            xycoords="axes fraction",
            ha="center",
            va="top" if sign > 0 else "bottom",
        )
    ax.axhline(0, color=style.BLACK, linewidth=0.5, zorder=5)
    ax.set(title="write gate, new images", xlabel="write gate (1)", ylabel="events", xlim=(0, 1), ylim=(-1, 1))
    ax.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    ax.set_yticks([-1, -0.5, 0, 0.5, 1], ["100 %", "50 %", "0 %", "50 %", "100 %"])
