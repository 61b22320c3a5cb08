"""Posteriors: of a linear model the normal distribution that algebra gives, kept and resumed, opened by ArviZ."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
import xarray as xr

from neurofwp.calibration.inference import inference_data, predictions
from neurofwp.calibration.posterior import sample_posterior
from neurofwp.calibration.problem import Problem
from neurofwp.calibration.published import PublishedParameter
from neurofwp.errors import InputError
from neurofwp.runtime import store


class Sampler:
    """As emcee's in what is used of it: half of the walkers stretch towards the other half (Goodman & Weare 2010)."""

    def __init__(self, walkers: int, parameters: int, log_density: object, vectorize: bool) -> None:
        assert vectorize
        self.log_density, self.count = log_density, parameters

    def run_mcmc(self, start: SimpleNamespace, steps: int, skip_initial_state_check: bool) -> None:
        random, place = np.random.RandomState(), start.coords.copy()
        random.set_state(start.random_state)
        density = self.log_density(place)
        self.places, self.densities = [], []
        halves = np.split(np.arange(len(place)), 2)
        for _ in range(steps):
            for own, others in (halves, halves[::-1]):
                z = (1 + random.rand(len(own))) ** 2 / 2
                partner = place[random.choice(others, len(own))]
                new = partner + z[:, None] * (place[own] - partner)
                found = self.log_density(new)
                with np.errstate(invalid="ignore"):
                    taken = np.log(random.rand(len(own))) < (self.count - 1) * np.log(z) + found - density[own]
                place[own[taken]], density[own[taken]] = new[taken], found[taken]
            self.places.append(place.copy())
            self.densities.append(density.copy())

    def get_chain(self) -> np.ndarray:
        return np.array(self.places)

    def get_log_prob(self) -> np.ndarray:
        return np.array(self.densities)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for emcee."""
    made = SimpleNamespace(
        EnsembleSampler=Sampler,
        State=lambda coords, random_state: SimpleNamespace(coords=coords, random_state=random_state),
        autocorr=SimpleNamespace(integrated_time=lambda x, tol: np.full(x.shape[-1], 10.0)),
    )
    monkeypatch.setitem(sys.modules, "emcee", made)


SLOPES = np.array([[1.0, 0.3], [0.2, 1.0], [0.5, -0.5]])


def linear() -> Problem:
    """Ratios that are linear in two parameters between 0 and 1, whose bounds are far away."""
    own = [PublishedParameter(name, "ms", 0, 1, published=0.5, source="") for name in ("a", "b")]

    def predict(numbers: dict[str, np.ndarray]) -> np.ndarray:
        return np.stack([numbers["a"], numbers["b"]], -1) @ SLOPES.T

    return Problem(predict, own, SLOPES @ [0.45, 0.55], np.array([0.04, 0.05, 0.03]), 0.5)


def moments() -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of that posterior, by algebra."""
    problem = linear()
    weight = SLOPES / problem.sem[:, None] ** 2
    expected = np.diag((problem.widths / problem.spread) ** 2)
    covariance = np.linalg.inv(weight.T @ SLOPES + expected)
    return covariance @ (weight.T @ problem.ratio + expected @ [0.5, 0.5]), covariance


def check_moments(drawn: xr.Dataset) -> None:
    mean, covariance = moments()
    values = np.stack([drawn["a"].values.ravel(), drawn["b"].values.ravel()])
    # some 800 independent draws: means to .035 standard deviations, variances to 5 %
    np.testing.assert_allclose(values.mean(1), mean, atol=0.15 * np.sqrt(covariance.diagonal().min()))
    np.testing.assert_allclose(np.cov(values), covariance, atol=0.15 * covariance.max())


def test_the_posterior_of_a_linear_model_is_that_of_algebra(library: None) -> None:
    drawn = sample_posterior(linear(), np.full(2, 0.5), walkers=20, steps=2400, draws=200, seed=4, progress=False)
    check_moments(drawn)
    assert drawn["a"].dims == ("chain", "draw")
    assert drawn["a"].attrs["units"] == "ms"
    assert drawn.sizes["chain"] == 20
    np.testing.assert_allclose(drawn["effective"], 1200 * 20 / 10)


@pytest.mark.skipif(find_spec("emcee") is None, reason="emcee is not installed")
def test_emcee_itself_draws_it_too() -> None:
    check_moments(sample_posterior(linear(), np.full(2, 0.5), walkers=20, steps=2400, seed=4, progress=False))


def test_no_draw_is_beyond_the_bounds(library: None) -> None:
    problem = linear()
    beyond = Problem(problem.predict, problem.parameters, SLOPES @ [-0.02, 1.02], problem.sem, np.inf)
    drawn = sample_posterior(beyond, np.array([0.05, 0.95]), walkers=8, steps=200, seed=1, progress=False)
    for name in ("a", "b"):
        assert ((drawn[name] >= 0) & (drawn[name] <= 1)).all()


def test_sampling_resumes_behind_the_last_part(library: None, tmp_path: Path) -> None:
    def draw(seed: int, about: str = "data") -> xr.Dataset:
        start = np.full(2, 0.5)
        how = {"walkers": 8, "steps": 60, "seed": seed, "folder": tmp_path, "progress": False}
        return sample_posterior(linear(), start, about=about, **how)

    first = draw(3)
    made = list(tmp_path.iterdir())
    assert len(made) == 20
    made[5].unlink()
    written = store.Entry.write
    with patch.object(store.Entry, "write", autospec=True, side_effect=written) as counted:
        again = draw(3)
    assert counted.call_count == 1
    xr.testing.assert_identical(first, again)
    assert not np.array_equal(first["a"], draw(4)["a"])


def test_predictions_carry_the_noise_of_measurements(library: None) -> None:
    problem = linear()
    drawn = sample_posterior(problem, np.full(2, 0.5), walkers=20, steps=1200, seed=4, progress=False)
    ahead = predictions(problem.predict, drawn, ["a", "b"])
    groups = inference_data(problem, drawn, (ahead, problem.ratio, problem.sem), seed=1)
    _, covariance = moments()
    expected = np.sqrt((SLOPES @ covariance @ SLOPES.T).diagonal() + problem.sem**2)
    for name in ("posterior_predictive", "predictions"):
        np.testing.assert_allclose(groups[name]["ratio"].std(("chain", "draw")), expected, rtol=0.1)
    assert set(groups["posterior"].data_vars) == {"a", "b"}


@pytest.mark.skipif(find_spec("arviz") is None, reason="arviz is not installed")
@pytest.mark.filterwarnings("ignore")
def test_arviz_opens_the_groups(library: None, tmp_path: Path) -> None:
    import arviz

    problem = linear()
    drawn = sample_posterior(problem, np.full(2, 0.5), walkers=8, steps=200, seed=4, progress=False)
    ahead = predictions(problem.predict, drawn, ["a", "b"])
    groups = inference_data(problem, drawn, (ahead, problem.ratio, problem.sem), seed=1)
    file = tmp_path / "result.nc"
    xr.DataTree.from_dict({f"/{name}": each for name, each in groups.items()}).to_netcdf(file, engine="h5netcdf")
    opened = arviz.from_netcdf(file)
    assert set(opened.groups()) == set(groups)
    np.testing.assert_array_equal(opened.posterior["a"], drawn["a"])
    assert arviz.summary(opened).index.tolist() == ["a", "b"]


def test_without_emcee_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emcee", None)
    with pytest.raises(InputError, match=r"pip install 'neurofwp\[posterior\]'"):
        sample_posterior(linear(), np.full(2, 0.5), walkers=8, steps=20, progress=False)
    with pytest.raises(InputError, match="2 parameters need 4 walkers or more, not 3"):
        sample_posterior(linear(), np.full(2, 0.5), walkers=3)
    with pytest.raises(InputError, match="steps must be at least 20, not 5"):
        sample_posterior(linear(), np.full(2, 0.5), steps=5)
