"""Fitted parameters predict another condition: scores, what is assumed of durations, and who is right everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import identification, program
from neurofwp.errors import InputError
from neurofwp.identification.fit_rule import Fit
from neurofwp.identification.transfer import distance_to_truth, predictors, right, saved_fits, transfer
from neurofwp.rate import RateNetwork
from neurofwp.rules import get

DELTA = {"rate": 0.6, "prediction_gain": 1.2, "prediction_threshold": 0.0}


def events(pairs: int, seed: int, duration: float = 500.0, episodes: int = 4) -> xr.Dataset:
    """Random keys of 4 of 16 cells, random values; half of the keys are written twice."""
    rng = np.random.default_rng(seed)
    key = (rng.random((episodes, pairs, 16)).argsort(-1) < 4).astype(float)
    key = np.concatenate([key, key[:, : pairs // 2]], axis=1)
    value = rng.uniform(-1, 1, (*key.shape[:2], 3))
    return program.from_arrays(key, value, write_gate=1.0, duration=duration)


def weights(rule: str, made: xr.Dataset, parameters: Mapping[str, float]) -> xr.Dataset:
    return RateNetwork(rule, parameters=dict(parameters), on_off=True, bounds=(0, np.inf)).run(made)


@pytest.fixture(scope="module")
def fitted() -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    """Program, Trace of a delta rule, and fits of three rules to three pairs."""
    made = events(3, seed=1)
    trace = weights("delta", made, DELTA)
    return made, trace, identification.identify(made, trace, ("hebbian", "delta", "outstar"), progress=False)


def test_a_wrong_rate_leaves_what_arithmetic_says() -> None:
    """Of y(1 + e) for y: sum e^2 y^2 / sum (y - m)^2, over the entries of keys that were active before."""
    made = events(5, seed=2)
    trace = weights("hebbian", made, {"rate": 0.5})
    found = transfer([Fit(get("hebbian"), {"rate": 0.6, "value_offset": 0.0}, 0.0, 1.0)], made, trace, noise=0.0)
    change = np.diff(trace["conductance"].values, axis=1, prepend=0)
    active = (made["key"].values.cumsum(1) > 0)[:, :, None, None, :] & np.ones_like(change, dtype=bool)
    expected = 0.04 * (change[active] ** 2).sum() / ((change[active] - change[active].mean()) ** 2).sum()
    assert found["unexplained"].sel(measure="increments", model="hebbian").item() == pytest.approx(expected)
    assert found["feve"].sel(measure="increments", model="hebbian").item() == pytest.approx(1 - expected)
    assert float(found["noise_ceiling"]) == pytest.approx(1)


def test_only_the_rule_that_was_run_is_right_everywhere(fitted: tuple[xr.Dataset, ...]) -> None:
    fits = fitted[2]
    tests = {f"{pairs} pairs": events(pairs, seed=pairs) for pairs in (3, 8, 24)}
    truth = {name: (made, weights("delta", made, DELTA)) for name, made in tests.items()}
    distance = distance_to_truth(fits, truth)
    assert distance.sel(model="delta").max() < 1e-6
    assert right(distance).sel(model="delta").item()
    assert not right(distance).sel(model=["hebbian", "outstar"]).any()
    # one condition more can only take rules away
    assert (right(distance).values <= right(distance.isel(condition=[0])).values).all()


def test_per_event_a_transfer_between_durations_fails_and_per_time_it_holds(fitted: tuple[xr.Dataset, ...]) -> None:
    fits = fitted[2]
    made = events(3, seed=5, duration=250.0)
    trace = weights("delta", made, DELTA | {"rate": DELTA["rate"] / 2})
    score = partial(transfer, fits, made, trace, noise=0.0)
    per_event, per_time = score(), score(beta="per time", fitted_duration=500.0)
    chosen: dict[str, Any] = {"measure": "increments", "model": "delta"}
    assert per_event["feve"].sel(chosen) < 0.7
    assert per_time["feve"].sel(chosen) > 1 - 1e-6
    assert (per_event.attrs["beta"], per_time.attrs["beta"]) == ("per event", "per time")


def test_a_rule_that_knows_durations_is_told_them_once() -> None:
    """btsp integrates over an event: beta is not scaled for it."""
    made = events(3, seed=5, duration=250.0)
    trace = weights("hebbian", made, {"rate": 0.5})
    btsp = Fit(get("btsp"), identification.fit_rule.fit("btsp", made, trace, train=[0, 1], restarts=1).parameters, 0, 1)
    found = [
        transfer([btsp], made, trace, noise=0.0, **how) for how in ({}, {"beta": "per time", "fitted_duration": 500})
    ]
    assert found[0]["feve"].equals(found[1]["feve"])


def test_saved_fits_and_predictors_predict_alike(fitted: tuple[xr.Dataset, ...]) -> None:
    made, trace, fits = fitted
    other = events(8, seed=8)
    of_other = weights("delta", other, DELTA)
    found = [
        transfer(each, other, of_other, noise=0.0) for each in (fits, saved_fits(fits), predictors(fits, made, trace))
    ]
    rules = fits["rule"].values
    assert found[0]["feve"].equals(found[1]["feve"])
    np.testing.assert_allclose(found[0]["feve"], found[2]["feve"].sel(model=rules), rtol=1e-12)  # sums of more series


def test_on_what_was_held_out_it_is_what_identify_says(fitted: tuple[xr.Dataset, ...]) -> None:
    made, trace, fits = fitted
    found = transfer(fits, made, trace, judge=[2, 3])
    np.testing.assert_allclose(found["unexplained"], fits["unexplained"].sel(model=fits["rule"].values), atol=1e-12)
    assert found["feve"].isnull().all()  # without a repeat or a stated noise


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"beta": "per day"}, "unknown beta 'per day'"),
        ({"beta": "per time"}, "a beta per time needs fitted_duration"),
        ({"noise": -1.0}, "noise must be 0 or more"),
        ({"judge": [4]}, "judge must name some of the episodes 0 to 3"),
        ({"judge": []}, "judge must name some of the episodes 0 to 3"),
    ],
)
def test_bad_arguments_get_one_sentence(fitted: tuple[xr.Dataset, ...], how: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        transfer(fitted[2], fitted[0], fitted[1], **how)


def test_parameters_of_another_unit_are_refused(fitted: tuple[xr.Dataset, ...]) -> None:
    made, trace, fits = fitted
    other = trace.copy(deep=True)
    other["conductance"].attrs["units"] = "pS"
    with pytest.raises(InputError, match="they cannot predict it"):
        transfer(fits, made, other)


def test_fits_split_by_cells_have_no_episodes_to_take_along(fitted: tuple[xr.Dataset, ...]) -> None:
    made, trace, _ = fitted
    fits = identification.identify(made, trace, ("hebbian",), split_by="post", train=[0], progress=False)
    with pytest.raises(InputError, match="fits must be split by episode, not by post"):
        predictors(fits, made, trace)
