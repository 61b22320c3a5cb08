"""Every form of every rule, to test each."""

from __future__ import annotations

import pytest

from neurofwp.rules import RULES

EACH_MODE = pytest.mark.parametrize(
    ("rule", "mode"),
    [
        pytest.param(rule, mode, id=f"{rule.id}-{mode}")
        for rule in RULES
        for mode in ("recurrent", "chunkwise")
        if mode == "recurrent" or rule.has_chunkwise
    ],
)
