"""Docstrings of this project as reStructuredText: `name : meaning` is a list, and mathematics is plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

ENTRY = re.compile(r"^\*{0,2}\w[\w*, ().\[\]\"'-]* : ")
SPECIAL = re.compile(r"([*|\\]|_(?!\w))")
LITERAL = re.compile(r"(``.+?``|`[^`]+`)")


def translate(app: Any, kind: str, name: str, found: object, options: Any, lines: list[str]) -> None:
    """Sphinx's event `autodoc-process-docstring`: replaces the lines of a docstring."""
    lines[:] = [line for part in _paragraphs(lines) for line in (*_paragraph(part), "")]


def _paragraphs(lines: list[str]) -> Iterator[list[str]]:
    for blank, part in groupby(lines, key=lambda line: not line.strip()):
        if not blank:
            yield [*part]


def _paragraph(lines: list[str]) -> list[str]:
    """One paragraph: a table or code as it is, entries as a list, below a heading or not; all else is prose."""
    if len(lines) > 1 and set(lines[1].strip()) == {"-"}:  # Parameters, Raises
        body = _entries(lines[2:])
        return [f".. rubric:: {lines[0].strip()}", "", *body]
    if lines[0].startswith(("====", " ", ">>>", ".. ")):
        return lines
    if ENTRY.match(lines[0]):
        return _entries(lines)
    return [_escape(line if lines[0].startswith("- ") else line.strip()) for line in lines]  # lists are indented


def _entries(lines: list[str]) -> list[str]:
    """A list item for each line that is not indented, with the indented ones that follow it."""
    items: list[str] = []
    for line in lines:
        if line.startswith(" ") and items:
            items[-1] += f" {_escape(line.strip())}"
        else:
            head, colon, rest = line.partition(" : ")
            items.append(f"* ``{head.strip()}``: {_escape(rest)}" if colon else f"* {_escape(line)}:")
    return items


def _escape(text: str) -> str:
    """Stars and bars are multiplication and norms, but within backticks."""
    parts = LITERAL.split(text)
    return "".join(part if part.startswith("`") else SPECIAL.sub(r"\\\1", part) for part in parts)


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", translate)
