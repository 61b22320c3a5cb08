"""Files that are wrong in every way that can be thought of are taken, or refused in a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.fuzz.__main__ import COMMAND_LINE, change_and_read
from benchmarks.fuzz.readers import READERS

SECONDS = float(os.environ.get("NEUROFWP_FUZZ_SECONDS", "600"))  # for each reader
FEW = 4  # changes of each kind of file that are tried in all runs of the tests
WITHOUT_EXTRAS = sorted({*READERS} - {"workbook"})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WITHOUT_EXTRAS)
def test_a_few_changes_are_taken_or_refused(name: str, tmp_path: Path) -> None:
    for seed in range(FEW):
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert change_and_read(name, seed, folder) in ("taken", "refused")


@pytest.mark.torture
@pytest.mark.parametrize("name", [*WITHOUT_EXTRAS, COMMAND_LINE])
def test_whatever_is_changed_is_taken_or_refused(name: str, tmp_path: Path) -> None:
    """In a process of its own: a crash counts as found, too."""
    words = [sys.executable, "-m", "benchmarks.fuzz", name, "--seconds", str(SECONDS), "--keep", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS + 300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
