"""What there is to choose from: experiments, rules, synapse models, circuits, parameters, slow nets, families of tasks.

All of it is read from source text and from files: importing experiments and rules to list them would load torch.
"""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib import import_module, resources
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import neurofwp.experiments
from neurofwp.errors import unknown
from neurofwp.runtime.experiment import REGISTRY as EXPERIMENTS, Experiment
from neurofwp.runtime.registry import KINDS, Registry, entry_points, package

T = TypeVar("T")

RULE = ("id", "equation", "objective", "signals", "reading", "source", "not_fitted")  # what is listed of a rule
ENTRY = ("value", "unit", "source", "tuned", "note")  # and what a file says of a parameter
MODEL, CIRCUIT = "error-correcting", "apical-feedback"  # those that experiments use unless they are told otherwise


def experiments() -> dict[str, str]:
    """Each experiment's name, as on the command line, and the first line of its docstring."""
    sources = _sources(*neurofwp.experiments.__path__)
    shipped = {_name(source): _first_line(_tree(source)) for source in sources}
    return shipped | from_outside(EXPERIMENTS, lambda each: each.description)


def experiment(name: str) -> Experiment:
    """Import one experiment by its name on the command line.

    Raises
    ------
    InputError
        for a name that no experiment has.
    """
    known = experiments()
    if name not in known:
        raise unknown("experiment", name, known)
    if EXPERIMENTS.origins().get(name, "neurofwp") != "neurofwp":
        return EXPERIMENTS.get(name)
    found: Experiment = import_module(f"neurofwp.experiments.{name.replace('-', '_')}").EXPERIMENT
    return found


def rules() -> dict[str, dict[str, Any]]:
    """What is known of each rule, RULE, by its id."""
    found = [_declarations(_tree(source), RULE) for source in _sources(str(_package("rules")))]
    outside = _outside("rule", lambda each: each.equation)
    return {rule["id"]: {"not_fitted": ""} | rule for rule in found if rule.get("id")} | {
        name: dict.fromkeys(RULE, "") | {"id": name, "equation": line} for name, line in outside.items()
    }


def stages() -> dict[str, str]:
    """Each form of each stage of a synapse, as in "expression.linear", and where its equations come from."""
    from neurofwp.synapses import REGISTRY, STAGES

    return {each.name: each.source for each in STAGES} | from_outside(REGISTRY, lambda each: each.source)


def circuits() -> dict[str, str]:
    """Each form of the circuit around the synapses: its cells and connections."""
    from neurofwp.spiking.circuits import CIRCUITS, REGISTRY

    shipped = {each.name: each.description for each in CIRCUITS}
    return shipped | from_outside(REGISTRY, lambda each: each.description)


def tasks() -> dict[str, str]:
    """Each task and what it is."""
    calls = (node for node in ast.walk(_tree(_package("tasks", "__init__.py"))) if isinstance(node, ast.Call))
    words = [[each.value for each in call.args if isinstance(each, ast.Constant)] for call in calls]
    shipped = {str(name): str(line) for name, line in (each for each in words if len(each) == 2)}
    return shipped | _outside("task", lambda each: each.description)


def synapses() -> dict[str, str]:
    """Each synapse model's name and its description."""
    folder = resources.files("neurofwp.models") / "synapses"
    models = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))["description"] for file in models}


def parameters(model: str = MODEL) -> list[dict[str, Any]]:
    """Each parameter of a synapse model and of the circuit around it, with the value that it has there.

    Raises
    ------
    InputError
        for a model that there is not.
    """
    from neurofwp.spiking.circuits import apical_feedback
    from neurofwp.synapses import REGISTRY
    from neurofwp.synapses.parameters import read_toml

    tables = read_toml(model, "synapses", "synapse model")[1]
    circuit = read_toml(CIRCUIT, "circuits", "circuit")[1] | tables.get("circuit", {})
    forms = {(stage.stage, stage.form): stage.parameters for stage in REGISTRY.all()}
    declared = [
        (name, table["form"], table, forms.get((name, table["form"]), ()))
        for name, table in tables.items()
        if isinstance(table, dict) and "form" in table
    ]
    return [
        {"name": each.name, "meaning": each.meaning, "stage": stage, "form": form}
        | {key: entry for key, entry in table[each.name].items() if key in ENTRY}
        for stage, form, table, own in (*declared, ("circuit", CIRCUIT, circuit, apical_feedback.PARAMETERS))
        for each in own
        if each.name in table
    ]


def slownets() -> dict[str, str]:
    """Each slow net by name: the fixed one, and those that come trained, with the tasks that they were trained on."""
    fixed = _tree(_package("slownet", "encoder.py"))
    found = {node.name: _first_line(node) for node in fixed.body if isinstance(node, ast.ClassDef)}
    folder = resources.files("neurofwp.models") / "slownets"
    known = families()
    for file in sorted(Path(str(folder)).glob("*.safetensors")):
        about = _config(file)
        found[file.stem] = f"trained on {about['family']}: {known.get(about['family'], '')}"
    return found


def families() -> dict[str, str]:
    """Each family of tasks that a slow net can be trained on, as on the command line, and what it is."""
    sources = _sources(str(_package("slownet", "families")))
    return {_name(source): _first_line(_tree(source)) for source in sources}


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


def from_outside(registry: Registry[T], describe: Callable[[T], str]) -> dict[str, str]:
    """What was registered, described; and the names that packages offer, which are not imported for it."""
    return {
        name: describe(registry.get(name)) if origin == "registered" else f"of the package {origin}"
        for name, origin in registry.origins().items()
        if origin != "neurofwp"
    }


def _outside(kind: str, describe: Callable[[Any], str]) -> dict[str, str]:
    """The same of a kind whose module takes long to import, and need not be if nothing was registered."""
    home = sys.modules.get(KINDS[kind].home)
    if home is not None:
        return from_outside(home.REGISTRY, describe)
    return {point.name: f"of the package {package(point)}" for point in entry_points(kind)}


def _package(*path: str) -> Path:
    return Path(neurofwp.__path__[0], *path)


def _sources(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in Path(folder).glob("[!_]*.py"))


def _tree(source: Path) -> ast.Module:
    return ast.parse(source.read_text("utf-8"))


def _first_line(node: ast.Module | ast.ClassDef) -> str:
    return (ast.get_docstring(node) or "").partition("\n")[0]


def _name(source: Path) -> str:
    return source.stem.replace("_", "-")


def _declarations(tree: ast.Module, names: tuple[str, ...]) -> dict[str, Any]:
    """Attributes that an object, or a class, of a module is given as literals, by name."""
    return {name: ast.literal_eval(value) for name, value in _attributes(tree) if name in names}


def _attributes(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            yield from ((each.arg, each.value) for each in node.value.keywords if each.arg)
        for inner in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Name):
                yield inner.targets[0].id, inner.value
            elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name) and inner.value:
                yield inner.target.id, inner.value


def _config(file: Path) -> dict[str, Any]:
    """The config that a safetensors file holds beside its tensors."""
    from safetensors import safe_open

    with safe_open(file, framework="numpy") as content:
        config: dict[str, Any] = json.loads(content.metadata()["config"])
    return config
