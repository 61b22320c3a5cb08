"""`neurofwp cache`: what it shows, and what it removes."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofwp import cli
from neurofwp.brian import cache


def test_builds_are_listed_and_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cache.FOLDER, str(tmp_path))
    for name, size in (("a" * 24, 1_500_000), ("b" * 24, 500_000)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main").write_bytes(bytes(size))
        (tmp_path / f"{name}.lock").touch()
    assert cli.main(["cache"]) == 0
    said = capsys.readouterr().out
    assert "a" * 24 in said
    assert f"2 compiled networks, 2.0 MB, of at most 2000 MB, in {tmp_path}" in said
    assert cli.main(["cache", "--clear"]) == 0
    assert f"2 compiled networks, 2.0 MB, removed from {tmp_path}" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert cli.main(["cache"]) == 0
    assert "0 compiled networks" in capsys.readouterr().out


def test_without_a_folder_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "none"))
    assert cli.main(["cache"]) == 0
    assert "0 compiled networks" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()
