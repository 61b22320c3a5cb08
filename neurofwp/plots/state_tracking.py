"""State tracking: accuracy far beyond the lengths of training."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from neurofwp.plots import style
from neurofwp.schema import require

LSTM = (style.ORANGE, "^")
PANELS = {
    "parity": {
        "parity.beta_1": ("β up to 1", style.GREY, "s"),
        "parity.beta_2": ("β up to 2", *style.RULES["delta"]),
        "parity.lstm": ("LSTM", *LSTM),
        "parity.transformer": ("Transformer", *style.RULES["softmax"]),
    },
    "sum modulo 3": {
        "mod3.one_micro_step": ("one micro-step", style.GREY, "s"),
        "mod3": ("two micro-steps", *style.RULES["delta_product"]),
        "mod3.lstm": ("LSTM", *LSTM),
        "mod3.transformer": ("Transformer", *style.RULES["softmax"]),
    },
}


@style.plot_function
def state_tracking(curves: xr.Dataset) -> Figure:
    """Scaled accuracy against length: every network as a thin line, their mean as points; training lengths shaded.

    Parameters
    ----------
    curves : ``accuracy`` (condition, network, length), scaled: 1 is perfect, 0 chance; attribute ``training_length``.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(curves, "Dataset of curves", {"accuracy": ("condition", "network", "length")})
    lengths = curves["length"].values
    trained = curves.attrs["training_length"]
    figure = style.figure(style.TWO_COLUMNS, 2.9)
    axes = figure.subplots(1, len(PANELS), sharex=True, sharey=True)
    for ax, (title, conditions) in zip(axes, PANELS.items(), strict=True):
        ax.axvspan(lengths[0], trained, color=style.GREY, alpha=0.15, linewidth=0, zorder=0)
        ax.axhline(0, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8, zorder=1)
        for name in (each for each in conditions if each in curves["condition"]):
            label, colour, marker = conditions[name]
            accuracy = curves["accuracy"].sel(condition=name).transpose("length", "network")
            ax.plot(lengths, accuracy.values, color=colour, linewidth=0.6, alpha=0.5)
            mean = accuracy.mean("network").values
            ax.plot(lengths, mean, color=colour, marker=marker, linestyle="none", label=label, clip_on=False)
        ax.set(title=title, xlabel=style.label("length", curves["length"]))
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
    axes[0].set_ylabel(style.label("scaled accuracy", curves["accuracy"]))
    axes[0].set_ylim(min(-0.1, float(curves["accuracy"].min()) - 0.05), 1.03)
    style.letters(axes)
    count = curves.sizes["network"]
    figure.suptitle(
        f"lines: {count} network{'s' if count > 1 else ''} per condition; points: their mean; "
        f"shaded: training lengths, up to {trained}; dashed: chance",
        fontsize=7,
    )
    return figure
