"""Every result says which commit made it."""

import subprocess
from pathlib import Path

import pytest

from neurofwp.runtime import provenance

ROOT = Path(__file__).parents[2]


def test_a_checkout_says_its_commit() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    head = subprocess.run(
        ("git", "rev-parse", "HEAD"), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert provenance.commit().removesuffix("+") == head
