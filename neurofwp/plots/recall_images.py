"""What was stored and what came back, as images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from neurofwp import metrics
from neurofwp.errors import InputError
from neurofwp.plots import captions, style
from neurofwp.plots.positions import at
from neurofwp.schema import require
from neurofwp.trace import only_condition


@style.plot_function
def recall_images(
    program: xr.Dataset,
    spiking: xr.Dataset,
    rate: xr.Dataset,
    *,
    episode: int = 0,
    max_pairs: int = 8,
    titles: Mapping[int, str] | None = None,
) -> Figure:
    """Keys, what was to be recalled from them, and what both networks recalled, with the R^2 of every image.

    Of a key all cells are shown, black where they are active. Below keys that were reassigned stands the value that
    they had before, and below all of them the value to be recalled, the decoded recalls, and chance: the mean of all
    values stored by then, which is what a memory without keys could answer. Where an episode asks for more recalls than
    there is room for, they are at even distances, first and last included.

    Parameters
    ----------
    program : Program with ``target`` (episode, event, post). A square number of post dimensions is drawn as a square
        image, any other as a strip.
    spiking, rate : Traces of that Program; decoded and scored by `neurofwp.metrics.recall`.
    max_pairs : recalls that are drawn at most.
    titles : the events to draw in place of these, in this order, and what to call them.

    Raises
    ------
    InputError
        if there is no such episode, it asks for no target, or not in an event of `titles`.
    """
    only_condition(spiking, rate)
    require(program, "Program", {"target": ("episode", "event", "post")})
    target = at(program, "Program", episode=episode)["target"]
    asked = np.flatnonzero(np.isfinite(target.values).all(-1))
    titles = choose_reads(asked, episode, max_pairs, titles)
    rows = _rows(program, spiking, rate, episode, list(titles))
    values = np.concatenate([row.pictures for row in rows])
    limits = float(np.min(target.values[list(titles)])), float(np.max(target.values[list(titles)]))
    square = isqrt(target.sizes["post"]) ** 2 == target.sizes["post"]
    width = style.TWO_COLUMNS + 0.7 * (len(titles) - 8)  # eight pairs fill two columns
    figure = style.figure(width, 0.5 + 0.8 * (len(rows) + 1))
    axes = figure.subplots(len(rows) + 1, len(titles), squeeze=False)
    for ax, key, title in zip(axes[0], program["query"].values[episode, list(titles)], titles.values(), strict=True):
        draw_key(ax, key)
        ax.set_title(title)
    axes[0, 0].set_ylabel("key")
    for line, row in zip(axes[1:], rows, strict=True):
        image = _draw_row(line, row, limits, square=square)
    if not square:
        figure.supylabel("post dimension", fontsize=7)
    extend = _extend(values[np.isfinite(values)], *limits)
    figure.colorbar(image, ax=axes[1:], label=style.label("value", target), extend=extend, shrink=0.8, aspect=30)
    if len(titles) < len(asked):
        figure.supxlabel(f"{len(titles)} of {len(asked)} recalls of episode {episode}", fontsize=7)
    figure.caption = f"Spiking: {captions.of_trace(spiking, episode=episode)} Rate network: {captions.of_trace(rate)}"
    return figure


@dataclass(frozen=True)
class _Row:
    """Images of a row, (event, post), NaN where there is none, and their R^2, where they have one."""

    name: str
    pictures: np.ndarray
    r2: np.ndarray | None = None


def _rows(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset, episode: int, events: list[int]) -> list[_Row]:
    """What stands below the keys."""
    own = program.isel(episode=episode)
    targets = own["target"].values[events]
    old = np.array([_old_value(own, event) for event in events])
    rows = [_Row("old value", old)] if np.isfinite(old).any() else []
    rows.append(_Row("value" if rows else "target", targets))
    for name, trace in (("spiking", spiking), ("rate", rate)):
        images = metrics.decode(program, trace).values[episode, events]
        rows.append(
            _Row(name, images, metrics.recall_r2(program, trace, by=("episode", "event")).values[episode, events])
        )
    if not _all_after_a_write(program):  # a read before the first write has no chance
        return rows
    chance = np.array([_stored_values(own, event).mean(0) for event in events])
    return [*rows, _Row("chance", chance, metrics.chance_r2(program, by=("episode", "event")).values[episode, events])]


def _all_after_a_write(program: xr.Dataset) -> bool:
    """Whether something was written before every read, or in the same event."""
    written = ((program["write_gate"] > 0) & program["key"].any("pre")).cumsum("event") > 0
    return bool((written | ~program["target"].notnull().all("post")).all())


def _writes(own: xr.Dataset, event: int) -> np.ndarray:
    """Events up to this one that write: what is written in an event can be read in it."""
    writes = (own["write_gate"].values[: event + 1] > 0) & own["key"].values[: event + 1].any(-1)
    return np.flatnonzero(writes)


def _old_value(own: xr.Dataset, event: int) -> np.ndarray:
    """What the key of a read was paired with before its last value; NaN where there was nothing else."""
    same = [each for each in _writes(own, event) if np.array_equal(own["key"].values[each], own["query"].values[event])]
    values = own["value"].values[same]
    others = [value for value in values if not np.array_equal(value, values[-1])]
    return others[-1] if others else np.full(own.sizes["post"], np.nan)


def _stored_values(own: xr.Dataset, event: int) -> np.ndarray:
    """The last value of every different key that was written, (., post)."""
    last = {own["key"].values[each].tobytes(): own["value"].values[each] for each in _writes(own, event)}
    return np.array([*last.values()])


def draw_key(ax: Axes, key: np.ndarray) -> None:
    """All cells of a key, row by row in a rectangle that is nearly square."""
    columns = int(np.ceil(np.sqrt(key.size)))
    cells = np.full(-(-key.size // columns) * columns, 0.0)
    cells[: key.size] = key / (np.abs(key).max() or 1.0)
    ax.imshow(cells.reshape(-1, columns), cmap="Greys", vmin=0, vmax=1)
    style.image_axes(ax)


def _draw_row(line: np.ndarray, row: _Row, limits: tuple[float, float], *, square: bool) -> AxesImage:
    """The images of a row; the last of them."""
    for ax, picture in zip(line, row.pictures, strict=True):
        image = draw_picture(ax, picture, *limits, square=square)
        ax.spines[:].set_visible(bool(np.isfinite(picture).any()))
    for ax, number in zip(line, row.r2 if row.r2 is not None else (), strict=False):
        ax.set_xlabel(f"R² {style.number(number)}", labelpad=2)
    line[0].set_ylabel(row.name)
    if not square:
        line[0].set_yticks([0, row.pictures.shape[1] - 1])
    return image


def choose_reads(
    asked: np.ndarray, episode: int, max_pairs: int, titles: Mapping[int, str] | None
) -> Mapping[int, str]:
    """The events to draw and what they are called: these, or some at even distances among those with a target."""
    if max_pairs < 1:
        raise InputError(f"max_pairs must be at least 1, not {max_pairs}")
    if not len(asked):
        raise InputError(f"episode {episode} of the Program has no target, so there is no recall to draw")
    if titles is None:
        drawn = asked[np.linspace(0, len(asked) - 1, min(max_pairs, len(asked))).round().astype(int)]
        return {int(event): f"recall {1 + int(np.searchsorted(asked, event))}" for event in drawn}
    if not titles or not set(titles) <= set(asked.tolist()):
        asks = f"episode {episode} of the Program asks for a target in events {asked.tolist()}"
        raise InputError(f"{asks}, not {list(titles)}")
    return titles


def draw_picture(ax: Axes, picture: np.ndarray, low: float, high: float, *, square: bool) -> AxesImage:
    shown = picture.reshape(isqrt(picture.size), -1) if square else picture[:, np.newaxis]
    image = ax.imshow(shown, cmap=style.SEQUENTIAL, vmin=low, vmax=high, aspect="equal" if square else "auto")
    style.image_axes(ax)
    return image


def _extend(values: np.ndarray, low: float, high: float) -> Literal["neither", "min", "max", "both"]:
    """Which ends of the colours some values lie beyond."""
    below, above = bool(values.min() < low), bool(values.max() > high)
    return "both" if below and above else "min" if below else "max" if above else "neither"
