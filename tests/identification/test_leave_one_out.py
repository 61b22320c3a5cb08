"""Every episode predicted from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from neurofwp import program, trace
from neurofwp.errors import InputError
from neurofwp.identification import leave_one_out
from neurofwp.identification.records import Records
from neurofwp.rate import RateNetwork

EPISODES = 9


@pytest.fixture(scope="module")
def written() -> tuple[xr.Dataset, xr.Dataset]:
    """One synapse in nine episodes that differ in their keys, values and initial weights; only its end was seen."""
    rng = np.random.default_rng(0)
    key = rng.uniform(0.2, 1, (EPISODES, 3, 1))
    made = program.from_arrays(key, rng.uniform(0, 1, (EPISODES, 3, 1)))
    initial = rng.uniform(0, 2, (EPISODES, 1, 1))
    weight = np.full((EPISODES, 3, 1, 1), np.nan)
    # outstar: W + rate k (scale v - W)
    state = initial[:, 0, 0].copy()
    for event in range(3):
        state += 0.5 * key[:, event, 0] * (1.5 * made["value"].values[:, event, 0] - state)
    weight[:, -1, 0, 0] = state
    return made, trace.from_weights(weight, units="mV", initial_weight=initial)


@dataclass(frozen=True)
class Mean:
    """The mean change of the episodes that are known."""

    changes: tuple[float, ...]

    def __call__(self, known: Sequence[int], out: int) -> Mapping[str, Any]:
        return {"null: mean": partial(_shift, change=float(np.mean([self.changes[each] for each in known])))}


def _shift(records: Records, change: float) -> torch.Tensor:
    return (records.initial[:, :, None] + change).expand(records.shape)


def test_the_truth_predicts_what_was_left_out_and_the_mean_does_not(written: tuple[xr.Dataset, xr.Dataset]) -> None:
    made, seen = written
    change = (seen["weight"].isel(event=-1) - seen["initial_weight"]).values.ravel()
    found = leave_one_out(
        made, seen, ["hebbian", "outstar"], others=Mean(tuple(change.tolist())), unit_keys=False, restarts=2, workers=1
    )
    assert found["r2"].sel(model="outstar") == pytest.approx(1, abs=1e-6)
    assert found["r2"].sel(model="hebbian") < 0.9
    # the mean of the others misses n / (n - 1) times what the mean of all would
    assert found["r2"].sel(model="null: mean") == pytest.approx(1 - (EPISODES / (EPISODES - 1)) ** 2)
    np.testing.assert_allclose(found["predicted"].sel(model="outstar"), change, atol=1e-4)
    assert found["best"].sel(model=["hebbian", "outstar"]).values.tolist() == [False, True]
    own = found.sel(rule="outstar")
    assert float(own["parameter_value"].sel(parameter="rate")) == pytest.approx(0.5, abs=1e-3)
    assert float(own["parameter_sem"].sel(parameter="rate")) < 1e-3
    assert found["verdict"].item() == "adequacy unknown"  # nothing says how large the noise is


def test_two_episodes_are_too_few(written: tuple[xr.Dataset, xr.Dataset]) -> None:
    two = [each.isel(episode=slice(2)) for each in written]
    with pytest.raises(InputError, match="3 episodes or more, not 2"):
        leave_one_out(*two, ["hebbian"])


def test_rates_do_not_depend_on_the_network_that_made_them(written: tuple[xr.Dataset, xr.Dataset]) -> None:
    """The same rule as the rate network runs it, from zero."""
    made, _ = written
    run = RateNetwork("outstar", parameters={"rate": 0.5, "scale": 1.5}, unit_keys=False).run(made)
    found = leave_one_out(made, run, ["outstar"], unit_keys=False, restarts=2, workers=1)
    assert found["r2"].sel(model="outstar") == pytest.approx(1, abs=1e-6)
