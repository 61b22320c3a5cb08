"""Numbers of a sweep against what was varied."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.metrics import average
from neurofwp.plots import style

COLUMNS = 3
WIDTH = 26  # characters of a line beside a panel
LINES = 12  # of one panel
CELLS = 60  # of a map whose numbers are written into it


@style.plot_function
def sweep_curves(data: xr.Dataset, names: Sequence[str], x: str, by: str | None = None) -> Figure:
    """Numbers of every point of a sweep against one setting, a panel for each number and a colour for each value of
    another. Points are means over seeds with SEM where there are several.

    data : numbers over the dims of a sweep. Other dims than x, by and seed are averaged over, and said in the caption.

    Raises
    ------
    InputError
        for a dim or a number that the sweep does not have.
    """
    _check(data, names, [x, *([by] if by else [])])

    def draw(ax: Axes, name: str) -> None:
        number = _over_others(data[name], (x, by, "seed"))
        lines = number.sizes[by] if by else 1
        for index in range(lines):
            own = number.isel({by: index}) if by else number
            shade = index / max(1, lines - 1)
            look: dict[str, Any] = {"color": colormaps[style.SEQUENTIAL](0.9 * shade) if by else style.BLUE}
            look["label"] = f"{by} = {_text(own[by].item())}" if by else ""
            mean, sem = (own, xr.full_like(own, np.nan))
            if "seed" in own.dims:
                mean, sem, _ = average(own, "seed")
            ax.errorbar(_places(data[x]), mean.values, np.nan_to_num(sem.values), marker="o", **look)
        _label_axis(ax, data[x])
        ax.set_ylabel(_break(name))

    figure = _panels(names, draw)
    if by and data.sizes[by] <= LINES:
        style.legend(figure, figure.axes[0], ncols=min(4, data.sizes[by]))
    _say(figure, data, (x, by))
    return figure


@style.plot_function
def sweep_maps(data: xr.Dataset, names: Sequence[str], x: str, y: str) -> Figure:
    """Numbers of a sweep as colours over two settings, a panel with a colour scale of its own for each number. Cells
    are means over seeds; cells of points that failed are empty.

    data : numbers over the dims of a sweep. Other dims than x, y and seed are averaged over, and said in the caption.

    Raises
    ------
    InputError
        for a dim or a number that the sweep does not have.
    """
    _check(data, names, [x, y])

    def draw(ax: Axes, name: str) -> None:
        values = _over_others(data[name], (x, y)).transpose(y, x).values
        image = ax.imshow(values, cmap=style.SEQUENTIAL, origin="lower", aspect="auto")
        if values.size <= CELLS:
            middle = np.nanmean([np.nanmin(values), np.nanmax(values)])
            for (row, column), value in np.ndenumerate(values):
                colour = style.BLACK if value > middle else "white"
                ax.text(column, row, "" if np.isnan(value) else f"{value:.3g}", ha="center", va="center",
                        fontsize=5.5, color=colour)  # fmt: skip
        for side, dim in (("x", x), ("y", y)):
            labels = [_text(value) for value in data[dim].values.tolist()]
            shown = range(0, len(labels), -(-len(labels) // 10))
            getattr(ax, f"set_{side}ticks")(list(shown), [labels[index] for index in shown])
            getattr(ax, f"set_{side}label")(_name(data[dim]))
        ax.figure.colorbar(image, ax=ax, label=_break(name))

    figure = _panels(names, draw)
    _say(figure, data, (x, y))
    return figure


def _check(data: xr.Dataset, names: Sequence[str], dims: Sequence[str]) -> None:
    for dim in dims:
        if dim not in data.dims:
            raise InputError(f"the sweep has no dim {dim!r}; it has {', '.join(map(str, data.dims))}")
    if not names:
        raise InputError("there is no number of the sweep to draw")
    for name in names:
        if name not in data or data[name].dtype.kind not in "fiub":
            raise InputError(f"the sweep has no number {name!r}")


def _panels(names: Sequence[str], draw: Callable[[Axes, str], None]) -> Figure:
    rows, columns = -(-len(names) // COLUMNS), min(len(names), COLUMNS)
    figure = style.figure(max(3.2, style.TWO_COLUMNS * columns / COLUMNS), 0.6 + 2.0 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, name in zip(axes, names, strict=False):
        draw(ax, name)
    for ax in axes[len(names) :]:
        ax.remove()
    if len(names) > 1:
        style.letters(axes[: len(names)])
    return figure


def _over_others(number: xr.DataArray, kept: Sequence[str | None]) -> xr.DataArray:
    return number.astype(float).mean([dim for dim in number.dims if dim not in kept])


def _say(figure: Figure, data: xr.Dataset, drawn: Sequence[str | None]) -> None:
    others = [str(dim) for dim in data.dims if dim not in (*drawn, "seed") and data.sizes[dim] > 1]
    seeds = data.sizes.get("seed", 1)
    said = [f"{seeds} seeds." if seeds > 1 else "One seed."]
    said += [f"Averaged over {' and '.join(others)}."] if others else []
    if isinstance(figure, style.StyledFigure):
        figure.caption = " ".join(said)


def _places(values: xr.DataArray) -> np.ndarray:
    """Numbers where they lie, all else side by side."""
    return values.values if values.dtype.kind in "fiu" else np.arange(values.size)


def _label_axis(ax: Axes, values: xr.DataArray) -> None:
    ax.set_xlabel(_name(values))
    if values.dtype.kind not in "fiu":
        ax.set_xticks(range(values.size), [_text(value) for value in values.values.tolist()])
    elif values.size > 2 and values.min() > 0 and float(values.max() / values.min()) >= 16:
        ax.set_xscale("log")


def _break(name: str) -> str:
    """The key of a number in lines that fit beside a panel."""
    lines = [""]
    for part in re.split(r"(?<=[._ ])", name):
        lines = [*lines[:-1], lines[-1] + part] if len(lines[-1] + part) <= WIDTH else [*lines, part]
    return "\n".join(line for line in lines if line)


def _name(values: xr.DataArray) -> str:
    unit = values.attrs.get("units", "1")
    return str(values.name) if unit in ("1", "") else f"{values.name} ({style.UNITS.get(unit, unit)})"


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
