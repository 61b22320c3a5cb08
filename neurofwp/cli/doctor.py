"""`neurofwp doctor`: what this machine has, and what to do about what it has not."""

from __future__ import annotations

from dataclasses import dataclass

import tyro
from rich.console import Console
from rich.text import Text


@dataclass(frozen=True)
class _Doctor:
    pass


def doctor(words: list[str]) -> int:
    """compiler, GPU, versions, caches: what is there, and what to do about what is not"""
    tyro.cli(_Doctor, prog="neurofwp doctor", description="Check this machine.", args=words)
    from neurofwp.runtime.doctor import examine  # brings Brian2 and torch

    findings = examine()
    console = Console()
    for finding in findings:
        mark, style = ("ok", "green") if not finding.remedy else ("PROBLEM", "red") if finding.needed else ("note", "")
        console.print(Text.assemble((f"{mark:<8}", style), f"{finding.what}: {finding.found}"), soft_wrap=True)
        if finding.remedy:
            console.print(Text(f"        {finding.remedy}"), soft_wrap=True)
    return int(any(finding.remedy and finding.needed for finding in findings))
