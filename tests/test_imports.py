"""Imports run one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurofwp

ROOT = Path(neurofwp.__file__).parent
TOP = {"__init__", "__main__", "errors", "schema", "program", "trace"}
PLAIN = {"errors", "schema", "runtime"}  # what every package may know of
DATA = {"program", "trace"}
# package: the other packages that it may import
MAY = {
    "runtime": set(),
    "schema": set(),
    "errors": set(),
    "program": set(),
    "trace": {"program"},
    "rules": set(),
    "synapses": set(),
    "tasks": DATA,
    "rate": DATA | {"rules"},
    "brian": DATA | {"spike_trains", "synapses"},
    "spike_trains": {"program", "synapses"},
    "spiking": DATA | {"brian", "spike_trains", "synapses", "theory"},
    "theory": {"synapses"},
    "laboratory": {"brian", "synapses", "theory"},
    "optimisation": set(),
    "slownet": DATA | {"rules", "rate", "tasks", "metrics", "transforms"},
    "metrics": DATA | {"transforms"},
    "transforms": DATA | {"metrics"},
    "plots": DATA | {"metrics", "rules", "transforms", "tasks"},
    "identification": DATA | {"rules", "rate", "metrics", "transforms"},
    "calibration": DATA
    | {"identification", "laboratory", "metrics", "optimisation", "rules", "spiking", "synapses", "theory"},
}


def imports(file: Path) -> Iterator[str]:
    """Packages of the library that a file imports when it runs: not those for type checkers alone."""
    tree = ast.parse(file.read_text())
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for inner in branch.body
        for node in ast.walk(inner)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "neurofwp":
            parts = node.module.split(".")
            yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        if isinstance(node, ast.Import):
            yield from (name.split(".")[1] for alias in node.names if (name := alias.name).startswith("neurofwp."))


@pytest.mark.parametrize("package", MAY)
def test_a_package_knows_only_what_is_below_it(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py")) or [ROOT / f"{package}.py"]
    found = {(name, file.name) for file in files for name in imports(file) if name != package}
    assert {(name, file) for name, file in found if name not in MAY[package] | PLAIN} == set()


def test_every_package_has_its_place() -> None:
    packages = {folder.name for folder in ROOT.iterdir() if (folder / "__init__.py").is_file()}
    assert packages - {"cli", "models", "experiments", "data"} <= set(MAY)
    assert {file.stem for file in ROOT.glob("*.py")} == TOP


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    import sys

    named = {file.stem for file in ROOT.rglob("*.py")} & set(sys.stdlib_module_names)
    assert named <= {"__main__", "trace"}  # the user's word for what a network did
