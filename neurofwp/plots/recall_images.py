"""What was stored and what came back, as images."""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import metrics
from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.plots.positions import at
from neurofwp.schema import require
from neurofwp.trace import only_condition


@style.context()
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
    if max_pairs < 1:
        raise InputError(f"max_pairs must be at least 1, not {max_pairs}")
    target = at(program, "Program", episode=episode)["target"]
    asked = np.flatnonzero(np.isfinite(target.values).all(-1))
    if not len(asked):
        raise InputError(f"episode {episode} of the Program has no target, so there is no recall to draw")
    if titles is None:
        drawn = asked[np.linspace(0, len(asked) - 1, min(max_pairs, len(asked))).round().astype(int)]
        titles = {int(event): f"event {event}" for event in drawn}
    events = list(titles)
    if not events or not set(events) <= set(asked.tolist()):
        raise InputError(f"episode {episode} of the Program asks for a target in events {asked.tolist()}, not {events}")

    traces = {"spiking": spiking, "rate": rate}
    rows = {"target": target} | {
        name: metrics.decode(program, trace).isel(episode=episode) for name, trace in traces.items()
    }
    images = {name: row.isel(event=events).values for name, row in rows.items()}
    r2 = {
        name: metrics.recall_r2(program, trace, by=("episode", "event")).values[episode, events]
        for name, trace in traces.items()
    }
    low, high = (float(f(images["target"])) for f in (np.min, np.max))
    every = np.concatenate(list(images.values()))
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[
        (bool(every.min() < low), bool(every.max() > high))
    ]

    pairs = len(events)
    square = isqrt(target.sizes["post"]) ** 2 == target.sizes["post"]
    figure = style.figure(style.TWO_COLUMNS + 0.7 * (pairs - 8), 2.8)  # eight pairs fill two columns
    axes = figure.subplots(3, pairs, squeeze=False)
    for row, (name, pictures) in zip(axes, images.items(), strict=True):
        for i, (ax, picture) in enumerate(zip(row, pictures, strict=True)):
            shown = picture.reshape(isqrt(picture.size), -1) if square else picture[:, np.newaxis]
            image = ax.imshow(shown, cmap=style.SEQUENTIAL, vmin=low, vmax=high, aspect="equal" if square else "auto")
            style.image_axes(ax)
            if name == "target":
                ax.set_title(titles[events[i]])
            else:
                ax.set_xlabel(f"R² {style.number(r2[name][i])}", labelpad=2)
        row[0].set_ylabel(name)
        if not square:
            row[0].set_yticks([0, picture.size - 1])
    if not square:
        figure.supylabel("post dimension", fontsize=7)
    figure.colorbar(image, ax=axes, label=style.label("value", target), extend=extend, shrink=0.8, aspect=30)
    if pairs < len(asked):
        figure.supxlabel(f"{pairs} of {len(asked)} recalls of episode {episode}", fontsize=7)
    return figure
