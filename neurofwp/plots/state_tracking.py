"""State tracking: accuracy far beyond the lengths of training."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from neurofwp.plots import style
from neurofwp.schema import require

TITLES = {
    "parity": "parity",
    "mod3": "sum modulo 3",
    "swaps": "swaps of five things",
    "s5": "permutations of five things",
    "brackets": "brackets, modulo 3",
}
LOOKS = {
    "beta_1": ("delta, β up to 1", style.GREY, "s"),
    "beta_2": ("delta, β up to 2", *style.RULES["delta"]),
    "one_micro_step": ("one micro-step", style.VERMILION, "d"),
    "two_micro_steps": ("two micro-steps", *style.RULES["delta_product"]),
    "four_micro_steps": ("four micro-steps", "#2B2F77", "h"),
    "recurrent_delta": ("recurrent delta", *style.RULES["recurrent_delta"]),
    "self_referential": ("self-referential", *style.RULES["self_referential"]),
    "lstm": ("LSTM", *style.RULES["lstm"]),
    "transformer": ("Transformer", *style.RULES["softmax"]),
}
COLUMNS = 3


def look(condition: str) -> tuple[str, str, str]:
    """Label, colour and marker of the model of a condition; one without is of two micro-steps."""
    return LOOKS[condition.partition(".")[2] or "two_micro_steps"]


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
    conditions = curves["condition"].values.tolist()
    tasks = [task for task in TITLES if any(name.split(".")[0] == task for name in conditions)]
    rows = -(-len(tasks) // COLUMNS)
    figure = style.figure(style.TWO_COLUMNS, 0.7 + 2.3 * rows)
    grid = figure.subplots(rows, min(COLUMNS, len(tasks)), sharex=True, sharey=True, squeeze=False)
    axes = grid.ravel()[: len(tasks)]
    for ax in grid.ravel()[len(tasks) :]:
        ax.remove()
    for ax, task in zip(axes, tasks, strict=True):
        ax.axvspan(lengths[0], trained, color=style.GREY, alpha=0.15, linewidth=0, zorder=0)
        ax.axhline(0, color=style.BLACK, linestyle=(0, (4, 2)), linewidth=0.8, zorder=1)
        for name in (each for each in conditions if each.split(".")[0] == task):
            label, colour, marker = look(name)
            accuracy = curves["accuracy"].sel(condition=name).transpose("length", "network")
            ax.plot(lengths, accuracy.values, color=colour, linewidth=0.6, alpha=0.5)
            mean = accuracy.mean("network").values
            ax.plot(lengths, mean, color=colour, marker=marker, linestyle="none", label=label, clip_on=False)
        ax.set(title=TITLES[task], xlabel=style.label("length", curves["length"]))
        ax.set_xscale("log", base=2)
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.tick_params(labelbottom=True)
    for ax in grid[:, 0]:
        ax.set_ylabel(style.label("scaled accuracy", curves["accuracy"]))
    axes[0].set_ylim(min(-0.1, float(curves["accuracy"].min()) - 0.05), 1.03)
    style.letters(axes)
    count = curves.sizes["network"]
    entries = [line for ax in axes for line in ax.get_legend_handles_labels()[0]]
    style.legend(
        figure,
        entries,
        ncols=5,
        title=f"lines: {count} network{'s' if count > 1 else ''} per condition; points: their mean; "
        f"shaded: training lengths, up to {trained}; dashed: chance",
    )
    return figure
