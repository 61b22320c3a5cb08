"""The same numbers wherever a run is started: homes, temporary folders, paths, languages, warnings, limits, wheels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import neurofwp

RUN = ("run", "hetero-associative", "--pairs", "2", "--episodes", "2", "--no-fit", "--device", "cpu", "--seed", "3")
ODD = "ein Ordner's «Nächte» $HOME 100%"


@dataclass(frozen=True)
class Environment:
    """What differs: variables ("" removes one; FOLDER is the place of the test), flags of Python, the folder that it is
    started in, that of the results, and what the shell is told before."""

    variables: Mapping[str, str] = field(default_factory=dict)
    python: tuple[str, ...] = ()
    within: str = "."
    out: str = "out"
    before: str = ":"


ENVIRONMENTS = {
    "no HOME": Environment({"HOME": ""}),
    "HOME that is not there": Environment({"HOME": "/not/there"}),
    "HOME that is no folder": Environment({"HOME": "/dev/null", "MPLCONFIGDIR": ""}),
    "no cache, no HOME": Environment({"HOME": "/not/there", "NEUROFWP_CACHE": "/proc/not-there"}),
    "no TMPDIR": Environment({"TMPDIR": ""}),
    "TMPDIR that is not there": Environment({"TMPDIR": "/not/there"}),
    "odd TMPDIR": Environment({"TMPDIR": f"FOLDER/{ODD}"}),
    "odd folder": Environment(within=ODD),
    "odd results": Environment(out=f"{ODD}/{ODD}"),
    "odd cache": Environment({"NEUROFWP_CACHE": f"FOLDER/{ODD}"}),
    "relative cache": Environment({"NEUROFWP_CACHE": "own-cache"}),
    "name of 200 letters": Environment(out="n" * 200),
    "C locale": Environment({"LC_ALL": "C"}),
    "C locale without UTF-8": Environment({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, out=ODD),
    "ASCII output": Environment({"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"}, out=ODD),
    "decimal comma": Environment({"LC_ALL": "de_DE.UTF-8", "LOCPATH": "FOLDER/locales"}),
    "warnings as errors": Environment(python=("-W", "error", "-W", "ignore::DeprecationWarning")),
    "optimised": Environment(python=("-OO",)),
    "hash seed": Environment({"PYTHONHASHSEED": "77"}),
    "figures on a screen that is not there": Environment({"MPLBACKEND": "TkAgg", "DISPLAY": ""}),
    "four threads": Environment({"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "4"}),
    "terminal of 20 columns": Environment({"COLUMNS": "20", "TERM": "dumb", "NO_COLOR": "1"}),
    "files for nobody": Environment(before="umask 077"),
    "files for everybody": Environment({"NEUROFWP_CACHE": "FOLDER/open"}, before="umask 000"),
    "32 open files": Environment(before="ulimit -n 32"),
    "no standard input": Environment(before="exec <&-"),
    "signals ignored": Environment(before="trap '' INT TERM HUP"),
    "link in place of the folder": Environment(before='mkdir -p real && ln -s real out'),
}  # fmt: skip


def run(folder: Path, cache: Path, environment: Environment) -> subprocess.CompletedProcess[str]:
    """A run, in a clean environment but for what is told."""
    within = folder / environment.within
    for each in (within, folder / "tmp", folder / "home", folder / ODD):
        each.mkdir(parents=True, exist_ok=True)
    variables = {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"),
        "NEUROFWP_CACHE": str(cache), "PYTHONPATH": str(Path(neurofwp.__file__).parents[1]),
    }  # fmt: skip
    for name, value in environment.variables.items():
        variables[name] = value.replace("FOLDER", str(folder))
    variables = {name: value for name, value in variables.items() if value}
    words = [sys.executable, *environment.python, "-m", "neurofwp", *RUN, "--out", environment.out]
    return subprocess.run(
        ["bash", "-c", f'{environment.before}; exec "$@"', "bash", *words],
        cwd=within, env=variables, capture_output=True, text=True, errors="replace", timeout=600,
    )  # fmt: skip


def numbers(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".csv"} | {
        "summary.json": (folder / "summary.json").read_bytes()
    }


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def reference(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("reference")
    done = run(folder, cache, Environment())
    assert done.returncode == 0, done.stderr
    return numbers(folder / "out")


@pytest.mark.torture
@pytest.mark.parametrize("name", list(ENVIRONMENTS))
def test_the_same_numbers_anywhere(name: str, reference: dict[str, bytes], cache: Path, tmp_path: Path) -> None:
    environment = ENVIRONMENTS[name]
    if name == "decimal comma":
        (tmp_path / "locales").mkdir()
        words = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(tmp_path / "locales" / "de_DE.UTF-8")]
        subprocess.run(words, check=False, capture_output=True)
    done = run(tmp_path, cache, environment)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    assert numbers(tmp_path / environment.within / environment.out) == reference
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.torture
def test_eight_at_once_compile_one_network(reference: dict[str, bytes], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    variables = os.environ | {"NEUROFWP_CACHE": str(cache)}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "neurofwp", *RUN, "--out", str(tmp_path / str(number))],
            env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        for number in range(8)
    ]  # fmt: skip
    said = [each.communicate(timeout=900)[1] for each in started]
    assert [each.returncode for each in started] == [0] * 8, said
    assert sum("compiling a network of a new shape" in each for each in said) == 1
    assert all(numbers(tmp_path / str(number)) == reference for number in range(8))


@pytest.mark.torture
def test_a_wheel_outside_git_gives_the_same_numbers(reference: dict[str, bytes], cache: Path, tmp_path: Path) -> None:
    source = Path(neurofwp.__file__).parents[1]
    copy = tmp_path / "source"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns(".git", ".venv", "build", "results", "docs"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--target", str(tmp_path / "site"), str(copy)], check=True)
    done = run(tmp_path, cache, Environment({"PYTHONPATH": str(tmp_path / "site")}))
    assert done.returncode == 0, done.stderr
    assert numbers(tmp_path / "out") == reference
