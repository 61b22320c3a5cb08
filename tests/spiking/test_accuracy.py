"""Numerical accuracy: time steps, precision and code generation targets change recall and weights by little.

Other steps, precisions and backends draw other random numbers, so single runs differ by their spikes. One episode is
therefore run many times side by side and conductances are averaged over these replicas. What is left of the noise is
known from the variance over replicas and reported beside the difference, which is judged with the noise in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import ms

from neurofwp import metrics
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking import SpikingNetwork
from neurofwp.tasks import digit_pairs

pytestmark = pytest.mark.slow

REGIMES = ("additive", "error-correcting")
PIXELS = [10, 12, 18, 20, 27, 28, 34, 37, 43, 44, 51, 53]  # of 64, in the middle, where digits differ


def digits(pairs: int, replicas: int, *, reassign: float = 0.0, seed: int = 0) -> xr.Dataset:
    """The same episode of digit pairs `replicas` times, with 12 pixels and 100 key cells."""
    task = digit_pairs(pairs, 1, reassign=reassign, seed=seed)
    program = FixedEncoder(pre=100, active=10, seed=seed)(task).isel(post=PIXELS)
    repeated = program.isel(episode=[0] * replicas)
    repeated.attrs = program.attrs
    return repeated


def simulate(program: xr.Dataset, regime: str, seed: int = 0, **settings: Any) -> xr.Dataset:
    network = SpikingNetwork(regime, cells_per_pool=2, **{"backend": "cpp_standalone", **settings})
    return network.run(program, seed=seed)


def mean_and_error(trace: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Conductances averaged over replicas, and the squared standard error of each."""
    conductance = trace["conductance"].values.astype(float)
    return conductance.mean(axis=0), conductance.var(axis=0, ddof=1) / len(conductance)


def compare(program: xr.Dataset, reference: xr.Dataset, other: xr.Dataset) -> dict[str, float]:
    """Relative rms difference of the weights, noise included; the noise alone; the rest; change of scale and of recall.

    The noise is that of independent draws: where two runs share some of them, the difference can be smaller.
    """
    (first, first_error), (second, second_error) = mean_and_error(reference), mean_and_error(other)
    scale = (first**2).mean()
    found, noise = ((first - second) ** 2).mean() / scale, (first_error + second_error).mean() / scale
    r2 = [metrics.recall_r2(program, trace, by="episode") for trace in (reference, other)]
    return {
        "difference": found**0.5,
        "noise": noise**0.5,
        "without noise": max(found - noise, 0.0) ** 0.5,
        "scale": (first * second).sum() / (first**2).sum() - 1,
        "r2": float(r2[0].mean()),
        "r2_change": float(r2[1].mean() - r2[0].mean()),
        "r2_sem": float((r2[0].var(ddof=1) + r2[1].var(ddof=1)) / len(program["episode"])) ** 0.5,
    }


def report(title: str, numbers: dict[str, float]) -> None:
    print(f"\n{title}: " + ", ".join(f"{name} {number:.4f}" for name, number in numbers.items()))


@pytest.fixture(scope="module", params=REGIMES)
def regime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def program() -> xr.Dataset:
    return digits(4, replicas=64, reassign=0.5)


@pytest.fixture(scope="module")
def reference(program: xr.Dataset, regime: str) -> xr.Dataset:
    return simulate(program, regime)


SETTINGS: dict[str, dict[str, Any]] = {
    "same, another seed": {"seed": 1},  # the control: noise alone
    "membrane 0.05 ms": {"membrane_step": 0.05 * ms},
    "plasticity 0.5 ms": {"plasticity_step": 0.5 * ms},
    "both halved": {"membrane_step": 0.05 * ms, "plasticity_step": 0.5 * ms},
    "float64 synapses": {"synapse_dtype": np.float64},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_finer_numerics_change_recall_and_weights_by_little(
    name: str, program: xr.Dataset, reference: xr.Dataset, regime: str
) -> None:
    numbers = compare(program, reference, simulate(program, regime, **SETTINGS[name]))
    report(f"{regime}, {name}, {program.sizes['episode']} replicas", numbers)
    assert numbers["difference"] < 0.03
    assert abs(numbers["scale"]) < 0.015
    assert abs(numbers["r2_change"]) < 0.02


def test_targets_agree_in_mean_weight_over_seeds(regime: str) -> None:
    """Within two standard errors of the difference, over 6 seeds."""
    program = digits(2, replicas=1)
    means = {
        backend: [
            float(simulate(program, regime, seed, backend=backend)["conductance"][0, -1].mean()) for seed in range(6)
        ]
        for backend in ("cython", "cpp_standalone", "numpy")
    }
    error = {backend: np.std(values, ddof=1) / len(values) ** 0.5 for backend, values in means.items()}
    for backend, values in means.items():
        report(
            f"{regime}, {backend}, 6 seeds",
            {"mean weight (nS)": float(np.mean(values)), "standard error": error[backend]},
        )
    for one, other in (("cython", "cpp_standalone"), ("cython", "numpy"), ("cpp_standalone", "numpy")):
        difference = abs(np.mean(means[one]) - np.mean(means[other]))
        assert difference < 2 * np.hypot(error[one], error[other]), (one, other)
