"""What commands read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neurofwp import program
from neurofwp.rate import RateNetwork


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of weights, and the result of a run without spikes."""
    folder = tmp_path_factory.mktemp("given")
    rng = np.random.default_rng(0)
    key, value = rng.integers(0, 2, (8, 6, 12)) * 1.0, rng.uniform(-1, 1, (8, 6, 4))
    key[..., 0] = 1
    weight = RateNetwork("delta").run(program.from_arrays(key, value))["weight"].values
    (folder / "recording").mkdir()
    for name, array in {"key": key, "value": value, "weight": weight + 0.02 * rng.normal(size=weight.shape)}.items():
        np.save(folder / "recording" / f"{name}.npy", array)
    words = ["run", "key-overlap", "--device", "cpu", "--out", "result"]
    subprocess.run([sys.executable, "-m", "neurofwp", *words], cwd=folder, check=True, capture_output=True)
    return folder
