"""Recordings stay on the disk: memory does not grow with their length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurofwp.brian.mapped import SMALL, map_array, release

GROWTH = """
import resource
import brian2 as b2, numpy as np
from neurofwp.brian.mapped import release
from neurofwp.brian.writer import RuntimeWriter

b2.prefs.codegen.target = "numpy"
CELLS = 200_000

def peak(samples):
    "MiB that this process held at most, but for the means that were asked for."
    group = b2.NeuronGroup(CELLS, "x : 1", dt=1 * b2.ms)
    group.x = "i"
    writer = RuntimeWriter(group, ["x"], clock=group.clock, name="seen")
    b2.Network(group, writer).run(samples * b2.ms)
    seen = writer.recorded()
    means = np.empty((samples, CELLS // 4))
    for sample in range(samples):
        means[sample] = seen["seen.x"][:, sample].reshape(-1, 4).mean(axis=1)
        release(*seen.values())
    assert seen["seen.x"].shape == (CELLS, samples)
    assert (means == np.arange(CELLS).reshape(-1, 4).mean(axis=1)).all()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - means.nbytes / 2**20

short = peak(10)
print(short, peak(100))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
def test_a_recording_ten_times_as_long_takes_no_more_memory_than_what_was_asked_for() -> None:
    """144 MiB more are recorded, of which 36 are kept."""
    said = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True).stdout
    short, long = map(float, said.split())
    assert long < 1.2 * short


@pytest.mark.parametrize("samples", [3, 3 * SMALL // 32])
def test_what_a_file_holds_outlives_the_file(tmp_path: Path, samples: int) -> None:
    path = tmp_path / "values"
    values = np.random.default_rng(0).random((samples, 4))
    values.tofile(path)
    found, flat = map_array(path, "<f8", 4), map_array(path, "<f8", 0)
    path.unlink()
    for _ in range(2):
        np.testing.assert_array_equal(found, values.T)
        np.testing.assert_array_equal(flat, values.ravel())
        release(found, flat)
    flat[0] = 7
    assert flat[0] == 7


def test_nothing_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "values"
    path.touch()
    assert map_array(path, "<f8", 0).shape == (0,)
    assert map_array(path, "<f4", 7).shape == (7, 0)
