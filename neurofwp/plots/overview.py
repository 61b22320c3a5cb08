"""A whole result on one page: what was stored and recalled, one write of a synapse, and the rules that predict it."""

from __future__ import annotations

from math import isqrt
from textwrap import fill

import numpy as np
import xarray as xr
from matplotlib.figure import FigureBase

from neurofwp import metrics
from neurofwp.plots import captions, style
from neurofwp.plots.one_write import draw_write, find_write
from neurofwp.plots.recall_images import choose_reads, draw_key, draw_picture
from neurofwp.plots.rule_bars import rule_bars
from neurofwp.schema import require

WIDTH, HEIGHT = 7.6, 5.4  # inches
RECALLS = 5  # at most
SHOWN = {"probe_calcium": "calcium\n", "probe_conductance": "AMPA\n"}  # the unit stands in a line of its own
LINE = 62  # characters of a verdict in a line


@style.plot_function
def overview(
    program: xr.Dataset,
    trace: xr.Dataset,
    probes: xr.Dataset,
    spikes: xr.Dataset,
    fits: xr.Dataset,
    *,
    episode: int | None = None,
) -> style.StyledFigure:
    """a: keys (cells that are active), the values stored with them, and what spikes recall, with R^2. b: one write into
    one synapse: spikes, write gate, calcium with its thresholds, AMPA conductance. c: what every rule explains in
    episodes that it was not fitted to, and the verdict.

    Parameters
    ----------
    program : Program with ``target`` (episode, event, post). trace, probes, spikes : of a spiking network that ran it.
    fits : from `neurofwp.identification.identify`.
    episode : whose recalls are drawn; by default the first that the fits have not seen.

    Raises
    ------
    InputError
        if the Program asks for no recall, or no synapse was recorded in a write.
    """
    require(program, "Program", {"target": ("episode", "event", "post")})
    episode = int(fits["unit"].values[0]) if episode is None else episode
    figure = style.figure(WIDTH, HEIGHT)
    columns = figure.add_gridspec(1, 2, width_ratios=(0.46, 0.54))
    left, right = (figure.add_subfigure(columns[column]) for column in range(2))
    rows = left.add_gridspec(2, 1, height_ratios=(0.42, 0.58))
    above, below = (left.add_subfigure(rows[row]) for row in range(2))
    _draw_recalls(above, program, trace, episode)
    panels = {name: title for name, title in SHOWN.items() if name in probes}
    draw_write(below, find_write(program, trace, probes), program, trace, probes, spikes, panels)
    rule_bars(fits, ax=right.subplots())
    if "sentence" in fits:
        right.suptitle(fill(f"Verdict: {fits['sentence'].item()}", LINE), fontsize=7, x=0.04, ha="left")
    for part, letter in ((above, "a"), (below, "b"), (right, "c")):
        part.text(0.0, 1.0, letter, fontweight="bold", fontsize=8, va="top")
    figure.caption = captions.of_trace(trace, episode=episode)
    return figure


def _draw_recalls(figure: FigureBase, program: xr.Dataset, trace: xr.Dataset, episode: int) -> None:
    """Keys, values and recalls below one another."""
    target = program["target"].values[episode]
    events = list(choose_reads(np.flatnonzero(np.isfinite(target).all(-1)), episode, RECALLS, None))
    recalled = metrics.decode(program, trace).values[episode, events]
    r2 = metrics.recall_r2(program, trace, by=("episode", "event")).values[episode, events]
    square = isqrt(target.shape[-1]) ** 2 == target.shape[-1]
    low, high = float(target[events].min()), float(target[events].max())
    axes = figure.subplots(3, len(events), squeeze=False)
    for column, event in zip(axes.T, events, strict=True):
        draw_key(column[0], program["query"].values[episode, event])
    for row, pictures in zip(axes[1:], (target[events], recalled), strict=True):
        for ax, picture in zip(row, pictures, strict=True):
            draw_picture(ax, picture, low, high, square=square)
    for ax, number in zip(axes[2], r2, strict=True):
        ax.set_xlabel(f"R² {style.number(number)}", labelpad=2)
    for ax, name in zip(axes[:, 0], ("key", "value", "recalled"), strict=True):
        ax.set_ylabel(name)
