"""Attention and fast weights: the same matrices to rounding, and what they cost as sequences grow."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.schema import require

MARKERS = "osD^vPX"
NORMALISED = {"normalised": style.PURPLE}  # the sum rule, divided by the sum of its scores
COSTS = {"seconds": "time", "bytes": "peak memory"}


@style.plot_function
def attention_matrices(matrices: xr.Dataset) -> Figure:
    """Attention written out as a matrix beside the same matrix read from a fast weight memory of one-hot values.

    Parameters
    ----------
    matrices : ``weight`` (matrix, token, written): what the read at a token gives to the value written at another.

    Raises
    ------
    InputError
        if it is missing.
    """
    require(matrices, "matrices Dataset", {"weight": ("matrix", "token", "written")})
    names = [str(name) for name in matrices["matrix"].values]
    figure = style.figure(style.TWO_COLUMNS, 0.75 + style.TWO_COLUMNS / max(len(names), 4))
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    style.letters(axes)
    for ax, name in zip(axes, names, strict=True):
        weight = matrices["weight"].sel(matrix=name).transpose("token", "written")
        largest = float(np.abs(weight).max()) or 1.0
        image = ax.imshow(weight, cmap=style.DIVERGING, vmin=-largest, vmax=largest)
        style.image_axes(ax)
        ax.set_xlabel("token written")
        ax.set_title(name.replace(": ", ":\n"))
        bar = figure.colorbar(image, ax=ax, location="bottom", shrink=0.9, ticks=[-largest, 0, largest])
        bar.set_ticklabels([style.number(tick, 1) for tick in (-largest, 0.0, largest)])
    axes[0].set_ylabel("token that reads")
    return figure


@style.plot_function
def read_differences(reads: xr.Dataset) -> Figure:
    """How far two forms of the same read are apart: token by token where they are, and the largest for every shape.

    Parameters
    ----------
    reads : ``difference`` (comparison, precision, shape, token) in two precisions, largest over batch, head and
        channel, and ``rounding`` with the same dims, the rounding error of a single sum; NaN beyond the length of a
        shape.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    dims = ("comparison", "precision", "shape", "token")
    require(reads, "reads Dataset", {"difference": dims, "rounding": dims})
    comparisons = [str(name) for name in reads["comparison"].values]
    precisions = [str(name) for name in reads["precision"].values]
    shapes = [str(name) for name in reads["shape"].values]
    longest = reads.isel(shape=int(reads["difference"].notnull().sum("token").max(dims[:2]).argmax("shape")))
    in_roundings = (reads["difference"] / reads["rounding"]).max("token")
    figure = style.figure(style.TWO_COLUMNS, 3.0)
    *left, right = figure.subplots(1, len(precisions) + 1)
    style.letters((*left, right))
    for ax, precision, fill in zip(left, precisions, ("full", "none"), strict=True):
        for index, comparison in enumerate(comparisons):
            look: dict[str, Any] = {
                "color": _colour(comparison),
                "marker": MARKERS[index],
                "fillstyle": fill,
                "markeredgewidth": 0.5,
            }
            at = {"precision": precision, "comparison": comparison}
            token = longest["difference"].sel(at)
            ax.plot(longest["token"], token.where(token > 0), linestyle="", markersize=2, **look)
            rows = np.arange(len(shapes)) + 0.12 * (index - (len(comparisons) - 1) / 2)
            label = comparison if fill == "full" else None
            right.plot(in_roundings.sel(at), rows, linestyle="", markersize=3.5, label=label, **look)
        for rounding in longest["rounding"].sel(precision=precision):
            ax.plot(longest["token"], rounding, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.6)
        ax.set(yscale="log", xlabel=style.label("token", reads["token"]))
        ax.set_title(f"{precision}, shape\n{longest['shape'].item()}")
    left[0].set_ylabel(style.label("largest difference", reads["difference"]))
    right.set_yticks(np.arange(len(shapes)), shapes)
    right.set(xlabel="largest difference (roundings)", title="all tokens, every shape")
    right.set_ylabel("batch × time × heads × key × value")
    right.set_xlim(-0.02 * right.get_xlim()[1])  # what is equal to the last bit stays in sight
    right.invert_yaxis()
    title = "dashed: one rounding of the sum; filled: {}, open: {}".format(*precisions)
    style.legend(figure, right, loc="outside lower center", title=title)
    return figure


@style.plot_function
def cost_against_length(cost: xr.Dataset, quantity: str) -> Figure:
    """Time or memory of every form against the length of the sequence, both axes logarithmic, a panel per work.

    Parameters
    ----------
    cost : ``seconds`` (work, form, length, repeat), drawn as median and quartiles over repeats, or ``bytes`` (work,
        form, length). Where there is ``seconds_slope`` or ``bytes_slope`` (work, form), the legend gives it, with
        its attribute ``fitted_from``, the shortest length of the fit.
    quantity : "seconds" or "bytes".

    Raises
    ------
    InputError
        for another quantity, or if it is missing.
    """
    if quantity not in COSTS:
        raise InputError(f"cost is drawn in seconds or bytes, not in {quantity!r}")
    dims = ("work", "form", "length")
    require(cost, "cost Dataset", {quantity: (*dims, "repeat") if quantity == "seconds" else dims})
    works = [str(work) for work in cost["work"].values]
    figure = style.figure(style.TWO_COLUMNS, 3.4)
    axes = figure.subplots(1, len(works), sharex=True, sharey=True, squeeze=False)[0]
    style.letters(axes)
    for ax, work in zip(axes, works, strict=True):
        _costs(ax, cost.sel(work=work), quantity)
        ax.set_title(work)
    axes[0].set_ylabel(style.label(COSTS[quantity], cost[quantity]))
    return figure


def _costs(ax: Axes, cost: xr.Dataset, quantity: str) -> None:
    slopes = cost.get(f"{quantity}_slope")
    lengths = cost["length"]
    for index, form in enumerate(cost["form"].values):
        values = cost[quantity].sel(form=form)
        label = str(form) if slopes is None else f"{form}: {style.number(float(slopes.sel(form=form)))}"
        look: dict[str, Any] = {"color": _colour(str(form)), "marker": MARKERS[index], "label": label}
        if "repeat" in values.dims:
            low, middle, high = (values.quantile(q, "repeat") for q in (0.25, 0.5, 0.75))
            ax.errorbar(lengths, middle, yerr=(middle - low, high - middle), capsize=0, **look)
        else:
            ax.plot(lengths, values, **look)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(*_octaves([int(length) for length in lengths]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel(style.label("length", lengths))
    title = None if slopes is None else f"slope from {slopes.attrs['fitted_from']} {lengths.attrs['units']} on"
    ax.legend(title=title, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


def _colour(form: str) -> Any:
    """That of the rule that a form such as "hebbian, chunkwise" computes."""
    rule = re.split("[,:]", form)[0]
    return NORMALISED.get(rule, style.rule(rule)["color"])


def _octaves(lengths: list[int]) -> tuple[list[int], list[str]]:
    """The lengths that are far enough apart for their labels, and these."""
    chosen: list[int] = []
    for length in sorted(lengths):
        if not chosen or length >= 2 * chosen[-1]:
            chosen.append(length)
    return chosen, [str(length) for length in chosen]
