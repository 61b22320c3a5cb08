"""Figures of experiments, as files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from neurofwp.runtime import files
from neurofwp.runtime.experiment import Experiment

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

log = logging.getLogger("neurofwp")


def attempt(drawing: Callable[[], object], what: str, otherwise: str) -> bool:
    """Whether something could be drawn; if not, log why and what is left: figures must not take results with them."""
    try:
        drawing()
    except Exception as error:
        log.debug("%s failed", what, exc_info=True)
        why = " ".join(str(error).split())
        log.error("%s could not be drawn (%s: %s), but %s", what, type(error).__name__, why, otherwise)
        return False
    return True


def draw(
    experiment: Experiment, result: xr.DataTree, folder: Path, *, otherwise: str, pdf: bool = False
) -> list[str] | None:
    """Write each figure of the experiment as PNG (200 dpi), and as PDF where that is asked for.

    A figure that fails is one sentence in the log, which ends with `otherwise`, and the others are drawn.

    Returns
    -------
    Names of the files; None if any figure could not be drawn.
    """
    figures: Mapping[str, Figure] = {}
    names: list[str] = []

    def find() -> None:
        nonlocal figures
        figures = experiment.plot(result)

    def draw_one(name: str) -> None:
        names.extend(path.name for path in save(figures[name], folder, name, pdf=pdf))

    found = attempt(find, "the figures", otherwise)
    drawn = [attempt(partial(draw_one, name), f"the figure {name!r}", otherwise) for name in figures]
    return names if all([found, *drawn]) else None


def save(figure: Figure, folder: Path, name: str, *, pdf: bool = False) -> list[Path]:
    """Write a figure as PNG (200 dpi), and as PDF where that is asked for, laid out once for both."""
    paths = [folder / f"{name}.{kind}" for kind in (("png", "pdf") if pdf else ("png",))]
    for path in paths:
        with files.replace_file(path) as temporary:
            figure.savefig(temporary, dpi=200)
        figure.set_layout_engine("none")  # keeps the layout that it has; laying out takes a third of the time
    return paths
