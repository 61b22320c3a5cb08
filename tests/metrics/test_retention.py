"""Curves of retention, of rate networks whose weights fade by a known share at every event."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.metrics import retention_curve
from neurofwp.rate import RateNetwork
from neurofwp.slownet import FixedEncoder
from neurofwp.tasks import digit_pairs
from neurofwp.transforms.delays import read_after_delays
from neurofwp.transforms.selection import keep_most_varied

SLOT = 0.6  # s: a phase of 500 ms and its pause


@pytest.fixture(scope="module")
def program() -> xr.Dataset:
    pairs = keep_most_varied(FixedEncoder(pre=40, active=4, seed=1)(digit_pairs(3, 2, seed=1)), 4)
    return read_after_delays(pairs, (0.0, 1.2, 2.4), pause=100.0)


def fade(program: xr.Dataset, tau: float) -> xr.Dataset:
    parameters = {"decay": float(np.exp(-SLOT / tau))}
    return RateNetwork("fixed_decay", parameters=parameters, on_off=True, units="nS").run(program)


def test_weights_and_recall_fade_as_the_rule_says(program: xr.Dataset) -> None:
    tau = 3.0
    curve = retention_curve(program, fade(program, tau))
    np.testing.assert_allclose(curve["weight_age"], [0, 5 * SLOT, 12 * SLOT])
    expected = np.exp(-curve["weight_age"].values / tau)
    weight = curve["mean_weight"].transpose("episode", "block")
    np.testing.assert_allclose(weight, np.broadcast_to(expected, weight.shape), rtol=1e-9)
    # between the middle of the writes, at their end, and the middle of the reads, at their beginning
    np.testing.assert_allclose(curve["age"], [3 * SLOT - 0.5, 8 * SLOT - 0.5, 15 * SLOT - 0.5])
    r2 = curve["r2"].mean("episode").values
    assert r2[0] > 0.6 > r2[1] > r2[2]
    # 2 events of delay, and 4, would read 3 pairs 2/3 and 4/3 of a time
    np.testing.assert_allclose(curve["passes"], [1, 1 + 2 / 3 + 1, 2 + 2 / 3 + 4 / 3 + 1])


def test_without_fading_no_delay_does_anything(program: xr.Dataset) -> None:
    curve = retention_curve(program, fade(program, np.inf))
    np.testing.assert_allclose(curve["mean_weight"], 1, rtol=1e-12)
    np.testing.assert_allclose(curve["r2"], curve["r2"].isel(block=0).broadcast_like(curve["r2"]), rtol=1e-9)


def test_each_condition_has_a_reader_of_its_own(program: xr.Dataset) -> None:
    trace = fade(program, 3.0)
    both = xr.concat([trace, trace.assign(recall=5 - 2 * trace["recall"])], dim="condition", combine_attrs="override")
    curves = retention_curve(program, both)
    xr.testing.assert_allclose(curves.isel(condition=0), retention_curve(program, trace))
    np.testing.assert_allclose(curves["r2"].isel(condition=1), curves["r2"].isel(condition=0))
