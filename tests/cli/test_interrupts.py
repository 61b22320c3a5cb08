"""The exit code of an interrupt, wherever it comes."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# a command that is interrupted in code that is a string, as dataclasses are made of
INTERRUPTED = """
import sys
from neurofwp import cli
sys.argv = ["neurofwp", "list"]
cli._dispatch = lambda words: exec("import os; os.kill(os.getpid(), {})")
sys.exit(cli.main())
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_of_code_in_a_string_has_its_exit_code_too(number: signal.Signals, code: int) -> None:
    script = INTERRUPTED.format(int(number))
    taken = script.replace("import os; os.kill(os.getpid(), ", "import os\\ntry: os.kill(os.getpid(), ")
    taken = taken.replace(')")', ')\\nexcept BaseException: raise RuntimeError")')  # as imports of libraries do
    for each in (script, taken):
        done = subprocess.run([sys.executable, "-c", each], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert len(done.stderr.splitlines()) == 1
