"""Tables of plain text, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text


def table(
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[str]],
    caption: str | None = None,
    *,
    lines: bool = False,
) -> Table:
    """A table of plain text, in which square brackets are no markup; with lines between rows of several lines each."""
    result = Table(
        title=Text(title, no_wrap=True), title_justify="left", caption=caption, caption_justify="left", show_lines=lines
    )
    for column in columns:
        result.add_column(column, overflow="fold")
    for row in rows:
        result.add_row(*map(Text, row))
    return result
