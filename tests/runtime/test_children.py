"""Programs and temporary files go with their process, however it ends; a fork of it ends and removes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neurofwp.runtime import children

FORK = """
import os, sys, signal, subprocess, time
from pathlib import Path
from neurofwp.cli import interrupts
from neurofwp.runtime import children

children.own_temporary_files()
program = subprocess.Popen(["sleep", "60"], start_new_session=True)
with interrupts.watch(), children.temporary_folder(parent=Path(sys.argv[1])) as folder:
    ready, tell = os.pipe()
    with children._kept("group", program.pid):
        child = os.fork()
        if not child:
            os.write(tell, b"x")
            {way}
        os.read(ready, 1)
        {meanwhile}
        os.wait()
        time.sleep(0.2)
        assert folder.is_dir(), "the folder of the parent is gone"
        assert Path(os.environ["TMPDIR"]).is_dir(), "its temporary files are gone"
        assert program.poll() is None, "its program has ended"
    program.kill()
    program.wait()
print("well")
"""


def wait_for(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not what() and time.monotonic() < deadline:
        time.sleep(0.05)
    return what()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
@pytest.mark.parametrize(
    ("way", "meanwhile"),
    [
        ("sys.exit()", ""),
        ("raise KeyboardInterrupt", ""),
        # a signal to the fork alone, which the parent must not take for its own
        ("time.sleep(60)", "os.kill(child, signal.SIGTERM); time.sleep(1.8)"),
    ],
)
def test_a_fork_leaves_what_is_its_parents(way: str, meanwhile: str, tmp_path: Path) -> None:
    script = FORK.format(way=way, meanwhile=meanwhile)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "well\n", done.stderr
    assert list(tmp_path.iterdir()) == []


INTERRUPTED = """
import shutil, sys
from pathlib import Path
from neurofwp.runtime import children

def interrupted(path, **options):
    (Path(path) / "first").unlink()
    raise KeyboardInterrupt

with children.temporary_folder(parent=Path(sys.argv[1])) as folder:
    (folder / "first").touch()
    (folder / "second").touch()
    shutil.rmtree = interrupted
"""


def test_what_an_interrupt_left_half_removed_goes_too(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, str(tmp_path)], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert wait_for(lambda: not list(tmp_path.iterdir()))


def test_lasting_folders_go_at_the_end_also_when_the_caretaker_was_killed(tmp_path: Path) -> None:
    script = (
        "import os; from neurofwp.runtime import children; children.own_temporary_files(); "
        "children.lasting_folder(); {}; print(os.environ['TMPDIR'])"
    )
    for more in ("0", "children._caretaker(os.getpid()).kill()"):
        words = [sys.executable, "-c", script.format(more)]
        done = subprocess.run(
            words, capture_output=True, text=True, check=True, env=os.environ | {"TMPDIR": str(tmp_path)}
        )
        assert done.stdout.startswith(str(tmp_path))
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not children.GROUPS, reason="there are no process groups")
@pytest.mark.parametrize("code", [0, 1])
def test_only_of_a_program_that_failed_is_the_rest_ended(code: int, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    done = children.run(["sh", "-c", f"(sleep 0.3; touch '{mark}') & exit {code}"])
    assert done.returncode == code
    assert wait_for(mark.exists, 1.5) == (code == 0)
