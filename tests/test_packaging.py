"""What an installed neurofwp carries, and that it is quick to import."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module, metadata, resources
from pathlib import Path

import pytest

import neurofwp

ROOT = Path(__file__).parent.parent
MAPPED = ("models", "experiments", "data")


def test_every_package_is_declared() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = [line for line in setup["options"]["packages"].splitlines() if line and not line.startswith("#")]
    inside = [file.parent.relative_to(ROOT) for file in (ROOT / "neurofwp").rglob("__init__.py")]
    expected = {".".join(folder.parts) for folder in inside} | {f"neurofwp.{folder}" for folder in MAPPED}
    assert set(declared) == expected
    assert len(declared) == len(expected)


def test_the_dependency_group_and_the_extra_agree() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert groups["test"] == setup["options.extras_require"]["test"].split()


def test_the_version_is_the_same_everywhere() -> None:
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert citation
    assert metadata.version("neurofwp") == neurofwp.__version__ == citation[1]


def test_top_level_folders_are_found_inside_the_package() -> None:
    for name in MAPPED:
        assert import_module(f"neurofwp.{name}").__doc__
    models = list((resources.files("neurofwp.models") / "synapses").iterdir())
    assert models
    for model in models:
        assert tomllib.loads(model.read_text())["description"].strip(), model.name


def test_a_wheel_carries_code_models_experiments_and_data(wheel: Path) -> None:
    source = wheel.parent.parent / "source"
    carried = set(zipfile.ZipFile(wheel).namelist())
    for folder in MAPPED:
        files = [file for file in (source / folder).rglob("*") if file.is_file()]
        assert {f"neurofwp/{file.relative_to(source)}" for file in files} <= carried
    assert {str(file.relative_to(source)) for file in (source / "neurofwp").rglob("*") if file.is_file()} <= carried
    assert not [name for name in carried if name.startswith(("tests/", "benchmarks/", "experiments/"))]


def test_importing_neurofwp_loads_nothing_heavy() -> None:
    heavy = {"brian2", "torch", "xarray", "matplotlib"}
    code = f"import sys, neurofwp; sys.exit(' '.join({heavy} & sys.modules.keys()) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_public_names_are_those_of_the_modules_that_define_them() -> None:
    for name in neurofwp.__all__:
        home = neurofwp.NAMES.get(name)
        expected = getattr(import_module(f"neurofwp.{home}"), name) if home else import_module(f"neurofwp.{name}")
        assert getattr(neurofwp, name) is expected
        assert name in dir(neurofwp)
    with pytest.raises(AttributeError, match="no attribute 'SpikingNetwrok'"):
        _ = neurofwp.SpikingNetwrok
