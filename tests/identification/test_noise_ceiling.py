"""The noise ceiling and the effective number of weights, where the answer is known."""

import numpy as np
import pytest
import xarray as xr

from neurofwp import trace
from neurofwp.errors import InputError
from neurofwp.identification import noise_ceiling
from neurofwp.runtime import provenance

SHAPE = (6, 5, 4, 30)


def made(weight: np.ndarray, conductance: np.ndarray | None = None) -> xr.Dataset:
    result = xr.Dataset(
        {"weight": (trace.SCHEMA.dims["weight"], weight, {"units": "1"})}, attrs={"kind": trace.KIND, "network": "rate"}
    )
    result["recall"] = trace.SCHEMA.dims["recall"], np.zeros(weight.shape[:3]), {"units": "1"}
    if conductance is not None:
        result["conductance"] = trace.SCHEMA.dims["conductance"], conductance, {"units": "nS"}
    return provenance.stamp(result, config={}, seed=0)


@pytest.mark.parametrize("noise", [0.2, 1.0, 3.0])
def test_the_ceiling_is_the_share_of_the_signal_and_its_error_is_honest(noise: float) -> None:
    rng = np.random.default_rng(0)
    values, sems = [], []
    for _ in range(40):
        signal = 5 + rng.normal(size=SHAPE)
        value, sem = noise_ceiling(*(made(signal + noise * rng.normal(size=SHAPE)) for _ in range(2)))
        values.append(value)
        sems.append(sem)
    spread = np.std(values, ddof=1)
    assert np.mean(values) == pytest.approx(1 / (1 + noise**2), abs=4 * spread / np.sqrt(40))
    assert np.mean(sems) == pytest.approx(spread, rel=0.4)


def test_the_ceiling_is_of_conductances_where_there_are_any() -> None:
    rng = np.random.default_rng(1)
    signal = rng.normal(size=(6, 5, 2, 4, 30))
    runs = [made(rng.normal(size=SHAPE), signal + 0.5 * rng.normal(size=signal.shape)) for _ in range(2)]
    assert noise_ceiling(*runs)[0] == pytest.approx(0.8, abs=0.03)


def test_bad_pairs() -> None:
    rng = np.random.default_rng(2)
    one, other = (made(rng.normal(size=SHAPE)) for _ in range(2))
    with pytest.raises(InputError, match="same dims"):
        noise_ceiling(one, other.isel(post=slice(2)))
    with pytest.raises(InputError, match="same run"):
        noise_ceiling(one, one)
    with pytest.raises(InputError, match="2 episodes"):
        noise_ceiling(one.isel(episode=[0]), other.isel(episode=[0]))
    with pytest.raises(InputError, match="no variance"):
        noise_ceiling(one, made(np.zeros(SHAPE)))
    with pytest.raises(InputError, match="not a Trace"):
        noise_ceiling(one, other.drop_attrs())
