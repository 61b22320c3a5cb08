"""Warnings are at the line of whoever called the library."""

from __future__ import annotations

import numpy as np
import pytest

from neurofwp import identification, program, trace


def test_a_warning_shows_the_line_of_the_user() -> None:
    rng = np.random.default_rng(0)
    events = program.from_arrays(rng.random((3, 4, 5)), rng.uniform(-1, 1, (3, 4, 2)))
    weights = trace.from_weights(rng.random((3, 4, 2, 5)), units="nS")
    with pytest.warns(UserWarning, match="keys have norms") as seen:
        identification.identify(events, weights, ["hebbian"], restarts=1, progress=False, references=False)
    assert [each.filename for each in seen if "keys have norms" in str(each.message)] == [__file__]
