"""A report, and the one HTML file that it becomes.

All that it shows is inside: figures as data, style and script in the text. A policy in its head forbids it to ask for
anything else. It names no time and no place, so that the same result gives the same bytes.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "page.html"
DPI = 200  # of the figures that are embedded
SHOWN = 120  # pixels of CSS for an inch of them


@dataclass(frozen=True)
class Picture:
    """A figure as PNG, with its caption, and what is to be seen in it for those who cannot."""

    name: str
    png: bytes
    caption: str = ""
    alt: str = ""

    @property
    def data(self) -> str:
        """The image as text."""
        return base64.b64encode(self.png).decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height on the page, in pixels of CSS."""
        width, height = struct.unpack(">II", self.png[16:24])  # where every PNG says it
        return round(width * SHOWN / DPI), round(height * SHOWN / DPI)


@dataclass(frozen=True)
class Table:
    """Cells as text, by column; headings carry the units. note : what to know of it, as how much of it is shown.

    links : where the first cell of each row leads, beside the report.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Setting:
    """A setting, and its default where that is known."""

    name: str
    value: str
    default: str | None = None
    meaning: str = ""

    @property
    def changed(self) -> bool:
        """Whether it is not the default."""
        return self.default is not None and self.value != self.default


@dataclass(frozen=True)
class Page:
    """All that a report says. about : paragraphs on what was done; reading : on what the tables hold."""

    title: str
    command: str
    question: str = ""
    answer: str = ""
    about: Sequence[str] = ()
    shows: str = ""
    does_not_show: str = ""
    reading: Sequence[str] = ()
    warnings: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    settings: Sequence[Setting] = ()
    provenance: Sequence[tuple[str, str]] = field(default=())


def render(page: Page) -> str:
    """The HTML of a report."""
    return _template().render(page=page) + "\n"


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = FileSystemLoader(Path(__file__).parent)
    own = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return own.get_template(TEMPLATE)
