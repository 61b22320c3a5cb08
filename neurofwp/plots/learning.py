"""Meta-training: what a slow net learned, step by step."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from neurofwp.plots import style
from neurofwp.schema import require

COLOURS = (style.BLUE, style.VERMILION, style.GREEN)


@style.plot_function
def learning(history: xr.Dataset) -> Figure:
    """Loss, and what else was measured, against the training step; lines: on held-out episodes, before and after.

    Parameters
    ----------
    history : ``loss`` and other numbers (step) as of `neurofwp.slownet.training.meta_training.history`, those measured
        on held-out episodes under the same names with `_before` and `_after`.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(history, "history of a training", {"loss": ("step",)})
    measures = [str(name) for name, values in history.data_vars.items() if values.dims == ("step",) and name != "loss"]
    figure = style.figure(style.TWO_COLUMNS, 2.4)
    left, right = figure.subplots(1, 2)
    step = history["step"].values
    left.plot(step, history["loss"].values, color=style.BLACK, marker="o")
    left.set(xlabel="training step", ylabel=style.label("loss", history["loss"]))
    if float(history["loss"].min()) > 0 and float(history["loss"].max() / history["loss"].min()) > 10:
        left.set_yscale("log")
    for name, colour in zip(measures, COLOURS, strict=False):
        label = name.replace("_", " ")
        right.plot(step, history[name].values, color=colour, marker="o", label=label)
        for when, line in (("before", (0, (1, 2))), ("after", (0, (4, 2)))):
            if f"{name}_{when}" in history:
                right.axhline(float(history[f"{name}_{when}"]), color=colour, linestyle=line, linewidth=0.8)
    right.set(xlabel="training step", ylabel=style.label("score", history["loss"]))
    style.letters((left, right))
    style.legend(figure, right, ncols=len(measures), title="held-out episodes: dotted before, dashed after training")
    return figure
