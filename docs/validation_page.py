"""The page of validation: published results and closed forms beside numbers of docs/results, from validation.toml."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_pages import table, write_page

HERE = Path(__file__).parent


def write() -> None:
    """Write generated/validation.md."""
    write_page(HERE / "generated" / "validation.md", page(groups()))


def groups() -> list[dict[str, Any]]:
    """What validation.toml holds."""
    found: list[dict[str, Any]] = tomllib.loads((HERE / "validation.toml").read_text())["group"]
    return found


def page(groups: list[dict[str, Any]]) -> Iterator[str]:
    """A table for each group."""
    yield "# Validation"
    yield (
        "What others published, or what a closed form says, beside what this program finds. Misses are listed like "
        "hits. Each page says which command, seed and commit its numbers are of."
    )
    for group in groups:
        yield f"## {group['title']}"
        yield group["about"]
        rows = (
            (result["what"], result.get("published", ""), _here(group | result), f"[page](../{group['page']})")
            for result in group["result"]
        )
        yield table(("", "published or closed form", "here", ""), rows)


def _here(result: dict[str, Any]) -> str:
    """The number that a row of a kept table holds, with its standard error where there is one."""
    path = HERE / "results" / result["table"]
    with path.open(newline="") as file:
        found = [row for row in csv.DictReader(file) if result["row"].items() <= row.items()]
    if len(found) != 1:
        raise ValueError(f"validation.toml: {len(found)} rows of {result['table']} have {result['row']}, not one")
    number = f"{float(found[0][result['column']]):.4g}"
    error = found[0].get(result.get("error", ""), "")
    return f"{number} ± {float(error):.2g}" if error else number


def setup(app: Any) -> None:
    """Called by Sphinx before it reads anything."""
    write()
