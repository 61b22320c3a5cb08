"""`neurofwp cache`: the compiled networks that are kept, and a way to be rid of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import tyro
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class _Cache:
    clear: bool = False
    """Remove all of them."""


def main(words: list[str]) -> int:
    """The compiled networks that are kept, from the command line."""
    chosen = tyro.cli(
        _Cache, prog="neurofwp cache", description="Compiled networks, kept for the next run.", args=words
    )
    from neurofwp.brian import cache

    folder, console = cache.user_folder(), Console()
    found = cache.entries(folder)
    if chosen.clear:
        for entry in found:
            cache.remove(entry)
    elif found:
        table = Table(box=SIMPLE_HEAD)
        for column in ("network", "MB", "last used"):
            table.add_column(column, justify="right" if column == "MB" else "left")
        for entry in found:
            used = datetime.fromtimestamp(entry.used).isoformat(" ", "minutes")
            table.add_row(entry.folder.name, f"{entry.size / 1e6:.1f}", used)
        console.print(table)
    total = f"{len(found)} compiled networks, {sum(entry.size for entry in found) / 1e6:.1f} MB"
    gone = "removed from" if chosen.clear else f"of at most {cache.LIMIT / 1e6:.0f} MB, in"
    console.print(f"{total}, {gone} {folder}", soft_wrap=True, highlight=False)
    return 0
