"""What there is to choose from: experiments, rules, synapse models, slow nets, families of tasks.

Experiments, slow nets and families are listed from their source text: importing them all would load Brian2 and torch.
"""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

import neurofwp.experiments
from neurofwp.errors import unknown

Kind = Literal["experiments", "rules", "synapses", "slownets", "families"]


def experiments() -> dict[str, str]:
    """Each experiment's name, as on the command line, and the first line of its docstring."""
    sources = _sources(*neurofwp.experiments.__path__)
    return {_named(source): _first_line(_tree(source)) for source in sources}


def experiment(name: str) -> ModuleType:
    """Import one experiment by its name on the command line.

    Raises
    ------
    InputError
        for a name that no experiment has.
    """
    known = experiments()
    if name not in known:
        raise unknown("experiment", name, known)
    return import_module(f"neurofwp.experiments.{name.replace('-', '_')}")


def synapses() -> dict[str, str]:
    """Each synapse model's name and its description."""
    folder = resources.files("neurofwp.models") / "synapses"
    models = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): tomllib.loads(file.read_text())["description"] for file in models}


def slownets() -> dict[str, str]:
    """Each slow net by name: the fixed one, and those that come trained, with the tasks that they were trained on."""
    fixed = ast.parse(Path(neurofwp.__path__[0], "slownet", "encoder.py").read_text())
    made = {node.name: _first_line(node) for node in fixed.body if isinstance(node, ast.ClassDef)}
    folder = resources.files("neurofwp.models") / "slownets"
    known = families()
    for file in sorted(Path(str(folder)).glob("*.safetensors")):
        about = _header(file)
        made[file.stem] = f"trained on {about['family']}: {known.get(about['family'], '')}"
    return made


def families() -> dict[str, str]:
    """Each family of tasks that a slow net can be trained on, as on the command line, and what it is."""
    sources = _sources(str(Path(neurofwp.__path__[0], "slownet", "families")))
    return {_named(source): _first_line(_tree(source)) for source in sources}


def family(name: str) -> ModuleType:
    """Import one family of tasks by its name on the command line.

    Raises
    ------
    InputError
        for a name that no family has.
    """
    known = families()
    if name not in known:
        raise unknown("family of tasks", name, known)
    return import_module(f"neurofwp.slownet.families.{name.replace('-', '_')}")


@dataclass(frozen=True)
class _List:
    what: tyro.conf.Positional[Literal[Kind, "all"]] = "all"
    """One kind only, or everything."""


def list_all(words: list[str]) -> int:
    """experiments, rules, synapse models, slow nets and what to train them on"""
    chosen = tyro.cli(_List, prog="neurofwp list", description="List what there is to choose from.", args=words).what
    tables = {
        "experiments": lambda: table("experiments", ("name", "what it does"), experiments().items()),
        "rules": _rules,
        "synapses": lambda: table("synapse models", ("name", "what it is"), synapses().items()),
        "slownets": lambda: table("slow nets", ("name", "what it is"), slownets().items()),
        "families": lambda: table("families to train slow nets on", ("name", "what it is"), families().items()),
    }
    console = Console()
    for kind in get_args(Kind) if chosen == "all" else (chosen,):
        console.print(tables[kind]())
    return 0


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


def _rules() -> Table:
    from neurofwp.rules import RULES  # brings torch

    columns = ("id", "equation", "local objective", "signals at a synapse", "biological reading", "source")
    rows = (
        (rule.id, rule.equation, rule.objective, ", ".join(rule.signals), rule.reading, rule.source) for rule in RULES
    )
    caption = "Softmax attention, which without its softmax is hebbian, is neurofwp.rate.softmax_attention."
    return table("rules", columns, rows, caption, lines=True)


def _sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in Path(folder).glob("[!_]*.py"))


def _tree(source: Path) -> ast.Module:
    return ast.parse(source.read_text())


def _first_line(node: ast.Module | ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").partition("\n")[0]


def _named(source: Path) -> str:
    return source.stem.replace("_", "-")


def _header(file: Path) -> dict[str, Any]:
    """The config in a safetensors file, without torch: a length, then a JSON header (safetensors format)."""
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    config: dict[str, Any] = json.loads(header["__metadata__"]["config"])
    return config
