"""One-pass capacity: errors of pairs, slots, and the Hopfield network beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import capacity as experiment

SMALL = experiment.Settings(
    key_cells=16,
    value_cells=32,
    pairs=(4, 64),
    draws=30,
    slots=24,
    patterns=(1, 2, 3, 4, 6, 23, 24, 25, 26, 28),
    openings=(2, 6),
    groups=5,
    episodes=20,
)


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    return experiment.run(SMALL, seed=1, device="cpu")


def test_pairs_err_as_theory_has_it(result: xr.DataTree) -> None:
    pairs = result["pairs"].to_dataset()
    error = pairs["squared_error"]
    sem = error.std("draw", ddof=1) / np.sqrt(error.sizes["draw"])
    assert float(abs((error.mean("draw") - pairs["squared_error_theory"]) / sem).max()) < 4
    off = abs(pairs["sign_error"].mean("draw") - pairs["sign_error_theory"])
    assert float(off.max()) < 0.02


def test_past_capacity_delta_wins_on_squared_error_and_loses_on_signs(result: xr.DataTree) -> None:
    past = result["pairs"].to_dataset().sel(pairs=64)
    gain = past.sel(rule="hebbian") - past.sel(rule="delta")  # by draw: both rules see the same pairs
    assert float(gain["squared_error"].min()) > 0
    assert float(gain["sign_error"].max()) < 0


def test_slots_in_turn_hold_as_many_patterns_as_there_are(result: xr.DataTree) -> None:
    slots = result["slots"].to_dataset().sel(memory="sequential")
    accuracy = slots["accuracy"].mean("group")
    assert float(accuracy.sel(patterns=slice(None, 24)).min()) > 0.995
    # one pattern of 28 - 24 overwritten ones is read at chance or a little better
    assert 0.5 < (28 * float(accuracy.sel(patterns=28)) - 24) / 4 < 0.8
    assert 1 < float(slots["capacity"]) < 1.15


def test_slots_opened_at_random_lose_what_theory_says(result: xr.DataTree) -> None:
    slots = result["slots"].to_dataset().sel(memory=["random, 2 slots", "random, 6 slots"])
    accuracy = slots["accuracy"].mean("group")
    sem = slots["accuracy"].std("group", ddof=1) / np.sqrt(SMALL.groups)
    # theory reads lost patterns at chance; in truth the query tells a little about them
    gain = accuracy - slots["theory"]
    assert bool((gain > -4 * sem - 1e-3).all())
    assert float(gain.max()) < 0.1
    best = result["slots"].to_dataset()
    assert best["memory"].values[best["best"].values].tolist() == ["random, 6 slots"]


def test_slot_memory_is_that_of_a_loop_over_slots() -> None:
    rng = np.random.default_rng(2)
    pattern = rng.choice([-1.0, 1.0], (2, 5, 6))
    query = pattern * (rng.random(pattern.shape) < 0.7)
    gates = (rng.random((2, 5, 3, 4)) < 0.5).astype(float)
    reads = experiment._slot_recall(*(torch.as_tensor(each) for each in (pattern, query, gates))).numpy()
    for episode in range(2):
        for gating in range(3):
            held = np.zeros((4, 6))
            for event in range(5):
                held[gates[episode, event, gating] == 1] = pattern[episode, event]
            for event in range(5):
                chosen = np.exp(held @ query[episode, event])
                np.testing.assert_allclose(reads[episode, event, gating], chosen @ held / chosen.sum(), atol=1e-12)


def test_queries_keep_the_pattern_in_the_cells_that_are_not_zeroed() -> None:
    pattern = torch.ones(50, 3, 10).cumsum(-1)
    query = experiment._zero_out(np.random.default_rng(1), pattern, 0.7)
    assert bool(((query == 0).sum(-1) == 7).all())
    assert bool(((query == pattern) | (query == 0)).all())
    np.testing.assert_allclose((query != 0).double().mean((0, 1)), 0.3, atol=0.15)  # any cell may be hit


def test_gates_open_slots_in_turn_or_with_their_probability() -> None:
    settings = experiment.Settings(slots=10, openings=(2.0, 5.0))
    gates = experiment._gates(settings, np.random.default_rng(0), episodes=400, count=12)
    assert gates.shape == (400, 12, 3, 10)
    np.testing.assert_array_equal(gates[:, :, 0].argmax(-1), np.tile(np.arange(12) % 10, (400, 1)))
    np.testing.assert_array_equal(gates[:, :, 0].sum(-1), 1)
    np.testing.assert_allclose(gates[:, :, 1:].sum(-1).mean((0, 1)), [2, 5], atol=0.1)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([1.0, 0.99, 0.97, 0.5], 3.0),  # halfway between 2 and 4
        ([1.0, 0.98, 0.9, 1.0], 2.0),  # later luck does not count
        ([0.9, 1.0, 1.0, 1.0], 0.0),
        ([1.0, 1.0, 0.99, 0.98], 8.0),
    ],
)
def test_capacity_is_where_accuracy_first_falls_below_what_is_needed(curve: list[float], expected: float) -> None:
    assert experiment._crossing(np.array([1, 2, 4, 8]), np.array(curve), 0.98) == pytest.approx(expected)


def test_standard_error_of_a_capacity_is_that_of_a_mean_where_curves_are_parallel_lines() -> None:
    """Then the crossing is linear in the mean curve, and the jackknife is the usual standard error."""
    patterns = np.array([1, 11])
    shift = np.array([0.0, 0.02, -0.03, 0.01])
    accuracy = 1.05 - 0.02 * patterns[:, None] + shift
    measured = xr.Dataset(
        {
            "accuracy": (("memory", "patterns", "group"), accuracy[None]),
            "theory": (("memory", "patterns"), accuracy[None, :, 0]),
        },
        coords={"memory": ["random, 3 slots"], "patterns": patterns},
        attrs={"slots": 5},
    )
    found = experiment._capacities(measured, 0.95)
    assert found["capacity"].item() == pytest.approx((1.05 - 0.95 + shift.mean()) / 0.02 / 5)
    assert found["capacity_theory"].item() == pytest.approx((1.05 - 0.95) / 0.02 / 5)
    assert found["capacity_sem"].item() == pytest.approx(shift.std(ddof=1) / 2 / 0.02 / 5)


def test_summary_has_means_with_their_errors_and_the_best_random_gating(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    error = result["pairs"]["sign_error"].sel(rule="delta", pairs=64).values
    assert numbers["pairs.delta.64.sign_error"] == pytest.approx(error.mean())
    assert numbers["pairs.delta.64.sign_error.sem"] == pytest.approx(error.std(ddof=1) / np.sqrt(30))
    of = {memory: numbers[f"memories.{memory}.capacity"] for memory in ("sequential", "random", "hopfield")}
    assert of["random"] == numbers["random_gating.6.capacity"] > numbers["random_gating.2.capacity"]
    assert numbers["memories.random.opened"] == 6
    assert of["sequential"] > of["random"]
    assert 0.08 < of["hopfield"] < 0.2


def test_the_seed_decides_everything() -> None:
    few = experiment.Settings(
        key_cells=4, value_cells=2, pairs=(3,), draws=2, slots=4, patterns=(1, 2), openings=(2,), groups=2, episodes=2
    )
    once, again, other = (experiment.run(few, seed=seed, device="cpu") for seed in (0, 0, 1))
    xr.testing.assert_identical(once, again)
    assert not once["pairs"].to_dataset().equals(other["pairs"].to_dataset())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pairs": (8, 4)}, "pairs must be at least 1 and rise, but are .8, 4."),
        ({"patterns": (0, 4)}, "patterns must be at least 1 and rise, but are .0, 4."),
        ({"groups": 1}, "groups must be 2 or more, but is 1"),
        ({"zeroed": 1.0}, "zeroed must be at least 0 and below 1, but is 1.0"),
        ({"openings": (2, 41)}, "openings must be above 0 and at most slots = 40, but have 41"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(experiment.Settings(**settings), seed=0, device="cpu")
