"""`neurofwp doctor`: what this machine has, and what to do about what it has not."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import tyro
from rich.console import Console
from rich.text import Text


@dataclass(frozen=True)
class _Doctor:
    json: bool = False
    """Print JSON: what was looked at, what was found, the remedy if one is needed."""
    quick: bool = False
    """Look only: compile and run no network, fit no rule, which takes half a minute."""


def main(words: list[str]) -> int:
    """A check of this machine, from the command line."""
    given = tyro.cli(_Doctor, prog="neurofwp doctor", description="Check this machine.", args=words)
    from neurofwp.cli.machine import examine

    findings = examine(quick=given.quick)
    if given.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    console = Console()
    for finding in () if given.json else findings:
        mark, style = ("ok", "green") if not finding.remedy else ("PROBLEM", "red") if finding.needed else ("note", "")
        console.print(Text.assemble((f"{mark:<8}", style), f"{finding.what}: {finding.found}"), soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"        {finding.remedy}"), soft_wrap=True)
    return int(any(finding.remedy and finding.needed for finding in findings))
