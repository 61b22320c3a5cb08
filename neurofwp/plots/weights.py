"""The weights that both networks hold after the same event."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots import captions, style
from neurofwp.plots.positions import at
from neurofwp.trace import only_condition

CARRIES = 0.1  # of the strongest cell, root mean square over post; a maximum would let noise in


@style.plot_function
def weights(spiking: xr.Dataset, rate: xr.Dataset, *, episode: int = 0, event: int = -1) -> Figure:
    """Weights of both networks (a, b), on one scale where they have one unit, and the one against the other (c).

    Shown are the presynaptic cells whose weights, in either network, have a root mean square over post of more than
    10 % of the strongest cell's. Cells with similar rate weights stand together (average linkage), so that the cells
    of one key form a block of columns.

    Parameters
    ----------
    spiking, rate : Traces of one Program, ``weight`` (episode, event, post, pre) in nS and 1.

    Raises
    ------
    InputError
        if there is no such episode or event, or the two Traces differ in shape.
    """
    only_condition(spiking, rate)
    if spiking["weight"].shape != rate["weight"].shape:
        raise InputError(
            f"the weights of the two Traces differ in shape, {spiking['weight'].shape} and {rate['weight'].shape}; "
            "draw two runs of one Program"
        )
    matrices = {
        name: at(trace, "Trace", episode=episode, event=event)["weight"]
        for name, trace in (("spiking", spiking), ("rate", rate))
    }
    cells = _order(matrices["spiking"].values, matrices["rate"].values)
    shown = {name: matrix.isel(pre=cells) for name, matrix in matrices.items()}

    figure = style.figure(style.TWO_COLUMNS, 2.5)
    axes = figure.subplots(1, 3, gridspec_kw={"width_ratios": (1, 1, 0.85)})
    one_scale = len({matrix.attrs.get("units", "1") for matrix in shown.values()}) == 1
    largest = {name: float(np.abs(matrix.values).max()) or 1.0 for name, matrix in shown.items()}
    if one_scale:
        largest = dict.fromkeys(largest, max(largest.values()))
    for ax, (name, matrix) in zip(axes, shown.items(), strict=False):
        drawn = ax.imshow(
            matrix.values, aspect="auto", cmap=style.DIVERGING, vmin=-largest[name], vmax=largest[name], rasterized=True
        )
        ax.spines[:].set_visible(True)
        ax.set(title=name, ylabel="post dimension")
        ax.set_xlabel(
            f"presynaptic cell\n({len(cells)} of {matrices[name].sizes['pre']} that carry weight,\n"
            "grouped by similarity)"
        )
        if not one_scale or name == "rate":
            figure.colorbar(drawn, ax=axes[:2] if one_scale else ax, label=style.label("weight", matrix))
    _scatter(axes[2], shown["rate"], shown["spiking"])
    style.letters(axes)
    last = event % rate.sizes["event"]
    figure.caption = (
        f"After event {last}. Spiking: {captions.of_trace(spiking, episode=episode)} "
        f"Rate network: {captions.of_trace(rate)} n in c: synapses."
    )
    return figure


def _order(spiking: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Indices of the pre cells that carry weight, similar ones side by side."""
    carry = np.zeros(rate.shape[1], dtype=bool)
    for matrix in (spiking, rate):
        strength = np.sqrt((matrix**2).mean(0))
        carry |= strength > CARRIES * strength.max()
    cells = np.flatnonzero(carry) if carry.any() else np.arange(len(carry))
    if len(cells) < 3:
        return cells
    from scipy.cluster.hierarchy import leaves_list, linkage  # takes longer to import than all other figures

    return np.asarray(cells[leaves_list(linkage(rate[:, cells].T, "average"))])


def _scatter(ax: Axes, rate: xr.DataArray, spiking: xr.DataArray) -> None:
    x, y = rate.values.ravel(), spiking.values.ravel()
    ax.axhline(0, color=style.GREY, linewidth=0.4, zorder=1)
    ax.axvline(0, color=style.GREY, linewidth=0.4, zorder=1)
    ax.plot(x, y, "o", color=style.BLACK, markersize=1.5, alpha=0.2, markeredgewidth=0, rasterized=True)
    spread = x.std() * y.std()
    correlation = float(((x - x.mean()) * (y - y.mean())).mean() / spread) if spread > 0 else float("nan")
    ax.set_title(f"r = {style.number(correlation, 3)}, n = {x.size}")
    ax.set_xlabel(style.label("rate weight", rate))
    ax.set_ylabel(style.label("spiking weight", spiking))
