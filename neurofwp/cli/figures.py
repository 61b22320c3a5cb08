"""Figures of experiments, as files."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from neurofwp.runtime import files
from neurofwp.runtime.experiment import Experiment

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

log = logging.getLogger("neurofwp")


def attempt(drawing: Callable[[], object], otherwise: str) -> bool:
    """Whether figures could be drawn; if not, log why and what is left: they must not take results with them."""
    try:
        drawing()
    except Exception as error:
        log.debug("the figures failed", exc_info=True)
        log.error("the figures could not be drawn (%s: %s), but %s", type(error).__name__, error, otherwise)
        return False
    return True


def draw(experiment: Experiment, result: xr.DataTree, folder: Path, *, pdf: bool = False) -> list[Path]:
    """Write each figure of the experiment as PNG (200 dpi), and as PDF where that is asked for."""
    drawn = experiment.plot(result).items()
    return [path for name, figure in drawn for path in save(figure, folder, name, pdf=pdf)]


def save(figure: Figure, folder: Path, name: str, *, pdf: bool = False) -> list[Path]:
    """Write a figure as PNG (200 dpi), and as PDF where that is asked for, laid out once for both."""
    paths = [folder / f"{name}.{kind}" for kind in (("png", "pdf") if pdf else ("png",))]
    for path in paths:
        with files.replace_file(path) as temporary:
            figure.savefig(temporary, dpi=200)
        figure.set_layout_engine("none")  # keeps the layout that it has; laying out takes a third of the time
    return paths
