"""In-context regression: what is simulated, and how it is held to theory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import in_context_regression as experiment

SMALL = experiment.Settings(inputs=3, longest=5, episodes=3000)


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    return experiment.run(SMALL, seed=4, device="cpu")


def test_simulations_scatter_around_theory_as_chance_has_it(result: xr.DataTree) -> None:
    z = experiment.deviation(result["error"].to_dataset())
    assert int(z.notnull().sum()) == 4 * 6 + 3  # least squares is exact from three examples on
    assert float(abs(z).max()) < 4
    assert 0.6 < float(z.std()) < 1.5  # standard errors of another size would show


def test_least_squares_with_enough_examples_errs_by_its_ridge_alone(result: xr.DataTree) -> None:
    error = result["error"].to_dataset().sel(rule="mesa")
    assert float(error["squared_error"].where(error["theory"] == 0).max()) < 1e-4
    assert float(error["squared_error"].sel(examples=2)) > 0.5


def predictions(name: str, x: np.ndarray, y: np.ndarray, new: np.ndarray, settings: experiment.Settings) -> np.ndarray:
    """What each learner should answer, by sums and loops of its own: x (episode, N, inputs) without an empty event."""
    count, inputs = x.shape[1:]
    if name == "mesa":
        return np.einsum("ei,ei->e", (np.linalg.pinv(x) @ y[..., None])[..., 0], new)
    w = np.zeros_like(new)
    s1 = sum(settings.decay**i for i in range(count))
    s2 = sum(settings.decay ** (2 * i) for i in range(count))
    for i in range(count):
        size = (x[:, i] ** 2).sum(1)
        error = y[:, i] - (w * x[:, i]).sum(1)
        if name == "hebbian":
            w += y[:, i, None] * x[:, i] / (count + inputs + 1)
        elif name == "decay":
            w = settings.decay * w + y[:, i, None] * x[:, i] * s1 / (s1**2 + (inputs + 1) * s2)
        elif name == "delta":
            w += error[:, None] * x[:, i] / (inputs + 2)
        else:  # unit keys: normalised least mean squares with plain keys
            w += (error / size)[:, None] * x[:, i]
    return (w * new).sum(1)


@pytest.mark.parametrize("name", list(experiment.LEARNERS))
@pytest.mark.parametrize("count", [0, 1, 5])
def test_learners_do_what_their_names_say(name: str, count: int) -> None:
    settings = experiment.Settings(inputs=4, episodes=50)
    learner = experiment.LEARNERS[name]
    errors = experiment.squared_errors(learner, settings, count, np.random.default_rng(6), "cpu")
    rng = np.random.default_rng(6)
    w, x, new = (rng.standard_normal((50, *shape)) for shape in ((4,), (1 + count, 4), (4,)))
    x = x[:, 1:]
    expected = predictions(name, x, np.einsum("eti,ei->et", x, w), new, settings)
    np.testing.assert_allclose(errors, ((w * new).sum(1) - expected) ** 2, rtol=1e-4, atol=1e-5)


def test_every_point_has_episodes_of_its_own_that_the_seed_decides(result: xr.DataTree) -> None:
    few = experiment.Settings(inputs=2, longest=2, episodes=20)
    once, again, other = (experiment.run(few, seed=seed, device="cpu")["error"].to_dataset() for seed in (0, 0, 1))
    xr.testing.assert_identical(once, again)
    assert not np.any(once["squared_error"].values == other["squared_error"].values)
    untaught = once["squared_error"].sel(examples=0).values  # all rules predict 0, of other targets
    assert len(set(untaught.tolist())) == len(experiment.LEARNERS)


def test_summary_counts_the_points_beyond_two_standard_errors() -> None:
    theory = np.array([[2.0, 1.0, 0.5], [2.0, 0.0, 0.0]])
    z = np.array([[2.5, -1.9, -3.0], [0.5, 9.0, 9.0]])
    sem = np.array([[0.1, 0.1, 0.2], [0.1, 1e-9, 1e-9]])
    dims = ("rule", "examples")
    error = xr.Dataset(
        {"squared_error": (dims, theory + z * sem), "sem": (dims, sem), "theory": (dims, theory)},
        coords={"rule": ["delta", "mesa"], "examples": [0, 5, 6]},
    )
    numbers = experiment.EXPERIMENT.summary(xr.DataTree.from_dict({"/error": error}))
    assert (numbers["points"], numbers["beyond_2_standard_errors"]) == (4, 2)
    assert numbers["beyond_2_standard_errors_expected"] == pytest.approx(4 * 0.0455, abs=1e-3)
    assert numbers["largest_z"] == pytest.approx(3.0)
    assert numbers["largest_error_where_theory_is_0"] == pytest.approx(9e-9)
    assert numbers["error.delta.5.squared_error"] == pytest.approx(0.81)
    assert "error.delta.6.theory" not in numbers


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": 0}, "inputs must be 1 or more, but is 0"),
        ({"episodes": 1}, "episodes must be 2 or more, but is 1"),
        ({"decay": 1.5, "longest": 1, "episodes": 2}, "decay must be in .0, 1., but is 1.5"),
        ({"ridge": 0.0, "longest": 1, "episodes": 2}, "ridge"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(experiment.Settings(**settings), seed=0, device="cpu")
