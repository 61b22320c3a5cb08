"""Captions of figures, and what those read who cannot see them."""

from __future__ import annotations

import json
import re
from inspect import cleandoc
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SECTION = re.compile(r"\n\s*\n\w[\w ]*\n-{3,}|\n\s*\n\w+(?:, \w+)* : ")  # "Parameters", or the first of them
SIGNS = (("`", ""), ("chi^2", "χ²"), ("R^2", "R²"), ("z^2", "z²"), ("+-", "±"), ("<=", "≤"), (">=", "≥"))


def of_docstring(text: str) -> str:
    """The prose of a docstring, up to its parameters, as one paragraph."""
    return " ".join(paragraphs(SECTION.split(cleandoc(text))[0]))


def paragraphs(text: str) -> list[str]:
    """A text in paragraphs of one line, with the signs that source code writes in letters."""
    for code, sign in SIGNS:
        text = text.replace(code, sign)
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]


def of_trace(trace: xr.Dataset, *, episode: int | None = None) -> str:
    """Which network, with which seed, and which of its episodes: what a caption says of a Trace."""
    config = json.loads(trace.attrs.get("config", "{}"))
    named = {"synapse": "synapse model", "circuit": "circuit", "rule": "rule"}
    said = [f"{word} {_name(config[key])}" for key, word in named.items() if config.get(key)]
    seed = json.loads(str(trace.attrs.get("seed", "null")))
    said += [] if seed is None else [f"seed {seed}"]
    said += [] if episode is None else [f"episode {episode}"]
    sentence = ", ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}." if said else ""


def _name(value: Any) -> str:
    return str(value.get("name", "of its own")) if isinstance(value, dict) else str(value).replace("_", " ")


def alternative_text(figure: Figure) -> str:
    """What is to be seen, in words: the axes of every panel, and the entries of every legend."""
    panels = [_panel(ax) for ax in figure.axes if ax.get_visible()]
    panels = list(dict.fromkeys(panel for panel in panels if panel))
    count = len([ax for ax in figure.axes if ax.get_visible() and ax.has_data()])
    legends = [*figure.legends, *(found for ax in figure.axes if (found := ax.get_legend()))]
    entries = list(dict.fromkeys(_line(text.get_text()) for legend in legends for text in legend.get_texts()))
    parts = [f"{count} panels" if count > 1 else "One panel", *panels]
    return "; ".join([*parts, *([f"legend: {', '.join(entries)}"] if entries else [])]) + "."


def _panel(ax: Axes) -> str:
    x, y, title = (_line(each) for each in (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()))
    against = f"{y} against {x}" if x and y else x or y
    return ": ".join(each for each in (title, against) if each)


def _line(text: str) -> str:
    return " ".join(text.split())
