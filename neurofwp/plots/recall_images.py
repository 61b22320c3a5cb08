"""What was stored and what came back, as images."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from neurofwp import metrics
from neurofwp.errors import InputError
from neurofwp.plots import style
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
    """Targets, and the decoded recalls of both networks below them, with the R^2 of every image.

    Where an episode asks for more than `max_pairs` targets, they are taken at even distances, first and last
    included. A square number of post dimensions is drawn as a square image, any other as a strip.

    Parameters
    ----------
    program : Program with ``target`` (episode, event, post).
    spiking, rate : Traces of that Program; decoded and scored by `neurofwp.metrics.recall`.
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
    titles = _titles(asked, episode, max_pairs, titles)
    events = list(titles)
    images, r2 = {"target": target.isel(event=events).values}, {}
    for name, trace in (("spiking", spiking), ("rate", rate)):
        images[name] = metrics.decode(program, trace).isel(episode=episode, event=events).values
        r2[name] = metrics.recall_r2(program, trace, by=("episode", "event")).values[episode, events]
    square = isqrt(target.sizes["post"]) ** 2 == target.sizes["post"]
    figure = style.figure(style.TWO_COLUMNS + 0.7 * (len(events) - 8), 2.8)  # eight pairs fill two columns
    axes = figure.subplots(3, len(events), squeeze=False)
    low, high = (float(f(images["target"])) for f in (np.min, np.max))
    for row, (name, pictures) in zip(axes, images.items(), strict=True):
        for ax, picture in zip(row, pictures, strict=True):
            image = _draw(ax, picture, low, high, square=square)
        row[0].set_ylabel(name)
        if not square:
            row[0].set_yticks([0, target.sizes["post"] - 1])
    for ax, title in zip(axes[0], titles.values(), strict=True):
        ax.set_title(title)
    for ax, number in zip(axes[1:].ravel(), np.concatenate(list(r2.values())), strict=True):
        ax.set_xlabel(f"R² {style.number(number)}", labelpad=2)
    if not square:
        figure.supylabel("post dimension", fontsize=7)
    extend = _extend(np.concatenate(list(images.values())), low, high)
    figure.colorbar(image, ax=axes, label=style.label("value", target), extend=extend, shrink=0.8, aspect=30)
    if len(events) < len(asked):
        figure.supxlabel(f"{len(events)} of {len(asked)} recalls of episode {episode}", fontsize=7)
    return figure


def _titles(asked: np.ndarray, episode: int, max_pairs: int, titles: Mapping[int, str] | None) -> Mapping[int, str]:
    """The events to draw and what they are called: these, or some at even distances among those with a target."""
    if max_pairs < 1:
        raise InputError(f"max_pairs must be at least 1, not {max_pairs}")
    if not len(asked):
        raise InputError(f"episode {episode} of the Program has no target, so there is no recall to draw")
    if titles is None:
        drawn = asked[np.linspace(0, len(asked) - 1, min(max_pairs, len(asked))).round().astype(int)]
        return {int(event): f"event {event}" for event in drawn}
    if not titles or not set(titles) <= set(asked.tolist()):
        asks = f"episode {episode} of the Program asks for a target in events {asked.tolist()}"
        raise InputError(f"{asks}, not {list(titles)}")
    return titles


def _draw(ax: Axes, picture: np.ndarray, low: float, high: float, *, square: bool) -> AxesImage:
    shown = picture.reshape(isqrt(picture.size), -1) if square else picture[:, np.newaxis]
    image = ax.imshow(shown, cmap=style.SEQUENTIAL, vmin=low, vmax=high, aspect="equal" if square else "auto")
    style.image_axes(ax)
    return image


def _extend(values: np.ndarray, low: float, high: float) -> Literal["neither", "min", "max", "both"]:
    """Which ends of the colours some values lie beyond."""
    below, above = bool(values.min() < low), bool(values.max() > high)
    return "both" if below and above else "min" if below else "max" if above else "neither"
