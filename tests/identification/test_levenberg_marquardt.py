"""The optimiser against closed forms and SciPy."""

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from neurofwp.identification.levenberg_marquardt import minimise


def starts(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_linear_problem_reaches_its_closed_form_from_everywhere() -> None:
    design, target = starts(40, 5, seed=1), starts(40, seed=2)
    found = minimise(lambda x: x @ design.T - target, 10 * starts(6, 5))
    expected = torch.linalg.lstsq(design, target[:, None]).solution[:, 0]
    assert found.converged.all()
    torch.testing.assert_close(found.point, expected.expand(6, 5), rtol=0, atol=1e-6)
    torch.testing.assert_close(found.cost, ((design @ expected - target) ** 2).sum().expand(6) / 2, rtol=1e-9, atol=0)


def decay(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    return x[..., :1] * torch.exp(-x[..., 1:2] * time) + x[..., 2:3] * torch.sin(x[..., 3:4] * time)


def test_a_curved_problem_ends_where_scipy_does() -> None:
    time = torch.linspace(0, 4, 50, dtype=torch.float64)
    target = decay(torch.tensor([2.0, 0.7, 0.5, 2.0]), time) + 0.1 * starts(50, seed=3)
    start = torch.tensor([[1.0, 0.3, 1.0, 1.7], [3.0, 1.0, 0.2, 2.2], [1.5, 2.0, 0.4, 1.9]], dtype=torch.float64)
    found = minimise(lambda x: decay(x, time) - target, start, tolerance=1e-14)
    for each, cost, point in zip(start, found.cost, found.point, strict=True):
        scipy = least_squares(
            lambda x: (decay(torch.tensor(x), time) - target).numpy(), each.numpy(), method="lm", xtol=1e-12, ftol=1e-12
        )
        assert cost.item() == pytest.approx(scipy.cost, rel=1e-9)
        np.testing.assert_allclose(point, scipy.x, rtol=1e-5)


def rosenbrock(x: torch.Tensor) -> torch.Tensor:
    return torch.stack([10 * (x[..., 1] - x[..., 0] ** 2), 1 - x[..., 0]], dim=-1)


def test_starts_do_not_see_each_other() -> None:
    many = 2 * starts(5, 2, seed=4)
    together = minimise(rosenbrock, many)
    for index in range(5):
        alone = minimise(rosenbrock, many[index : index + 1])
        torch.testing.assert_close(together.point[index], alone.point[0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(together.point, torch.ones(5, 2, dtype=torch.float64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("iterations", range(12))
def test_more_iterations_are_never_worse(iterations: int) -> None:
    start = 2 * starts(8, 2, seed=5)
    fewer, more = (minimise(rosenbrock, start, iterations=n, tolerance=0).cost for n in (iterations, iterations + 1))
    assert (more <= fewer).all()


def test_a_parameter_without_effect_and_a_start_that_is_not_finite_do_no_harm() -> None:
    def function(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([x[:, 0].log() - 1, 0 * x[:, 1]], dim=-1)

    found = minimise(function, torch.tensor([[1.0, 3.0], [-1.0, 3.0]], dtype=torch.float64))
    torch.testing.assert_close(found.point[0], torch.tensor([np.e, 3.0], dtype=torch.float64), rtol=1e-5, atol=0)
    assert found.cost[1] == torch.inf
    assert not found.converged[1]


def test_starts_that_others_have_left_behind_are_given_up_and_the_best_is_none_of_them() -> None:
    time = torch.linspace(0, 1, 30, dtype=torch.float64)
    target = torch.sin(9 * time)

    def misses(x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x * time) - target

    begin = torch.tensor([[8.5], [30.0], [60.0], [9.5]], dtype=torch.float64)
    all_go_on, two_go_on = (minimise(misses, begin, survivors=survivors, tolerance=1e-300) for survivors in ((), (2,)))
    torch.testing.assert_close(two_go_on.point[[0, 3]], torch.full((2, 1), 9.0, dtype=torch.float64))
    assert (two_go_on.cost[1:3] >= all_go_on.cost[1:3]).all()
    assert not two_go_on.converged[1:3].any()


def test_where_the_best_start_has_converged_when_others_are_given_up_nothing_is_evaluated_again() -> None:
    rows = []

    def misses(x: torch.Tensor) -> torch.Tensor:
        rows.append(len(x))
        return torch.stack([10 * (x[..., 1] - x[..., 0] ** 2), 1 - x[..., 0]], dim=-1)

    begin = torch.tensor([[1.0, 1.0], [-1.2, 1.0], [0.0, 9.0]], dtype=torch.float64)
    found = minimise(misses, begin, survivors=(1,), tolerance=1e-300)
    assert found.converged[0]
    assert min(rows) > 0


def test_a_minimum_beyond_the_bounds_is_met_at_them() -> None:
    """Of a plane's distance to a point outside the unit square, the nearest point of the square, and bounds of what a
    correlated direction would give back."""
    design = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.8, 0.8]], dtype=torch.float64)
    target = torch.tensor([2.0, 0.4, 1.0], dtype=torch.float64)
    begin = torch.tensor([[0.5, 0.5], [0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    found = minimise(lambda x: x @ design.T - target, begin, low=0, high=1, tolerance=1e-12)
    expected = least_squares(lambda x: design.numpy() @ x - target.numpy(), [0.5, 0.5], bounds=(0, 1), xtol=1e-14)
    np.testing.assert_allclose(found.point, np.tile(expected.x, (3, 1)), atol=1e-6)
    assert (found.point[:, 0] == 1).all()
