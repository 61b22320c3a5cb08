"""Help, lists and refusals come at once: they import nothing that takes long, and leave nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from neurofwp.cli import COMMANDS, catalogue
from neurofwp.cli.list import KINDS

HEAVY = ("brian2", "dask", "distributed", "matplotlib", "pandas", "sklearn", "torch", "xarray")
CODE = f"""
import sys
from neurofwp import cli
try:
    code = cli.main(sys.argv[1:])
except SystemExit as stopped:  # tyro's
    code = stopped.code
print("heavy:", *sorted({set(HEAVY)!r} & sys.modules.keys()), file=sys.stderr)
sys.exit(code)
"""
EXPERIMENTS = list(catalogue.experiments())


def said(words: list[str], folder: Path, code: int) -> str:
    """What a command prints, in a process of its own, in an empty folder, which must stay empty."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=False, cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "heavy:", done.stderr
    assert list(folder.iterdir()) == []
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        *([command, "--help"] for command in COMMANDS),
        *(["run", name, "--help"] for name in EXPERIMENTS),
        *(["sweep", name, "--help"] for name in EXPERIMENTS[:1]),
        *(["train", name, "--help"] for name in catalogue.families()),
        ["list"],
        *(["list", kind] for kind in KINDS),
        ["list", "--json"],
        ["cache"],
    ],
    ids=" ".join,
)
def test_what_only_tells_imports_nothing_that_takes_long(words: list[str], tmp_path: Path) -> None:
    assert said(words, tmp_path, 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rnu"], "unknown command 'rnu'; did you mean 'run'?"),
        (["run", "key-overlay"], "unknown experiment 'key-overlay'; did you mean 'key-overlap'?"),
        (["run", "key-overlap", "--keys", "x"], "invalid literal for int"),
        (["run", "key-overlap", "--keys", "1"], "neurofwp: keys must be 2 or more, but is 1"),
        (["sweep", "key-overlap", "--over", "keyz=2,3"], "unknown setting 'keyz'; did you mean 'keys'?"),
        (["sweep", "key-overlap", "--over", "keys=2,x"], "keys cannot be 'x'"),
        (["train", "gated-pear"], "unknown family of tasks 'gated-pear'; did you mean 'gated-pairs'?"),
        (["train", "gated-pairs", "--steps", "x"], "invalid literal for int"),
        (["train", "gated-pairs", "--rule", "delt"], "unknown rule 'delt'; did you mean 'delta'?"),
        (["list", "rulez"], "rulez"),
        (["list", "parameters", "--model", "additiv"], "unknown synapse model 'additiv'; did you mean 'additive'?"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_is_refused_is_refused_at_once(words: list[str], sentence: str, tmp_path: Path) -> None:
    assert sentence in " ".join(said(words, tmp_path, 2).replace("│", " ").split())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no disk here is always full")
@pytest.mark.parametrize("words", [["--help"], ["show", "delta"], ["list", "rules"]])
def test_output_that_cannot_be_written_is_one_sentence(words: list[str]) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "neurofwp", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "neurofwp: cannot read or write the output: No space left on device\n"


@pytest.mark.parametrize("words", [["list"], ["show", "error-correcting"], ["run", "key-overlap", "--help"]])
def test_an_ascii_locale_reads_our_files_and_prints_what_it_can(words: list[str]) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "neurofwp", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | ascii_only,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert done.stdout.isascii()
