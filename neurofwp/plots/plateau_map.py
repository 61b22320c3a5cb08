"""Behavioural time-scale plasticity: the change by one plateau, by delay and by initial strength."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.schema import require

CURVES = 5  # at most: initial weights drawn as curves
MARKERS = "osD^v"


@style.plot_function
def plateau_map(data: xr.Dataset, published: xr.Dataset) -> Figure:
    """Maps above, the same as curves below: the model on the left, recordings of place cells on the right.

    The model's change is one of weight, nS, by a single presynaptic spike; the published one is that of the ramp of
    depolarisation at a place, mV, after running through it. They have colour scales and axes of their own.

    Parameters
    ----------
    data : ``ratio`` (protocol), weight after/before, with the coordinates ``delay`` (s) and ``initial`` (nS), one
        protocol for each of their combinations.
    published : ``change`` (delay, ramp) as of `neurofwp.laboratory.measurements.btsp_map`.

    Raises
    ------
    InputError
        if a variable is missing, or a combination is there twice.
    """
    require(data, "Dataset of protocols", dict.fromkeys(("ratio", "delay", "initial"), ("protocol",)))
    require(published, "published map", {"change": ("delay", "ramp")})
    own = _grid(data)
    figure = style.figure(style.TWO_COLUMNS, 4.4)
    axes = figure.subplots(2, 2, sharex=True, height_ratios=(1, 1.15))
    initials = own["initial"].values
    for column, (title, grid, rows, what) in zip(
        axes.T,
        (
            (str(data.attrs.get("model", "model")), own, initials, style.label("weight before", data["initial"])),
            (
                "place cells, Milstein et al. 2021 (grey: no data)",
                published["change"],
                np.arange(published.sizes["ramp"]),
                "initial ramp (mV)",
            ),
        ),
        strict=True,
    ):
        image = _image(column[0], grid, rows)
        column[0].set(title=title, ylabel=what)
        unit = grid.attrs["units"]
        figure.colorbar(image, ax=column[0], pad=0.02, aspect=12).set_label(f"change ({unit})", fontsize=7, labelpad=2)
    ramps = [ramp.replace("-", "\N{EN DASH}") for ramp in published["ramp"].values.tolist()]
    axes[0, 1].set_yticks(np.arange(len(ramps)), ramps)
    chosen = np.unique(np.linspace(0, len(initials) - 1, CURVES).round().astype(int))
    _curves(axes[1, 0], own.isel(initial=chosen), [f"{initials[index]:g}" for index in chosen], "before (nS)")
    _curves(axes[1, 1], published["change"], ramps, "initial (mV)", points=True)
    axes[1, 0].set_ylabel("change of weight (nS)")
    axes[1, 1].set_ylabel("change of ramp (mV)")
    axes[1, 0].set_xlabel("presynaptic spike after plateau onset (s)")
    axes[1, 1].set_xlabel("place after plateau (s)")
    return figure


def _grid(data: xr.Dataset) -> xr.DataArray:
    """Change of weight, nS (initial, delay)."""
    flat = ((data["ratio"] - 1) * data["initial"]).rename("change")
    points = list(zip(data["initial"].values.tolist(), data["delay"].values.tolist(), strict=True))
    if len(set(points)) < len(points):
        raise InputError("this figure needs each delay and initial weight once: one of them is there twice")
    table = (
        flat.assign_coords(protocol=range(len(points)))
        .to_dataframe()
        .pivot(index="initial", columns="delay", values="change")
    )
    coords = {"initial": table.index.to_numpy(), "delay": table.columns.to_numpy()}
    return xr.DataArray(table.to_numpy(), coords, dims=("initial", "delay"), attrs={"units": "nS"})


def _image(ax: Axes, grid: xr.DataArray, rows: np.ndarray) -> Any:
    """Coloured cells around each delay; 0 is in the middle of the colours."""
    values = grid.transpose(..., "delay").values
    largest = float(np.nanmax(np.abs(values))) or 1.0
    ax.set_facecolor(style.GREY)  # where nothing is known
    return ax.pcolormesh(
        grid["delay"],
        rows,
        values,
        cmap=style.DIVERGING,
        vmin=-largest,
        vmax=largest,
        shading="nearest",
        rasterized=True,
    )


def _curves(ax: Axes, grid: xr.DataArray, labels: list[str], title: str, *, points: bool = False) -> None:
    ax.axhline(0, color=style.GREY, linewidth=0.5, zorder=1)
    ax.axvline(0, color=style.GREY, linewidth=0.5, zorder=1)
    colours = matplotlib.colormaps[style.SEQUENTIAL](np.linspace(0, 0.85, len(labels)))
    rows = grid.transpose(..., "delay").values
    for values, label, colour, marker in zip(rows, labels, colours, MARKERS, strict=False):
        ax.plot(grid["delay"], values, color=colour, marker=marker if points else None, label=label, zorder=2)
    ax.legend(title=title, title_fontsize=6, fontsize=6, loc="best")
