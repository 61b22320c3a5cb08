"""What was seen, from where, with what noise, and what is fitted of it and what judges."""

from functools import partial

import numpy as np
import pytest
import xarray as xr

from neurofwp import identification, program, trace
from neurofwp.errors import InputError
from neurofwp.identification import fit, verdict
from neurofwp.identification.preparation import prepare
from neurofwp.rate import RateNetwork

from .programs import POST, PRE, TRUTH, noisy, reassigned, task, with_noisy_keys

identify = partial(identification.identify, references=False)  # tests/identification/test_reference.py has them


def test_measured_keys_explain_what_nominal_ones_take_for_noise() -> None:
    given = task(seed=4)
    run = with_noisy_keys(given, 1)
    nominal, measured = (
        identify(given, run, ["hebbian"], drive=drive, unit_keys=True, restarts=2, progress=False)["r2"].item()
        for drive in ("nominal", "measured")
    )
    assert nominal < 0.97
    assert measured > 1 - 1e-9


def test_measured_values_explain_what_nominal_ones_take_for_noise() -> None:
    """A dendrite that follows teaching by any gain and offset, with noise of its own, drives the synapse."""
    given = task(seed=4)
    rng = np.random.default_rng(2)
    felt = given.copy()
    felt["value"] = given["value"].copy(
        data=np.clip(given["value"] + 0.3 * rng.standard_normal(given["value"].shape), -1, 1)
    )
    run = RateNetwork("hebbian", on_off=True).run(felt)
    voltage = 9 * program.on_off(felt).where((given["key"] > 0).any("pre")) - 61
    run = run.assign(
        pre_rate=(40 * given["key"]).assign_attrs(units="Hz"),
        dendrite=voltage.transpose(*trace.SCHEMA.dims["dendrite"]).assign_attrs(units="mV"),
    )
    measured, both = (
        identify(given, run, ["hebbian"], drive=drive, restarts=2, progress=False)["r2"].item()
        for drive in ("measured", "measured-both")
    )
    assert measured < 0.97
    assert both > 1 - 1e-9


def test_a_stated_noise_stands_in_for_a_repeat() -> None:
    given = task(seed=5, episodes=16)
    clean = RateNetwork("delta", parameters=TRUTH["delta"], on_off=True).run(given)
    size = 0.2 * float(clean["conductance"].std())
    options = {"restarts": 1, "progress": False}
    repeated = identify(given, noisy(clean, 0.2, 1), ["hebbian", "delta"], repeat=noisy(clean, 0.2, 2), **options)
    stated = identify(given, noisy(clean, 0.2, 1), ["hebbian", "delta"], noise=size, **options)
    assert stated.attrs["adequacy"] == "a stated noise"
    assert stated["verdict"].item() == repeated["verdict"].item() == "rule"
    np.testing.assert_allclose(stated["feve"], repeated["feve"], atol=0.02)


def test_raw_keys_find_the_rate_to_six_digits_and_unit_keys_warn() -> None:
    given = task(seed=5)  # norms of keys differ
    clean = RateNetwork("delta", parameters={"rate": 0.3}, unit_keys=False).run(given)
    raw = identify(given, clean, ["delta"], unit_keys=False, restarts=2, progress=False)
    assert float(raw["parameter_value"].sel(rule="delta", parameter="rate")) == pytest.approx(0.3, rel=1e-6)
    known = identify(given, clean, ["delta"], restarts=2, progress=False)  # as the network says
    assert known["r2"].item() == raw["r2"].item()
    clean = trace.from_weights(clean["weight"], units="1")
    with pytest.warns(UserWarning, match="keys have norms from"):
        unit = identify(given, clean, ["delta"], restarts=2, progress=False)
    assert unit["r2"].item() < 0.99 < raw["r2"].item()


@pytest.mark.parametrize("split_by", ["post", "time"])
def test_one_long_recording_is_split(split_by: str) -> None:
    given = task(seed=5, episodes=1)
    clean = RateNetwork("delta", parameters=TRUTH["delta"], on_off=True).run(given)
    one, other = (noisy(clean, 0.02, seed) for seed in (1, 2))
    fits = identify(
        given, one, ["hebbian", "delta", "outstar"], repeat=other, split_by=split_by, restarts=2, progress=False
    )
    assert verdict(fits).rules[0] == "delta"
    assert fits.sizes["unit"] == {"post": POST // 2, "time": 6}[split_by]


def test_five_synapses_in_a_hundred_find_the_rule() -> None:
    """All synapses run, those that were seen decide; with before and after alone, too."""
    given = task(seed=5)
    clean = RateNetwork("delta", parameters=TRUTH["delta"], on_off=True).run(given)
    one, other = (noisy(clean, 0.02, seed) for seed in (1, 2))
    seen = xr.DataArray(np.random.default_rng(0).random((POST, PRE)) < 0.1, dims=("post", "pre"))
    for where in (
        seen,
        clean["event"] == 7 if "event" in clean.coords else xr.DataArray(np.arange(12) == 7, dims="event"),
    ):
        part = [
            each.assign(conductance=each["conductance"].where(where).assign_attrs(units="1")) for each in (one, other)
        ]
        fits = identify(given, part[0], ["hebbian", "delta", "outstar"], repeat=part[1], restarts=2, progress=False)
        assert verdict(fits).rules == ("delta",)


def test_weights_that_began_somewhere_are_taken_from_the_first_observation() -> None:
    given = task(seed=5)
    begin = np.random.default_rng(1).random((POST, PRE))
    clean = RateNetwork("hebbian", on_off=True).run(given)
    moved = clean.assign(conductance=(clean["conductance"] + begin).transpose(*clean["conductance"].dims))
    moved["conductance"].attrs["units"] = "1"
    known = moved.assign(initial_weight=xr.DataArray(begin, dims=("post", "pre"), attrs={"units": "1"}))
    for each, options in ((known, {}), (moved, {"initial": "first"})):
        fits = identify(given, each, ["hebbian"], nonnegative=False, restarts=1, progress=False, **options)
        assert fits["r2"].item() > 1 - 1e-9


def test_weights_that_did_not_start_at_zero() -> None:
    given = task(seed=12)
    run = RateNetwork("hebbian", on_off=True).run(given)
    raised = run.assign(conductance=(run["conductance"] + 0.5).assign_attrs(units="1"))
    known = raised.assign_attrs(initial_weight=0.5)
    ignorant, informed = (fit("hebbian", given, each, train=[0, 1], restarts=1).r2 for each in (raised, known))
    assert ignorant < 0.9
    assert informed > 1 - 1e-9


@pytest.mark.parametrize("what", ["synapses", "cells", "last event"])
def test_what_was_not_seen_does_not_narrow_the_bounds_of_parameters(what: str) -> None:
    """Bounds follow the typical W k: weights that were not seen are no zeros in it."""
    made = reassigned(episodes=8, seed=3)
    trace = RateNetwork("delta", parameters={"rate": 0.7}, on_off=True, bounds=(0, np.inf), unit_keys=False).run(made)
    conductance = trace["conductance"]
    rng = np.random.default_rng(0)
    masks = {
        "synapses": xr.zeros_like(conductance[0, 0], dtype=bool).copy(data=rng.random(conductance.shape[2:]) < 0.1),
        "cells": xr.DataArray(np.arange(conductance.sizes["post"]) == 1, dims="post"),
        "last event": xr.DataArray(np.arange(conductance.sizes["event"]) == 9, dims="event"),
    }
    seen = trace.assign(conductance=conductance.where(masks[what]).transpose(*conductance.dims))
    seen["conductance"].attrs = conductance.attrs
    whole, part = (prepare(made, each, unit_keys=False).readout for each in (trace, seen))
    assert part == pytest.approx(whole, rel=0.5)
    found = fit("delta", made, seen, train=[0, 1, 2, 3], restarts=1)
    assert found.parameters["rate"] == pytest.approx(0.7, rel=1e-3)


def test_initial_weights_of_zero_given_one_by_one_change_nothing() -> None:
    given = task(seed=1)
    clean = RateNetwork("delta", parameters=TRUTH["delta"], on_off=True).run(given)
    zeros = clean.assign(initial_weight=xr.DataArray(np.zeros((POST, PRE)), dims=("post", "pre"), attrs={"units": "1"}))
    one, other = (identify(given, each, ["delta"], restarts=1, progress=False) for each in (clean, zeros))
    np.testing.assert_allclose(other["r2"], one["r2"])


def test_an_episode_in_which_no_key_is_active_is_judged_with_the_others() -> None:
    given = task(seed=2, episodes=8)
    silent = given.copy(deep=True)
    silent["key"][6] = 0
    silent["query"][6] = 0
    clean = RateNetwork("delta", parameters=TRUTH["delta"], on_off=True, bounds=(0, np.inf)).run(silent)
    fits = identify(silent, clean, ["delta", "mesa", "btsp"], restarts=1, progress=False)
    assert float(fits["r2"].sel(rule="delta")) == pytest.approx(1, abs=1e-6)
    silent["key"][:4] = 0
    with pytest.raises(InputError, match="nothing is written in the part that is fitted"):
        identify(silent, clean, ["delta"], restarts=1, progress=False)


def test_a_split_by_time_counts_the_events_that_were_seen() -> None:
    given = task(seed=3)
    clean = RateNetwork("delta", parameters=TRUTH["delta"], on_off=True).run(given)
    seen = xr.DataArray(~np.isin(np.arange(12), [0, 1, 9]), dims="event")
    some = clean.assign(conductance=clean["conductance"].where(seen).assign_attrs(clean["conductance"].attrs))
    fits = identify(given, some, ["delta"], split_by="time", restarts=1, progress=False)
    assert np.unique(fits["unit"]).tolist() == [6, 7, 8, 10, 11]
    early = xr.DataArray(np.arange(12) < 6, dims="event")
    some = clean.assign(conductance=clean["conductance"].where(early).assign_attrs(clean["conductance"].attrs))
    with pytest.raises(InputError, match="both before and after event 6"):
        identify(given, some, ["delta"], split_by="time", restarts=1, progress=False)


def test_a_stated_noise_is_of_the_first_observation_too() -> None:
    given = task(seed=0, episodes=120)
    clean = RateNetwork("hebbian", parameters={"rate": 0.6}, on_off=True).run(given)
    size = 0.2 * float(clean["conductance"].std())
    fits = identify(
        given, noisy(clean, 0.2, 1), ["hebbian"], noise=size, initial="first", restarts=1, progress=False
    )  # fmt: skip
    assert abs(float(fits["unexplained"].sel(measure="increments", model="hebbian"))) < 0.015  # else .04


def test_a_repeat_of_which_something_else_was_seen_is_refused() -> None:
    given = task(seed=5)
    clean = RateNetwork("hebbian", parameters={"rate": 0.6}, on_off=True).run(given)
    other = noisy(clean, 0.1, 2)
    without = xr.DataArray(np.arange(12) != 5, dims="event")
    other["conductance"] = other["conductance"].where(without).assign_attrs(clean["conductance"].attrs)
    with pytest.raises(InputError, match="other events or synapses were seen of the repeat"):
        identify(given, noisy(clean, 0.1, 1), ["hebbian"], repeat=other, restarts=1, progress=False)
