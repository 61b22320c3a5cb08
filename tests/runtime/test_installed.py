"""What an installed neurofwp keeps: a sweep that is killed is resumed from a wheel, where there is no commit."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from neurofwp.runtime import files

POINTS = 40


def times(folder: Path) -> dict[Path, int]:
    """When every finished point was kept, and when its result was written."""
    kept = [*folder.glob("points/*/point.json")]
    return {path: path.stat().st_mtime_ns for each in kept for path in (each, each.with_name("result.nc"))}


@pytest.mark.slow
def test_a_killed_sweep_is_resumed_from_a_wheel_and_no_point_is_done_twice(installed: Path, tmp_path: Path) -> None:
    place = subprocess.run(
        [str(installed), "-c", "import neurofwp; print(neurofwp.__file__)"], cwd=tmp_path, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert Path(place.stdout.strip()).is_relative_to(installed.parent.parent)

    out = tmp_path / "out"
    command = [str(installed), "-m", "neurofwp", "sweep", "in-context-regression", "--over", "inputs=2,3"]
    command += ["--episodes", "40", "--longest", "2"]
    command += ["--seeds", str(POINTS // 2), "--workers", "1", "--device", "cpu", "--out", str(out)]
    first = subprocess.Popen(
        command, cwd=tmp_path, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 300
        while len(list(out.glob("points/*/point.json"))) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.wait(60)
    before = times(out)
    assert 2 * 3 <= len(before) < 2 * POINTS

    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=400)
    assert f"{len(before) // 2} of {POINTS} points were kept" in again.stderr
    after = times(out)
    assert len(after) == 2 * POINTS
    assert before.items() <= after.items()
    assert (files.read_netcdf(out / "sweep.nc")["error"] == "").all()

    third = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=400)
    assert f"{POINTS} of {POINTS} points were kept" in third.stderr
    assert times(out) == after
    fresh = [*command, "--seeds", "1", "--fresh"]
    anew = subprocess.run(fresh, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=400)
    assert "0 of 2 points were kept" in anew.stderr
    assert sum(times(out)[path] != when for path, when in after.items()) == 2 * 2
