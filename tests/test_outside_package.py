"""A package outside neurofwp - a rule, a stage, an experiment - beside the wheel, in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

ROOT = Path(__file__).parent.parent
OUTSIDE = Path(__file__).parent / "outside_package"
STAGE = """
import json
import numpy as np
from neurofwp import SpikingNetwork, program
one = np.ones((1, 1, 2))
written = program.from_arrays(one, np.ones((1, 1, 1)), query=0*one, write_gate=1.0, duration=300)
network = SpikingNetwork("quadratic.toml", cells_per_pool=1, backend="numpy")
trace = network.run(written)
print(json.dumps({"weight": float(abs(trace["weight"]).max()), "forms": json.loads(trace.attrs["config"])["forms"]}))
"""


class Environment:
    """Programs of a fresh environment, run in a folder that holds nothing of neurofwp."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._home, self._cache = folder / "work", folder / "environment", folder / "cache"
        self.folder.mkdir()
        sources = folder / "sources"
        ignored = shutil.ignore_patterns(".*", "results", "build", "*.egg-info", "__pycache__", "tests")
        shutil.copytree(ROOT, sources / "neurofwp", ignore=ignored)
        shutil.copytree(OUTSIDE, sources / "outside")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        offline = ["-q", "--no-deps", "--no-build-isolation", "--no-index"]
        wheels = folder / "wheels"
        both = [str(sources / "neurofwp"), str(sources / "outside")]
        subprocess.run([*pip, "wheel", *offline, "--wheel-dir", str(wheels), *both], check=True, timeout=240)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self._home)], check=True, timeout=60)
        (site,) = self._home.glob("lib/python*/site-packages")
        (site / "borrowed.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
        pip += ["--python", str(self._home / "bin" / "python")]
        made = map(str, wheels.glob("*.whl"))
        subprocess.run([*pip, "install", *offline, "--ignore-installed", *made], check=True, timeout=240)

    def __call__(self, name: str, *words: str) -> str:
        """What a program prints."""
        clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        made = subprocess.run(
            [str(self._home / "bin" / name), *words], cwd=self.folder, capture_output=True, text=True, check=False,
            timeout=200, env={**clean, "NEUROFWP_CACHE": str(self._cache)},
        )  # fmt: skip
        assert made.returncode == 0, made.stdout + made.stderr
        return made.stdout


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("outside"))


def test_what_the_package_offers_is_listed_and_shown(outside: Environment) -> None:
    assert outside("python", "-c", "import neurofwp; print(neurofwp.__file__)").startswith(str(outside.folder.parent))
    listed = json.loads(outside("neurofwp", "list", "--json"))
    assert "leaky" in [each["id"] for each in listed["rules"]]
    assert "expression.quadratic" in [each["name"] for each in listed["stages"]]
    assert {"name": "leak", "description": "of the package leaky-synapses"} in listed["experiments"]
    assert "leak W + beta v k'" in outside("neurofwp", "show", "leaky")


def test_its_experiment_runs_its_rule_and_fits_it(outside: Environment) -> None:
    outside("neurofwp", "run", "leak", "--leak", "0.7", "--out", "one")
    numbers = json.loads((outside.folder / "one" / "summary.json").read_text())
    assert [value for name, value in numbers.items() if name.endswith("found")] == pytest.approx([0.7], abs=1e-4)


def test_its_experiment_is_swept(outside: Environment) -> None:
    outside("neurofwp", "sweep", "leak", "--over", "leak=0.5,0.9", "--workers", "1", "--out", "swept")
    with xr.open_dataset(outside.folder / "swept" / "sweep.nc") as swept:
        assert (swept["error"] == "").all()
        (name,) = (name for name in swept.data_vars if str(name).endswith("found"))
        assert swept[name].values.ravel().tolist() == pytest.approx([0.5, 0.9], abs=1e-4)


def test_its_stage_writes_in_a_model_of_a_file(outside: Environment) -> None:
    text = (ROOT / "models" / "synapses" / "linear.toml").read_text()
    start = text.index("[expression]")
    end = text.index("\n[", start)
    own = '[expression]\nform = "quadratic"\nsteepness = { value = 2, unit = "nS/s" }\n'
    (outside.folder / "quadratic.toml").write_text(text[:start] + own + text[end:])
    assert "weight = weight + plasticity_step*steepness*calcium*calcium" in outside(
        "neurofwp", "show", "quadratic.toml"
    )
    made = json.loads(outside("python", "-c", STAGE).splitlines()[-1])
    assert made["forms"]["expression"] == "quadratic"
    assert made["weight"] > 0
