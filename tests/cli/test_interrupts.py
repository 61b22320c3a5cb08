"""The exit code of an interrupt, wherever it comes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

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


@pytest.mark.parametrize(("seconds", "code"), [(0.1, 0), (30, 130)], ids=["soon", "never"])
def test_a_command_that_is_done_passes_signals_over_and_ends_at_once_where_it_hangs(seconds: float, code: int) -> None:
    script = (
        "import atexit, os, signal, sys, time\n"
        "from neurofwp.cli import main\n"
        f"atexit.register(lambda: (os.kill(os.getpid(), signal.SIGINT), time.sleep({seconds})))\n"
        "sys.argv = ['neurofwp', '--version']\n"
        "sys.exit(main())\n"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 20
