"""The spikes, voltages and plateaus of every kind of protocol."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from brian2 import ms
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.laboratory import Protocol, kinds
from neurofwp.laboratory.laboratory import Laboratory


def absolute(protocol: Protocol, cell: str) -> np.ndarray:
    """All spike times of a cell, s."""
    onsets = np.arange(protocol.trains) * protocol.period
    return np.add.outer(onsets, np.array(getattr(protocol, cell)) / 1000).ravel()


@given(st.floats(-200, 200), st.floats(0.1, 100), st.integers(1, 20), st.integers(1, 10))
def test_pairs_are_dt_apart_and_come_at_their_frequency(dt: float, frequency: float, spikes: int, trains: int) -> None:
    made = kinds.pairing(dt, frequency, spikes=spikes, trains=trains, period=1000)
    pre, post = (absolute(made, cell).reshape(trains, spikes) for cell in ("pre", "post"))
    np.testing.assert_allclose(post - pre, dt / 1000, atol=1e-9)
    np.testing.assert_allclose(np.diff(pre), 1 / frequency, rtol=1e-6)
    np.testing.assert_allclose(np.diff(pre[:, 0]), 1000, rtol=1e-9)


@pytest.mark.parametrize(("frequency", "pairs"), [(0.05, 50), (0.1, 50), (0.4, 50), (0.5, 75), (10, 75), (50, 75)])
def test_within_a_train_or_as_single_pairs_the_frequency_is_what_was_asked_for(frequency: float, pairs: int) -> None:
    (made,) = kinds.pairing_frequency([frequency], [-10])
    pre = absolute(made, "pre")
    assert len(pre) == pairs
    assert np.diff(pre)[0] == pytest.approx(1 / frequency)
    if pairs == 75:
        assert made.duration == 150
    else:
        np.testing.assert_allclose(np.diff(pre), 1 / frequency)


def test_the_window_and_the_series_have_a_protocol_for_every_point() -> None:
    assert [made.coordinates["dt"] for made in kinds.spike_timing([-7, 0, 12.5])] == [-7, 0, 12.5]
    made = kinds.calcium_series([1.3, 2.5], [5], pairs=3)
    same = kinds.pairing(5, trains=3)
    assert [each.calcium for each in made] == [1.3, 2.5]
    assert all((each.pre, each.post, each.trains, each.period) == (same.pre, same.post, 3, 1.0) for each in made)


@given(st.floats(0.5, 100), st.floats(0.5, 100), st.booleans())
def test_triplets_have_their_order_and_their_two_intervals(first: float, second: float, pre_first: bool) -> None:
    dts = (first, -second) if pre_first else (-first, second)
    (made,) = kinds.triplets([dts])
    spikes = sorted([(time, "pre") for time in made.pre] + [(time, "post") for time in made.post])
    assert made.name.startswith("-".join(cell for _, cell in spikes))
    signed = [(1 if cell == "post" else -1) * time for time, cell in spikes]
    assert (signed[0] + signed[1], signed[1] + signed[2]) == pytest.approx(dts)
    assert (made.trains, made.period) == (60, 1)


@given(st.floats(5.1, 200), st.sampled_from([-1, 1]))
def test_the_pairs_of_a_quadruplet_have_their_order_width_and_distance(distance: float, sign: int) -> None:
    (made,) = kinds.quadruplets([sign * distance])
    # the first pair of the train is pre-post where the interval is below 0
    widths = np.subtract(made.post, made.pre)
    np.testing.assert_allclose(widths, [-5 * sign, 5 * sign])
    middles = np.add(made.post, made.pre) / 2
    assert middles[1] - middles[0] == pytest.approx(distance)


def test_a_cell_is_held_from_the_first_to_the_last_moment() -> None:
    held, at = 20.0, [-70.0, -35.0]
    made = kinds.voltage_pairing(at, frequency=50, pulses=3)
    assert [len(absolute(each, "pre")) for each in made] == [3, 3]
    seen = Laboratory("shouval-2002", backend="numpy").run(made, record=1 * ms)["voltage"]
    assert seen.sizes["time"] == 3 * held
    np.testing.assert_allclose(seen.values[:, 1:], np.repeat([at], 3 * held - 1, axis=0).T)  # the first is before all


def test_as_many_pulses_at_every_frequency() -> None:
    for made in kinds.presynaptic_frequency([1, 3, 100]):
        pre = absolute(made, "pre")
        assert len(pre) == 900
        np.testing.assert_allclose(np.diff(pre), 1 / made.coordinates["frequency"])
        assert made.post == ()


def test_poisson_trains_have_their_rates_and_are_independent() -> None:
    duration = 400.0
    made = kinds.poisson([0, 2, 30], [30], seed=3, duration=duration)
    assert made == kinds.poisson([0, 2, 30], [30], seed=3, duration=duration)
    assert made != kinds.poisson([0, 2, 30], [30], seed=4, duration=duration)
    for each, rate in zip(made, [0, 2, 30], strict=True):
        assert abs(len(each.pre) - rate * duration) <= 4 * math.sqrt(rate * duration)
    pre, post = (np.array(train) for train in (made[-1].pre, made[-1].post))
    intervals = np.diff(pre)
    assert intervals.min() >= kinds.DEAD_TIME
    # exponential but for the dead time: as much spread as mean
    assert intervals.std() == pytest.approx(intervals.mean() - kinds.DEAD_TIME, rel=0.05)
    # coincidences within 2 ms are those of chance
    near = (np.searchsorted(post, pre + 2) - np.searchsorted(post, pre - 2)).sum()
    chance = 30 * 30 * duration * 0.004
    assert abs(near - chance) < 4 * math.sqrt(chance)


@given(st.floats(-5, 5), st.floats(1, 5))
def test_plateaus_follow_or_precede_the_spikes_by_their_delay(delay: float, initial: float) -> None:
    (made,) = kinds.plateau_induction([delay], [initial], spikes=(0, 20, 40), after=2)
    ((start, stop),) = made.plateaus
    assert stop - start == pytest.approx(300)
    assert (made.pre[0] - start) / 1000 == pytest.approx(delay, abs=1e-9)
    np.testing.assert_allclose(np.diff(made.pre), 20, rtol=1e-6)
    assert made.duration - made.length / 1000 == pytest.approx(2)
    assert made.initial == initial


def test_a_synapse_begins_with_the_weight_that_the_protocol_gives_it() -> None:
    """This model's own weights begin at another value; from a protocol's, nothing happens within 50 ms at rest."""
    made = kinds.plateau_induction([0], [0.7, 1.4], length=1, after=0.05)
    laboratory = Laboratory("shouval-2002", backend="numpy")
    before = laboratory.run(made)["before"].values.ravel()
    np.testing.assert_allclose(before, [0.7, 1.4])
    np.testing.assert_allclose(laboratory.change(made)["ratio"], 1, rtol=1e-2)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: kinds.pairing(10, 0), "pairing needs frequency above 0, not 0"),
        (lambda: kinds.pairing(10, spikes=0), "pairing needs spikes above 0"),
        (lambda: kinds.pairing(10, spikes=10**19), "pairing with more than 10,000,000 spikes is too much for memory"),
        (
            lambda: kinds.pairing(10, trains=10**400, period=1),
            "more than 10,000,000 spikes, in all trains, are too much",
        ),
        (lambda: kinds.pairing(math.nan), "finite dt, not nan"),
        (lambda: kinds.pairing(30, 50, spikes=5), "a train lasts 111 ms, which is longer than its period of 0.1 s"),
        (lambda: kinds.pairing_frequency([-1]), "frequency above 0, not -1"),
        (lambda: kinds.triplets([(5, 5)]), "dt1 and dt2 of different signs, not 5 and 5 ms"),
        (lambda: kinds.triplets([(5, 0)]), "different signs, not 5 and 0"),
        (lambda: kinds.quadruplets([4]), "more than their width of 5 ms apart, not 4 ms"),
        (lambda: kinds.voltage_pairing([-60], pulses=0), "pulses above 0, not 0"),
        (lambda: kinds.presynaptic_frequency([math.inf]), "frequency above 0, not inf"),
        (lambda: kinds.poisson([-1], [1], seed=0), "at least 0 and below 1000 Hz, not -1"),
        (lambda: kinds.poisson([1], [1000], seed=0), "at least 0 and below 1000 Hz, not 1000"),
        (lambda: kinds.plateau_induction(length=0), "length above 0, not 0"),
        (lambda: kinds.plateau_induction(spikes=(5,)), "counted from the first, at 0 ms"),
        (lambda: kinds.plateau_induction(spikes=(0, 10, 10)), "rising times .*, but number 3 is at"),
        (lambda: kinds.calcium_series([0]), "calcium must be above 0 mM, not 0"),
    ],
)
def test_what_cannot_be_done_is_said(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make()
