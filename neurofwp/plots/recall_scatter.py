"""Decoded recall against target, every dimension of every recall."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import metrics
from neurofwp.errors import InputError
from neurofwp.plots import captions, style
from neurofwp.schema import require
from neurofwp.trace import only_condition


@style.plot_function
def recall_scatter(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset) -> Figure:
    """Decoded recall against target for both networks, over all episodes, with R^2 and the line of identity.

    Parameters
    ----------
    program : Program with ``target`` (episode, event, post).
    spiking, rate : Traces of that Program; decoded and scored by `neurofwp.metrics.recall`.

    Raises
    ------
    InputError
        if the Program asks for no target.
    """
    only_condition(spiking, rate)
    require(program, "Program", {"target": ("episode", "event", "post")})
    target = program["target"]
    asked = np.isfinite(target.values)
    if not asked.any():
        raise InputError("the Program has no target, so there is no recall to compare with it")
    truth = target.values[asked]

    figure = style.figure(4.6, 2.4)
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for ax, (name, trace) in zip(axes, (("spiking", spiking), ("rate", rate)), strict=True):
        answer = metrics.decode(program, trace).values[asked]
        r2 = float(metrics.recall_r2(program, trace))
        ax.axline((0, 0), slope=1, color=style.GREY, linewidth=0.6, zorder=1)
        ax.plot(
            truth,
            answer,
            "o",
            color=style.NETWORK[name],
            markersize=1.5,
            alpha=0.25,
            markeredgewidth=0,
            rasterized=True,
        )
        ax.set_title(f"{name}: R² {style.number(r2, 3)}")
        ax.set_xlabel(style.label("target", target))
    axes[0].set_ylabel(style.label("decoded recall", target))
    style.letters(axes)
    reads = int(asked.all(-1).sum())
    figure.caption = (
        f"{reads} recalls of {target.sizes['post']} dimensions each, in {target.sizes['episode']} episodes. "
        f"Spiking: {captions.of_trace(spiking)} Rate network: {captions.of_trace(rate)}"
    )
    return figure
