"""Pages of the reference, written from the code and its parameter files each time that the site is built.

What is written, `generated/`, is not kept in the repository.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import gallery

import neurofwp
from neurofwp import rules, synapses
from neurofwp.cli import catalogue
from neurofwp.identification.competing import reason
from neurofwp.rules import SIGNALS, Rule
from neurofwp.spiking.circuits import CIRCUITS

HERE = Path(__file__).parent
FOLDER = HERE / "generated"
PACKAGES = tuple(name for name in neurofwp.PACKAGES if name != "runtime")  # whose doors are its modules
DOORS = ("neurofwp.brian.own_network", "neurofwp.brian.own_trace", "neurofwp.runtime.registry", "neurofwp.errors")


def write() -> None:
    """Write every page anew."""
    (FOLDER / "api").mkdir(parents=True, exist_ok=True)
    pages: dict[str, Callable[[], Iterable[str]]] = {
        "rules": rule_page,
        "synapses": synapse_page,
        "circuits": circuit_page,
        "stages": stage_page,
        "experiments": gallery.page,
    }
    for name, parts in pages.items():
        write_page(FOLDER / f"{name}.md", parts())
    modules = [*(f"neurofwp.{name}" for name in PACKAGES), *DOORS]
    for module in modules:
        write_page(FOLDER / "api" / f"{module}.md", api_page(module))
    write_page(FOLDER / "api" / "index.md", ["# Python", _toctree(sorted(modules))])


def rule_page() -> Iterator[str]:
    """Every rule: what it does, what it takes, its parameters with bounds."""
    yield "# Rules"
    yield (
        "Weights W, key k, value v; `'` transposes; $\\beta$ is the write strength, log decay is the logarithm of what "
        "is kept. A rule competes in `neurofwp.identify` unless it says otherwise."
    )
    found = [rules.get(name) for name in catalogue.rules()]
    rows = ((_link(r.id), f"`{r.equation}`", _competes(r)) for r in found)
    yield table(("rule", "equation", "in `identify`"), rows)
    for rule in found:
        yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"## {rule.id}"
    yield f"```\n{rule.equation}\n```"
    facts = {
        "Objective": f"`{rule.objective}`" if rule.objective else "",
        "Reading": rule.reading,
        "Source": rule.source,
        "Signals at a synapse": "; ".join(SIGNALS[name] for name in rule.signals),
        "Takes": "; ".join(f"`{each.name}`, {each.meaning}" for each in rule.arguments),
        "Contains": "; ".join(f"{name} at {_settings(at)}" for name, at in rule.nests.items()),
        "Chunkwise form": "yes" if rule.has_chunkwise else "no",
        "Left out of `identify`": reason(rule),
    }
    yield "\n".join(f"- **{name}**: {said}" for name, said in facts.items() if said)
    known = [*rule.parameters, *rule.fitted_with]
    if known:
        header = ("parameter", "default", "bounds in fits", "meaning")
        yield table(header, ((f"`{p.name}`", f"{p.default:g}", f"{p.low:g} to {p.high:g}", p.meaning) for p in known))


def synapse_page() -> Iterator[str]:
    """Every synapse model: its stages, parameters with units and sources, and the equations they make."""
    yield "# Synapse models"
    yield "`neurofwp show NAME` prints the equations of a model with these values; `--toml` prints its file."
    yield table(("model", "what it is"), ((_link(name), line) for name, line in catalogue.synapses().items()))
    for name in catalogue.synapses():
        yield from _model(name, "synapses")


def circuit_page() -> Iterator[str]:
    """Every circuit that comes with the package, with its parameters."""
    yield "# Circuits"
    yield "What the cells around the synapses are: see [Circuits](../circuits.md)."
    for file in sorted((resources.files("neurofwp.models") / "circuits").iterdir(), key=str):
        if file.name.endswith(".toml"):
            yield from _model(file.name.removesuffix(".toml"), "circuits")


def _model(name: str, kind: str) -> Iterator[str]:
    """A file of parameters: its stages, or the circuit, in tables."""
    content = tomllib.loads((resources.files("neurofwp.models") / kind / f"{name}.toml").read_text())
    meanings = _meanings()
    yield f"## {name}"
    yield f"{content['description'].rstrip('.')}."
    if source := content.get("source"):
        yield f"Source: {source.strip().rstrip('.')}."
    for stage, part in ({"": content} if kind == "circuits" else content).items():
        if not isinstance(part, dict):
            continue
        own = {key: entry for key, entry in part.items() if isinstance(entry, dict) and "value" in entry}
        title = f"**{stage}**: {part['form']}" if "form" in part and stage else ""
        rows = (
            (f"`{key}`", _number(entry["value"]), entry.get("unit", ""), meanings.get(key, ""), _source(entry))
            for key, entry in own.items()
        )
        yield title
        if own:
            yield table(("parameter", "value", "unit", "meaning", "source"), rows)


def stage_page() -> Iterator[str]:
    """Every form of every stage of a synapse."""
    yield "# Stages of a synapse"
    yield "A synapse model names one form of each stage. For equations of your own: [Brian2](../brian2.md)."
    for stage in sorted(synapses.STAGES, key=lambda each: each.name):
        yield f"## {stage.name}"
        if doc := (type(stage).__doc__ or "").strip().partition("\n\n")[0]:
            yield doc
        yield f"Source: {stage.source}"
        if stage.parameters:
            yield table(("parameter", "meaning"), ((f"`{p.name}`", p.meaning) for p in stage.parameters))


def api_page(module: str) -> Iterator[str]:
    """What a module offers, from its docstrings."""
    yield f"# {module}"
    collected = "\n   :imported-members:" if hasattr(import_module(module), "__all__") else ""
    yield f"```{{eval-rst}}\n.. automodule:: {module}\n   :members:{collected}\n```"


def _meanings() -> dict[str, str]:
    """What each parameter of stages and circuits means, by its name."""
    stages = {each.name: each.meaning for stage in synapses.STAGES for each in stage.parameters}
    return stages | {p.name: p.meaning for circuit in CIRCUITS for p in circuit.parameters}


def _competes(rule: Rule) -> str:
    return "left out" if reason(rule) else "competes"


def _settings(at: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {_number(value)}" for name, value in at.items())


def _source(entry: dict[str, Any]) -> str:
    return f"{entry.get('source', '')}{' (tuned)' if entry.get('tuned') else ''}"


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def _link(name: str) -> str:
    return f"[{name}](#{_anchor(name)})"


def _anchor(name: str) -> str:
    return name.lower().replace(".", "")


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = [*header]
    cells = ([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *cells))


def _toctree(names: Iterable[str]) -> str:
    return "```{toctree}\n:maxdepth: 1\n" + "\n".join(names) + "\n```"


def write_page(path: Path, parts: Iterable[str]) -> None:
    """Write a page if it says something else than before: Sphinx reads again what is newer."""
    text = "\n\n".join(part for part in parts if part) + "\n"
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def setup(app: Any) -> None:
    """Called by Sphinx before it reads anything."""
    write()
