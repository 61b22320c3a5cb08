"""The closed forms against simulations that share no code with the library."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neurofwp import theory
from neurofwp.errors import InputError

EPISODES = 20_000
Update = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def regression_errors(update: Update, count: int, dims: int, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    """|w - scale * estimate|^2 after `count` examples, (episode,), as update(estimate, x, y) makes the estimate."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((EPISODES, dims))
    estimate = np.zeros_like(w)
    for _ in range(count):
        x = rng.standard_normal((EPISODES, dims))
        estimate = update(estimate, x, (w * x).sum(1, keepdims=True))
    return ((w - scale * estimate) ** 2).sum(1)


def assert_mean(samples: np.ndarray, expected: float, sems: float = 4.0) -> None:
    sem = samples.std(ddof=1) / np.sqrt(len(samples))
    assert abs(samples.mean() - expected) < sems * sem
    assert sem < 0.03 * expected  # else the test could hardly fail


def normalised(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return w + (y - (w * x).sum(1, keepdims=True)) * x / (x**2).sum(1, keepdims=True)


@pytest.mark.parametrize(("count", "dims"), [(1, 3), (4, 3), (9, 5), (12, 10)])
def test_regression_errors_are_those_of_simulations(count: int, dims: int) -> None:
    def fading(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 0.8 * w + y * x

    def least_mean_squares(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return w + (y - (w * x).sum(1, keepdims=True)) * x / (dims + 2)

    def summed(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return w + y * x

    step = float(theory.hebbian_step(count, dims))
    assert_mean(regression_errors(summed, count, dims, step), theory.hebbian_regression(count, dims))
    step = float(theory.decay_step(count, dims, 0.8))
    assert_mean(regression_errors(fading, count, dims, step), theory.decay_regression(count, dims, 0.8))
    assert_mean(regression_errors(least_mean_squares, count, dims), theory.delta_regression(count, dims))
    assert_mean(regression_errors(normalised, count, dims), theory.unit_key_delta_regression(count, dims))


def test_least_squares_errs_by_what_the_examples_leave_free() -> None:
    rng = np.random.default_rng(1)
    for count in (0, 2, 4):
        x = rng.standard_normal((EPISODES, count, 5))
        w = rng.standard_normal((EPISODES, 5))
        estimate = (np.linalg.pinv(x) @ (x @ w[:, :, None]))[..., 0]
        assert_mean(((w - estimate) ** 2).sum(1), theory.mesa_regression(count, 5))
    assert theory.mesa_regression([5, 6, 40], 5).tolist() == [0, 0, 0]


@pytest.mark.parametrize("change", [0.8, 1.25])
def test_no_other_step_errs_less(change: float) -> None:
    for keeps, best in ((1.0, theory.hebbian_step(6, 4)), (0.7, theory.decay_step(6, 4, 0.7))):
        best_errors, others = (
            regression_errors(lambda w, x, y, keeps=keeps: keeps * w + y * x, 6, 4, float(step))
            for step in (best, change * best)
        )
        worse = others - best_errors
        assert worse.mean() > 3 * worse.std() / np.sqrt(EPISODES)


@given(st.integers(0, 200), st.integers(1, 50), st.floats(0.05, 1))
def test_learners_stand_in_their_order(count: int, dims: int, decay: float) -> None:
    """Least squares, unit keys, plain keys; and no weighting of a sum beats the even one."""
    mesa, unit, delta = (
        float(error(count, dims))
        for error in (theory.mesa_regression, theory.unit_key_delta_regression, theory.delta_regression)
    )
    hebbian, fading = float(theory.hebbian_regression(count, dims)), float(theory.decay_regression(count, dims, decay))
    slack = 1e-12 * dims
    assert mesa <= unit + slack
    assert unit <= delta + slack
    assert delta <= hebbian + slack
    assert hebbian <= fading + slack
    assert fading <= dims + slack
    if count <= 1:  # there is nothing yet to correct or to forget
        assert delta == pytest.approx(hebbian, rel=1e-12) == pytest.approx(fading, rel=1e-12)
    assert float(theory.decay_regression(count, dims, 1.0)) == pytest.approx(hebbian, rel=1e-12)


def one_pass(pairs: int, dims: int, draws: int, correct: bool, seed: int = 2) -> np.ndarray:
    """Reads times values after one pass over the pairs, (draw, pair), oldest pair first."""
    rng = np.random.default_rng(seed)
    k = rng.standard_normal((draws, pairs, dims))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    v = rng.choice([-1.0, 1.0], (draws, pairs))
    w = np.zeros((draws, dims))
    for i in range(pairs):
        known = (w * k[:, i]).sum(1) if correct else 0.0
        w += (v[:, i] - known)[:, None] * k[:, i]
    return v * (k @ w[:, :, None])[..., 0]


@pytest.mark.parametrize(("pairs", "dims"), [(2, 4), (8, 6), (30, 12)])
def test_delta_errs_with_the_age_of_a_pair_as_in_simulations(pairs: int, dims: int) -> None:
    reads = one_pass(pairs, dims, EPISODES, correct=True)
    squared, sign = theory.delta_capacity(pairs, dims)
    assert squared[0] == pytest.approx(0, abs=1e-12)  # the last pair is read without error
    assert sign[0] == 0
    for age in range(1, pairs):
        assert_mean((1 - reads[:, pairs - 1 - age]) ** 2, squared[age], sems=4.5)
    assert_mean(((1 - reads) ** 2).mean(1), squared.mean())
    assert (reads < 0).mean() == pytest.approx(sign.mean(), abs=few(pairs))


@pytest.mark.parametrize(("pairs", "dims"), [(2, 4), (30, 12)])
def test_hebbian_errs_as_in_simulations(pairs: int, dims: int) -> None:
    reads = one_pass(pairs, dims, EPISODES, correct=False)
    squared, sign = theory.hebbian_capacity(pairs, dims)
    assert_mean(((1 - reads) ** 2).mean(1), float(squared))
    assert (reads < 0).mean() == pytest.approx(float(sign), abs=few(pairs))


def few(pairs: int) -> float:
    """How far the sign error may be off: reads are Gaussian only as a sum of many overlaps."""
    return 0.01 if pairs >= 8 else 0.03


def test_published_errors_of_64_key_cells() -> None:
    """Means over 20 draws of the delta rule, as published with the table of the sum rule's theory."""
    for pairs, of_sum, of_delta in (
        (16, (0.234, 0.019), (0.137, 0.016)),
        (32, (0.484, 0.075), (0.289, 0.069)),
        (64, (0.984, 0.157), (0.593, 0.172)),
        (128, (1.984, 0.239), (1.062, 0.297)),
    ):
        assert [float(error) for error in theory.hebbian_capacity(pairs, 64)] == pytest.approx(of_sum, abs=6e-4)
        squared, sign = (error.mean() for error in theory.delta_capacity(pairs, 64))
        assert squared == pytest.approx(of_delta[0], abs=0.008)
        assert sign == pytest.approx(of_delta[1], abs=0.004)


def test_forgotten_pairs_cost_the_delta_rule_two_and_the_sum_rule_ever_more() -> None:
    assert theory.delta_capacity(5000, 16)[0][-1] == pytest.approx(2, abs=1e-9)
    assert float(theory.hebbian_capacity(5000, 16)[0]) > 300


def test_randomly_gated_slots_lose_patterns_as_in_simulations() -> None:
    rng = np.random.default_rng(3)
    slots, probability = 12, 0.25
    for patterns in (1, 3, 9):
        holder = np.full((EPISODES, slots), -1)
        for pattern in range(patterns):
            holder[rng.random((EPISODES, slots)) < probability] = pattern
        intact = np.stack([(holder == pattern).any(1) for pattern in range(patterns)])
        assert_mean(0.5 + 0.5 * intact.mean(0), theory.random_gating_accuracy(patterns, slots, probability))
    assert theory.random_gating_accuracy([1, 5], 4, 0.0).tolist() == [0.5, 0.5]
    assert theory.random_gating_accuracy([1, 2], 4, 1.0).tolist() == [1.0, 0.75]


@pytest.mark.parametrize(("pairs", "writes"), [(4, 4), (20, 20), (6, 20)])
def test_sums_read_reassigned_keys_as_badly_as_in_simulations(pairs: int, writes: int) -> None:
    """The mean of all values of a key, against the last one, in loops."""
    rng = np.random.default_rng(4)
    squared, read = np.zeros((2, EPISODES // 4))
    for episode in range(EPISODES // 4):
        key, value = rng.integers(pairs, size=(2, writes))
        for asked in set(key.tolist()):
            values = np.eye(pairs)[value[key == asked]]
            squared[episode] += ((values[-1] - values.mean(0)) ** 2).sum() / 2
            read[episode] += 1
    expected = theory.reassignment_plateau(pairs, writes)
    assert squared.sum() / read.sum() == pytest.approx(expected, rel=0.02)
    assert theory.reassignment_plateau(1, writes) == 0  # one value only


def test_published_plateau_of_twenty_pairs() -> None:
    assert theory.reassignment_plateau(20, 20) == pytest.approx(0.108, abs=5e-4)


def test_no_weights_of_low_rank_read_more_values_than_they_have_features() -> None:
    rng = np.random.default_rng(5)
    pairs, features = 9, 4
    values = np.eye(pairs)[rng.permutation(pairs)]
    bound = float(theory.rank_bound(pairs, features))
    assert theory.rank_bound([3, 4], features).tolist() == [0, 0]
    basis = np.linalg.qr(rng.standard_normal((pairs, features)))[0]
    assert ((values - values @ basis @ basis.T) ** 2).sum(1).mean() / 2 == pytest.approx(bound)  # and it is reached
    keys, queries = rng.standard_normal((2, 500, pairs, features))
    reads = queries @ keys.mT @ values
    best = (reads * values).sum((1, 2)) / (reads**2).sum((1, 2))  # the scale of all reads that errs least
    errors = ((values - best[:, None, None] * reads) ** 2).sum(2).mean(1) / 2
    assert errors.min() > bound
    fitted = np.linalg.pinv(keys) @ values  # and the weights that err least for these keys, which are as good as any
    assert ((values - keys @ fitted) ** 2).sum(2).mean(1) / 2 == pytest.approx(bound)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.hebbian_regression(-1, 10), "examples must be a whole number of at least 0, but is -1"),
        (lambda: theory.delta_regression([1, 2.5], 10), "examples must be a whole number of at least 0, but is 2.5"),
        (lambda: theory.mesa_regression(float("nan"), 10), "examples must be a whole number .* but is nan"),
        (lambda: theory.unit_key_delta_regression(3, 0), "dims must be at least 1, but is 0"),
        (lambda: theory.decay_regression(3, 4, 0.0), "decay must be in .0, 1., but is 0"),
        (lambda: theory.hebbian_capacity(0, 4), "pairs must be a whole number of at least 1, but is 0"),
        (lambda: theory.delta_capacity(0, 4), "pairs must be a whole number of at least 1, but is 0"),
        (lambda: theory.random_gating_accuracy(3, 0, 0.5), "slots must be at least 1, but is 0"),
        (lambda: theory.random_gating_accuracy(3, 4, 1.5), "probability must be in .0, 1., but is 1.5"),
        (lambda: theory.rank_bound(0, 4), "pairs must be a whole number of at least 1, but is 0"),
        (lambda: theory.rank_bound(3, 0), "features must be at least 1, but is 0"),
        (lambda: theory.reassignment_plateau(4, 0), "writes must be a whole number of at least 1, but is 0"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize(("active", "cells"), [(1, 7), (3, 7), (6, 7)])
def test_mean_square_overlap_is_that_of_all_pairs_of_keys(active: int, cells: int) -> None:
    keys = np.array([[cell in key for cell in range(cells)] for key in combinations(range(cells), active)], float)
    cosine = keys @ keys.T / active
    assert theory.mean_square_overlap(active, cells) == pytest.approx((cosine**2).mean())


def test_the_closed_form_is_that_of_dense_keys_with_as_many_dimensions() -> None:
    """One active cell of d: overlap 1 with probability 1/d, so E[c^2] = 1/d as for random directions."""
    pairs = np.array([2, 5, 30])
    r2, sign = theory.sparse_hebbian_recall(pairs, 1, 16)
    squared, expected = theory.hebbian_capacity(pairs, 16)
    np.testing.assert_allclose(r2, 1 / (1 + squared))
    np.testing.assert_allclose(sign, expected)
    assert theory.sparse_hebbian_recall([1], 3, 16)[0] == 1


@pytest.mark.parametrize("active", [0, 16])
def test_keys_of_no_cell_or_of_all_cells_have_no_theory(active: int) -> None:
    with pytest.raises(InputError, match=f"active must be at least 1 and below cells = 16, but is {active}"):
        theory.mean_square_overlap(active, 16)


def test_no_other_step_over_the_square_of_x_is_better_for_the_sum() -> None:
    count, inputs = np.array([0, 1, 5, 20]), 10
    u = np.linspace(0, 2, 20_001)[:, None]
    error = inputs - 2 * u * count + u**2 * count * (1 + (count - 1) / inputs)
    np.testing.assert_allclose(theory.unit_key_hebbian_regression(count, inputs), error.min(0), atol=1e-6)
    assert theory.unit_key_hebbian_regression(np.arange(3), 1).tolist() == [1, 0, 0]
