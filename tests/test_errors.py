"""What users see of warnings and of errors that nobody caught."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from brian2 import BrianLogger
from brian2.utils.logger import brian_excepthook

from neurofwp import identification, program, trace
from neurofwp.errors import InputError


def test_a_warning_shows_the_line_of_the_user() -> None:
    rng = np.random.default_rng(0)
    events = program.from_arrays(rng.random((3, 4, 5)), rng.uniform(-1, 1, (3, 4, 2)))
    weights = trace.from_weights(rng.random((3, 4, 2, 5)), units="nS")
    with pytest.warns(UserWarning, match="keys have norms") as seen:
        identification.identify(events, weights, ["hebbian"], restarts=1, progress=False, references=False)
    assert [each.filename for each in seen if "keys have norms" in str(each.message)] == [__file__]


@pytest.mark.parametrize(("error", "reported"), [(InputError("no such rule"), False), (ValueError("a bug"), True)])
def test_bad_input_is_not_reported_as_a_bug_of_brian2(
    error: Exception, reported: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(BrianLogger, "exception_occured", False)
    assert BrianLogger.console_handler is not None
    monkeypatch.setattr(BrianLogger.console_handler, "stream", sys.stderr)
    try:
        raise error
    except type(error) as caught:
        brian_excepthook(type(caught), caught, caught.__traceback__)
    said = capsys.readouterr().err
    assert ("Brian 2 encountered an unexpected error" in said) is reported
    assert said.count("Traceback (most recent call last)") == 1
    assert said.count(f"Error: {error}\n") == 1
    assert "test_bad_input_is_not_reported" in said
