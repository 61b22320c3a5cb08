"""Laboratory protocols: a model's synapse beside the measurements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from neurofwp.plots import style
from neurofwp.schema import require

COLOURS = (style.BLUE, style.VERMILION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, style.BLACK)
MARKERS = "osD^v<>"
COLUMNS = 3
LOGARITHMIC = ("frequency", "pre_rate")
Z_SHOWN = 6.0  # beyond this a bar is cut, and its z written at its end


@style.plot_function
def protocol_curves(data: xr.Dataset, x: str, by: str | None = None, *, curves: xr.Dataset | None = None) -> Figure:
    """Weight after over before against one coordinate: the model as lines, means of measurements with SEM as points.

    One panel per study, one colour per value of `by` (and pathway). Where there is a dense curve, what was simulated at
    the points is a dash on it.

    Parameters
    ----------
    data : ``ratio`` and ``sem`` (protocol; standard error of the simulation, drawn as a band, NaN where there is
        none) with the coordinates `x` and `by`; if measured also ``measured``, ``measured_sem`` (NaN: no error bar),
        ``study`` and ``pathway``.
    curves : dense curves, as of `neurofwp.laboratory.curves.dense_curves`.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    _check(data, x, *([by] if by else []))
    panels = _split(data, "study")
    rows, columns = math.ceil(len(panels) / COLUMNS), min(COLUMNS, len(panels))
    figure = style.figure(min(style.TWO_COLUMNS, 0.6 + 2.5 * columns), 0.4 + 2.3 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    style.letters(axes[: len(panels)])
    dense = False
    for ax, (study, own) in zip(axes, panels.items(), strict=False):
        ax.axhline(1, color=style.GREY, linewidth=0.5, zorder=1)
        pathways = _split(own, "pathway")
        several = [
            (pathway, series) for pathway, synapses in pathways.items() for series in _split(synapses, by).values()
        ]
        for index, (pathway, series) in enumerate(several):
            parts = [*([str(pathway)] if len(pathways) > 1 else []), *([style.group(series[by])] if by else [])]
            label = ", ".join(parts)
            look = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
            pieces = _matching(curves, series, x, by)
            dense |= bool(pieces)
            _series(ax, series.sortby(x), x, *look, label, pieces)
        _scale(ax, x, own[x])
        # what holds for all of a panel is its title
        only = [str(pathway) for pathway in pathways if len(pathways) == 1 and pathway != ""]
        only += [label] if len(several) == 1 and label else []
        ax.set(
            title="\n".join(filter(None, (str(study), ", ".join(only)))),
            xlabel=style.label(data[x].attrs.get("long_name", x), data[x]),
        )
        if len(several) > 1:
            title = data[by].attrs.get("long_name", by) if by else None
            # beside a single panel there is room; in one of several the legend goes where most is free
            place = {"loc": "outside right center", **_entries(ax)} if len(panels) == 1 else {}
            (figure if len(panels) == 1 else ax).legend(title=title, title_fontsize=6, fontsize=6, **place)
    for ax in axes[len(panels) :]:
        ax.remove()
    for ax in axes[: len(panels) : columns]:
        ax.set_ylabel("weight after / before (1)")
    style.legend(figure, _key(data, dense=dense), ncols=min(2, columns))
    return figure


@style.plot_function
def protocol_comparison(data: xr.Dataset) -> Figure:
    """All protocols below each other: the model, beside it what was measured with SEM and n, and z.

    Parameters
    ----------
    data : as of `protocol_curves`; with measurements also ``n`` and ``z`` (protocol).

    Raises
    ------
    InputError
        if a variable is missing.
    """
    _check(data)
    measured = "measured" in data
    if measured:
        require(data, "Dataset of protocols", {"n": ("protocol",), "z": ("protocol",)})
    scored = measured and bool(data["z"].notnull().any())
    rows = np.arange(data.sizes["protocol"])[::-1]
    figure = style.figure(style.TWO_COLUMNS, 0.9 + 0.155 * len(rows))
    axes = figure.subplots(1, 1 + scored, sharey=True, squeeze=False, width_ratios=(3, 2)[: 1 + scored])[0]
    style.letters(axes)
    ax = axes[0]
    ax.axvline(1, color=style.GREY, linewidth=0.5, zorder=1)
    if measured:
        ax.errorbar(
            data["measured"], rows, xerr=data["measured_sem"], fmt="o", color=style.BLACK, elinewidth=0.8, zorder=2
        )
    ax.errorbar(data["ratio"], rows, xerr=data["sem"], fmt="D", color=style.VERMILION, elinewidth=0.8, zorder=3)
    counts = data["n"].values if measured else np.full(len(rows), np.nan)
    names = [
        (f"{name} (n = {count:g})" if np.isfinite(count) else str(name)).replace(" -", " −")
        for name, count in zip(data["protocol"].values, counts, strict=True)
    ]
    ax.set_yticks(rows, names, fontsize=6)
    ax.set(xlabel="weight after / before (1)", ylim=(-0.7, len(rows) - 0.3))
    if scored:
        _scores(axes[1], data["z"].values, rows)
    style.legend(figure, _key(data, lines=False), ncols=2)
    return figure


def _check(data: xr.Dataset, *coordinates: str) -> None:
    names = ["ratio", "sem", *coordinates]
    names += ["measured_sem", "study", "pathway"] if "measured" in data else []
    require(data, "Dataset of protocols", dict.fromkeys(names, ("protocol",)))


def _split(data: xr.Dataset, by: str | None) -> dict[str | float, xr.Dataset]:
    """The protocols by a variable's value, in order of appearance; all together where there is no such variable."""
    if by is None or by not in data.variables:
        return {"": data}
    values = data[by].values
    if values.dtype.kind == "f":
        kinds = sorted({float(value) for value in values if np.isfinite(value)})
        parts: dict[str | float, xr.Dataset] = {value: data.isel(protocol=values == value) for value in kinds}
        return parts | ({"none": data.isel(protocol=np.isnan(values))} if np.isnan(values).any() else {})
    return {str(value): data.isel(protocol=values == value) for value in dict.fromkeys(values.tolist())}


def _scale(ax: Axes, x: str, values: xr.DataArray) -> None:
    """A logarithmic axis for rates that span more than an order of magnitude."""
    if x in LOGARITHMIC and values.max() > 20 * values.min() > 0:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:g}")


def _matching(curves: xr.Dataset | None, own: xr.Dataset, x: str, by: str | None) -> list[xr.Dataset]:
    """The pieces of the curve through a series, each in order of `x`."""
    if curves is None or x not in curves.variables:
        return []
    same = curves["over"] == x
    for name in ("study", "pathway", *([by] if by else []), *(["calcium"] if "calcium" in own.variables else [])):
        if name not in curves.variables:
            return []
        same = same & curves[name].isin(np.unique(own[name]))
    found = curves.isel(point=np.flatnonzero(same))
    return [
        found.isel(point=np.flatnonzero(found["segment"] == segment)).sortby(x)
        for segment in np.unique(found["segment"])
    ]


def _series(ax: Axes, own: xr.Dataset, x: str, colour: str, marker: str, label: str, curve: list[xr.Dataset]) -> None:
    at, ratio, sem = own[x].values, own["ratio"].values, own["sem"].values
    if curve:
        for piece in curve:
            ax.plot(piece[x], piece["ratio"], color=colour, zorder=2)
        ax.errorbar(at, ratio, sem, fmt="_", markersize=5, color=colour, elinewidth=0.5, capsize=0, alpha=0.6, zorder=2)
    else:
        ax.plot(at, ratio, color=colour, label=label if "measured" not in own else None, zorder=2)
        ax.fill_between(at, ratio - sem, ratio + sem, color=colour, alpha=0.25, linewidth=0)
    if "measured" in own:
        ax.errorbar(
            at, own["measured"], own["measured_sem"], fmt=marker, color=colour, elinewidth=0.8, label=label, zorder=3
        )


def _scores(ax: Axes, z: np.ndarray, rows: np.ndarray) -> None:
    """z as bars; chi^2 per point above them."""
    shown = np.clip(z, -Z_SHOWN, Z_SHOWN)
    ax.axvspan(-1, 1, color=style.GREY, alpha=0.2, linewidth=0)
    ax.barh(rows, shown, color=np.where(z < 0, style.SKY, style.ORANGE).tolist(), height=0.7)
    for row, value in zip(rows, z, strict=True):
        if abs(value) > Z_SHOWN:
            end, side = math.copysign(0.97 * Z_SHOWN, value), "right" if value > 0 else "left"
            ax.text(end, row, style.number(value, 1), fontsize=5, ha=side, va="center_baseline")
    finite = z[np.isfinite(z)]
    ax.axvline(0, color=style.BLACK, linewidth=0.5)
    ax.set(
        xlabel="z = (model − mean)/SEM (1)",
        xlim=(-Z_SHOWN - 0.2, Z_SHOWN + 0.2),
        title=f"χ² per point {style.number(float((finite**2).mean()))}, {len(finite)} points",
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _entries(ax: Axes) -> dict[str, Any]:
    handles, labels = ax.get_legend_handles_labels()
    return {"handles": handles, "labels": labels}


def _key(data: xr.Dataset, *, lines: bool = True, dense: bool = False) -> list[Line2D]:
    """What is the model and what was measured."""
    model = str(data.attrs.get("model", "model"))
    about = [f"from {data.attrs['initial']:g} nS"] if "initial" in data.attrs else []
    simulated = ["mean ± SEM"] if data["sem"].notnull().any() else []
    about += ["closed form"] if dense else simulated
    model = "\n".join([model, ", ".join(about)] if about else [model])  # two lines: names are long
    colour = style.GREY if lines else style.VERMILION
    handles = [Line2D([], [], color=colour, linestyle="-" if lines else "", marker="" if lines else "D", label=model)]
    if dense:
        label = ", ".join(["simulated", *simulated])
        handles.append(Line2D([], [], color=style.GREY, linestyle="", marker="_", markersize=5, label=label))
    if "measured" in data:
        colour = style.GREY if lines else style.BLACK
        single = "n" in data and bool((data["n"] == 1).all())
        what = "mean ± SEM" if data["measured_sem"].notnull().any() else "single cells" if single else "without SEM"
        handles.append(Line2D([], [], color=colour, linestyle="", marker="o", label=f"measured, {what}"))
    return handles
