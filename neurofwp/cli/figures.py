"""Figures of experiments, as files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofwp.report.page import DPI, Picture
from neurofwp.runtime import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPTION = {".png": "Description", ".pdf": "Subject"}  # where a file keeps it

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


@dataclass
class Drawn:
    """The figures of a result: files, pictures for a report, and the names of those that could not be drawn."""

    files: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def draw(plot: Callable[[], Mapping[str, Figure]], folder: Path, *, otherwise: str, pdf: bool = False) -> Drawn:
    """Write each figure that `plot` returns as PNG (200 dpi), and as PDF where that is asked for.

    A figure that fails is one sentence in the log, which ends with `otherwise`, and the others are drawn.
    """
    figures: Mapping[str, Figure] = {}
    drawn = Drawn()

    def find() -> None:
        nonlocal figures
        figures = plot()

    def draw_one(name: str) -> None:
        figure = figures[name]
        paths = save(figure, folder, name, pdf=pdf)
        drawn.files.extend(path.name for path in paths)
        drawn.pictures.append(picture(figure, name, paths[0].read_bytes()))

    if not attempt(find, "the figures", otherwise):
        drawn.failed.append("all figures")
    for name in figures:
        if not attempt(partial(draw_one, name), f"the figure {name!r}", otherwise):
            drawn.failed.append(name)
    return drawn


def picture(figure: Figure, name: str, png: bytes) -> Picture:
    """A figure for a report."""
    from neurofwp.plots import captions

    return Picture(name, png, getattr(figure, "caption", ""), captions.alternative_text(figure))


def save(figure: Figure, folder: Path, name: str, *, pdf: bool = False) -> list[Path]:
    """Write a figure as PNG (200 dpi), and as PDF where that is asked for, laid out once for both.

    Its caption goes into the files too, where these keep a description.
    """
    paths = [folder / f"{name}.{kind}" for kind in (("png", "pdf") if pdf else ("png",))]
    caption = getattr(figure, "caption", "")
    for path in paths:
        about: dict[str, Any] = {"metadata": {CAPTION[path.suffix]: caption}} if caption else {}
        with files.replace_file(path) as temporary:
            figure.savefig(temporary, dpi=DPI, **about)
        figure.set_layout_engine("none")  # keeps the layout that it has; laying out takes a third of the time
    return paths
