"""The summary sheet: how well each synapse model describes each study."""

from __future__ import annotations

import textwrap

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from neurofwp.plots import style
from neurofwp.schema import require

SPAN = (0.1, 100.0)  # of the colours
DARK = 0.55  # of the colours, from where on numbers are white
FRAMES = {"train": ("-", "fitted"), "same study": (":", "the fitted study in another digitisation")}


@style.plot_function
def summary_sheet(scores: xr.Dataset, *, ax: Axes | None = None) -> Figure:
    """chi^2 per point as numbers on colours, one row per model and one column per study.

    Cells of a study to which the row was fitted have a solid frame; those of its other digitisation a dotted one. For
    fits a last column has all studies that were not fitted.

    Parameters
    ----------
    scores : ``chi2`` (row, study), ``role`` (row, study; "train", "same study" or other), ``points`` (study), and over
        ``row`` ``test`` (NaN for published parameters), ``model`` and ``fitted_to``, empty for published parameters.
    ax : axes to draw into, by default those of a figure of its own.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    both = ("row", "study")
    names = {"chi2": both, "role": both, "points": ("study",)}
    require(scores, "Dataset of scores", {**names, **dict.fromkeys(("test", "model", "fitted_to"), ("row",))})
    chi2, role = (scores[name].transpose(*both).values for name in ("chi2", "role"))
    titles = _titles(scores)
    if scores["test"].notnull().any():
        chi2 = np.column_stack([chi2, scores["test"].values])
        role = np.column_stack([role, np.full(len(role), "")])
        titles.append("all that\nwas not\nfitted")
    rows, columns = chi2.shape
    figure, ax, place = style.panel(ax, style.TWO_COLUMNS, 1.5 + 0.16 * rows)
    norm = LogNorm(*SPAN)
    # a model that is exactly right has no place on a logarithmic scale
    drawn = ax.imshow(np.clip(chi2, *SPAN), norm=norm, cmap=f"{style.SEQUENTIAL}_r", aspect="auto")
    for row, column in np.ndindex(rows, columns):
        value, own = float(chi2[row, column]), str(role[row, column])
        colour = "white" if norm(np.clip(value, *SPAN)) > DARK else style.BLACK
        ax.text(column, row, _short(value), ha="center", va="center_baseline", fontsize=6, color=colour)
        if own in FRAMES:
            ax.add_patch(_frame((column - 0.47, row - 0.43), 0.94, 0.86, FRAMES[own][0]))
    labels = _labels(scores)
    for row in range(1, rows):
        if labels[row][0]:  # another model begins
            ax.axhline(row - 0.5, color="white", linewidth=1.5)
    ax.set_yticks(range(rows), [", ".join(filter(None, label)) for label in labels], fontsize=6)
    ax.set_xticks(range(columns), titles, fontsize=6)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    bar = figure.colorbar(drawn, ax=ax, extend="both", shrink=min(1.0, 14 / rows), label="χ² per point (1)")
    bar.ax.yaxis.set_major_formatter("{x:g}")
    handles = [
        _frame((0, 0), 1, 1, line, label=label) for name, (line, label) in FRAMES.items() if (role == name).any()
    ]
    if handles:
        style.legend(place, handles, loc="outside lower center", ncols=2)
    return figure


def _frame(corner: tuple[float, float], width: float, height: float, line: str, label: str = "") -> Rectangle:
    return Rectangle(
        corner, width, height, fill=False, linewidth=1.1, linestyle=line, edgecolor=style.VERMILION, label=label
    )


def _titles(scores: xr.Dataset) -> list[str]:
    """Studies, with their numbers of points."""
    return [
        f"{textwrap.fill(study.replace('_', ' '), 11)}\n(n = {points})"
        for study, points in zip(scores["study"].values.tolist(), scores["points"].values.tolist(), strict=True)
    ]


def _labels(scores: xr.Dataset) -> list[tuple[str, str]]:
    """The model, where it is not that of the row above, and of fits the study that was fitted."""
    models = scores["model"].values.tolist()
    shown = [model if row == 0 or model != models[row - 1] else "" for row, model in enumerate(models)]
    return list(zip(shown, scores["fitted_to"].values.tolist(), strict=True))


def _short(value: float) -> str:
    """Two digits, or all before the point."""
    return style.number(value, 0 if value >= 9.95 else 1 if value >= 0.095 else 2)
