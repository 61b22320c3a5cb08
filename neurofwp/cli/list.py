"""`neurofwp list`: what there is to choose from, as tables or as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, get_args

import tyro
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from neurofwp.cli import catalogue, text

Kind = Literal["experiments", "rules", "synapses", "stages", "circuits", "parameters", "tasks", "slownets", "families"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TITLES = {
    "experiments": "experiments",
    "synapses": "synapse models",
    "stages": "forms of the stages of a synapse",
    "circuits": "forms of the circuit around the synapses",
    "tasks": "tasks",
    "slownets": "slow nets",
    "families": "families of tasks to train slow nets on",
}


@dataclass(frozen=True)
class _List:
    what: tyro.conf.Positional[Literal[Kind, "all"]] = "all"
    """One kind only, or everything."""
    model: str = catalogue.MODEL
    """The synapse model whose parameters are listed."""
    json: bool = False
    """Print JSON, with all that is known of each."""


def main(words: list[str]) -> int:
    """What there is to choose from, from the command line."""
    given = tyro.cli(_List, prog="neurofwp list", description="List what there is to choose from.", args=words)
    kinds = KINDS if given.what == "all" else (given.what,)
    found = {kind: _find(kind, given.model) for kind in kinds}
    if given.json:
        print(json.dumps(found if given.what == "all" else found[given.what], indent=2, ensure_ascii=False))
        return 0
    console = Console()
    for kind, items in found.items():
        console.print(_table(kind, items, given.model))
    return 0


def _find(kind: Kind, model: str) -> list[dict[str, Any]]:
    """All of one kind, with what is known of each."""
    if kind == "rules":
        return [*catalogue.rules().values()]
    if kind == "parameters":
        return catalogue.parameters(model)
    return [{"name": name, "description": line} for name, line in getattr(catalogue, kind)().items()]


def _table(kind: Kind, items: list[dict[str, Any]], model: str) -> Table:
    if kind == "rules":
        return _rules(items)
    if kind == "parameters":
        columns = ("name", "value", "unit", "meaning", "stage")
        rows = ([str(each[column]) for column in columns] for each in items)
        caption = "To replace one: --parameters NAME=VALUE, as in tau_nmda=50ms, or a plain number in this unit."
        return text.table(f"parameters of {model} and its circuit", columns, rows, caption)
    table = text.table(TITLES[kind], ("name", "what it is"), (each.values() for each in items))
    table.columns[0].no_wrap = True  # to be copied whole
    return table


def _rules(items: list[dict[str, Any]]) -> Table:
    """More is known of a rule than fits beside its name: each thing has a line of its own."""
    caption = "Softmax attention, which without its softmax is hebbian, is neurofwp.rate.softmax_attention."
    table = text.table("rules", ("id", "what it does, and what is known about it"), (), caption, lines=True)
    for rule in items:
        known = Table.grid(padding=(0, 1))
        for what in ("objective", "signals", "reading", "source"):
            said = rule[what] if isinstance(rule[what], str) else ", ".join(rule[what])
            known.add_row(Text(what, style="dim"), Text(said))
        fits = f"left out: {rule['not_fitted']}" if rule["not_fitted"] else "competes"
        known.add_row(Text("identify", style="dim"), Text(fits))
        table.add_row(Text(rule["id"]), Group(Text(rule["equation"]), known))
    return table
