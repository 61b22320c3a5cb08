"""The best of many minima is found, at a bound as well, and progress is told."""

from __future__ import annotations

import numpy as np
import pytest

from neurofwp.optimisation import LeastSquares, least_squares


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_squares, "GENERATIONS", 20)
    monkeypatch.setattr(least_squares, "STARTS", 4)


def ripples(places: np.ndarray) -> np.ndarray:
    """Minima everywhere; the best is where the slope (first residual) is 0, at 0.7 for the first parameter."""
    return np.stack([places[:, 0] - 0.7, 0.3 * np.sin(20 * (places[:, 0] - 0.7)), places[:, 1] + 0.2], axis=1)


def test_the_best_of_many_minima_is_found_and_a_bound_holds() -> None:
    problem = LeastSquares(ripples, 2)
    minima = problem.search([np.array([0.05, 0.5])], np.random.default_rng(0))
    costs = [minimum.cost for minimum in minima]
    assert max(costs) > min(costs) + 0.01  # some descents end in other minima
    best = problem.descend(minima[int(np.argmin(costs))].place, 1e-10)
    np.testing.assert_allclose(best.place, [0.7, 0], atol=1e-5)
    assert best.cost == pytest.approx(0.2**2, rel=1e-4)


def test_derivatives_are_those_of_the_residuals() -> None:
    place = np.array([0.9, 0.1])
    expected = [[1, 0], [6 * np.cos(4), 0], [0, 1]]
    np.testing.assert_allclose(LeastSquares(ripples, 2).jacobian(place), expected, rtol=1e-3, atol=1e-6)


def test_progress_comes_to_all_steps() -> None:
    steps: list[int] = []
    LeastSquares(ripples, 2).search([np.zeros(2) + 0.5], np.random.default_rng(1), steps.append)
    assert sum(steps) == least_squares.search_steps(1) == 20 + 1 + 1 + 4
