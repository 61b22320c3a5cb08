"""The README's examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest


def example(number: int) -> dict[str, Any]:
    """The names that a Python example of the README leaves."""
    text = (Path(__file__).parent.parent / "README.md").read_text()
    code = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[number]
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.mark.slow
def test_the_example_of_both_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = example(0)
    assert names["spiking"]["weight"].dims == names["rate"]["weight"].dims
    assert {path.name for path in tmp_path.iterdir()} >= {"rules.png", "recall.png"}


def test_the_example_of_rules() -> None:
    names = example(1)
    assert names["read"].shape == (2, 300, 4, 32)
    assert names["weight"].shape == (2, 4, 32, 16)
    assert names["y"].shape == (2, 300, 64)
    assert all(signal.grad is not None for signal in (names["k"], names["v"], names["b"]))


@pytest.mark.slow
def test_the_example_of_a_slow_net() -> None:
    names = example(2)
    assert float(names["scores"].recall_r2(names["gated"], names["trace"], where=names["gated"]["stored"])) > 0.8
