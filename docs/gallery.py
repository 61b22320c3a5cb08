"""The page of experiments: of each a figure, its command, how long that took, and what came out, from kept results.

A page of docs/results is made of a folder with `run.json`, which says of which experiment it is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pages

import neurofwp
from neurofwp.cli import catalogue

HERE = Path(__file__).parent
RESULTS = HERE / "results"
FIGURE = re.compile(r"!\[.*?\]\((.+?)\)")


class Kept(NamedTuple):
    """A page of results: its name, what its run.json says, and its first figure, as seen from the page."""

    name: str
    about: Mapping[str, Any]
    figure: str


def kept() -> dict[str, list[Kept]]:
    """Pages of results by experiment."""
    found: dict[str, list[Kept]] = {}
    for run in sorted(RESULTS.glob(f"*/{pages.RUN}")):
        about = json.loads(run.read_text())
        figures = FIGURE.findall((RESULTS / f"{run.parent.name}.md").read_text())
        found.setdefault(about["experiment"], []).append(Kept(run.parent.name, about, figures[0] if figures else ""))
    return found


def page() -> Iterator[str]:
    """Cards with figures, then what each experiment asks and what came out."""
    results = kept()
    names = [*catalogue.experiments()]
    yield "# Experiments"
    yield (
        "Figures and answers are of results that are kept, with seed and commit on their pages. Some were run at a "
        "smaller size than by default: the command says which. Times are of two cores that others used as well."
    )
    cards = "\n".join(card(name, results.get(name, [])) for name in names)
    yield f"::::{{grid}} 1 2 3 3\n:gutter: 3\n\n{cards}\n::::"
    for name in names:
        yield from section(name, results.get(name, []))


def card(name: str, results: list[Kept]) -> str:
    """A card: the figure of the first page that has one."""
    figures = [result.figure for result in results if result.figure]
    image = f":img-top: ../results/{figures[0]}\n" if figures else ""
    link = f'"#{name.lower()}"'
    return f":::{{grid-item-card}} {name}\n:link: {link}\n{image}\n{catalogue.experiments()[name]}\n:::\n"


def section(name: str, results: list[Kept]) -> Iterator[str]:
    """What an experiment asks, what each kept result says, and how far that goes."""
    source = Path(neurofwp.experiments.__path__[0]) / f"{name.replace('-', '_')}.py"
    meant = catalogue.experiment(name).interpretation
    yield f"## {name}"
    yield f"**{meant.question}**" if meant.question else ""
    yield ast.get_docstring(ast.parse(source.read_text())) or ""
    for result in results:
        yield f"```\n{pages.command(dict(result.about))}\n```"
        seconds = result.about.get("seconds")
        took = f"{pages.duration(seconds).capitalize()}. " if seconds is not None else ""
        answer = result.about.get("answer", "")
        yield f"{took}{pages.plain_line(answer)} [Figure and tables](../results/{result.name}.md)"
    if not results:
        yield f"```\nneurofwp run {name}\n```"
    yield f"*Shows*: {meant.shows}" if meant.shows else ""
    yield f"*Does not show*: {meant.does_not_show}" if meant.does_not_show else ""
