"""`--fresh`: what an interrupted run left to be resumed is ignored, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

from neurofwp import cli
from neurofwp.runtime.store import CHECKPOINT

RUN = ("run", "in-context-regression", "--episodes", "20", "--longest", "2", "--device", "cpu")


def test_only_a_fresh_run_ignores_what_was_kept(tmp_path: Path) -> None:
    kept = [tmp_path / "parts" / f"spiking-{'0' * 16}.nc", tmp_path / "parts" / "cell" / CHECKPOINT]
    own = tmp_path / "parts" / "notes.txt"
    for file in (*kept, own):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert cli.main([*RUN, "--out", str(tmp_path)]) == 0
    assert all(file.exists() for file in kept)
    assert cli.main([*RUN, "--out", str(tmp_path), "--fresh"]) == 0
    assert not any(file.exists() for file in kept)
    assert own.exists()
    assert (tmp_path / "summary.json").exists()
