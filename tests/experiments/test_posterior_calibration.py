"""Ranks of true values: flat where the posterior is right, and not where it is too narrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import calibration
from neurofwp.errors import InputError
from neurofwp.experiments import posterior_calibration as experiment

MODEL = "clopath-visual-cortex"


def laplace(narrow: float) -> Any:
    """In place of sampling: independent draws from the normal distribution that the posterior of a linear model is."""

    def sample(problem: calibration.Problem, start: np.ndarray, *, seed: int, **others: Any) -> xr.Dataset:
        squares = problem.meet(problem.target)
        # the mode: one Gauss-Newton step from anywhere
        slope = squares.jacobian(start)
        mode = start - np.linalg.lstsq(slope, squares.residuals(start[None])[0], rcond=None)[0]
        spread = np.linalg.cholesky(np.linalg.inv(slope.T @ slope)) * narrow
        draws = mode + np.random.default_rng(seed).standard_normal((1, 400, len(start))) @ spread.T
        effective = np.full(len(start), 400.0)
        return xr.Dataset({"place": (("chain", "draw", "parameter"), draws), "effective": ("parameter", effective)})

    return sample


@pytest.mark.parametrize(("narrow", "flat"), [(1.0, True), (0.5, False)])
def test_ranks_are_flat_where_posteriors_are_right(monkeypatch: pytest.MonkeyPatch, narrow: float, flat: bool) -> None:
    """Of amplitudes, in which predictions are linear between changes in log: a narrow spread keeps them so."""
    monkeypatch.setattr(calibration, "sample_posterior", laplace(narrow), raising=False)
    settings = experiment.Settings(model=MODEL, spread=0.05, datasets=160)
    result = experiment.run(settings, seed=1, device="cpu")
    numbers = experiment.EXPERIMENT.summary(result)
    for name in ("A_LTD", "A_LTP"):
        assert (numbers[f"flatness.{name}.p"] > 0.001) is flat
        counts = [numbers[f"histogram.{name}.{index}.datasets"] for index in range(experiment.BINS)]
        assert sum(counts) == 160
        if not flat:
            assert counts[0] + counts[-1] > 2 * 2 * 160 / experiment.BINS * 0.8
    assert set(experiment.plot(result)) == {"ranks"}


def test_truths_are_drawn_within_bounds() -> None:
    own = calibration.published_bounds(experiment.nf.synapses.load(MODEL))
    problem = calibration.Problem(lambda numbers: np.zeros((1, 1)), own, np.ones(1), np.ones(1), 2.0)
    places = np.array([experiment.draw_truth(problem, np.random.default_rng(seed)) for seed in range(200)])
    assert ((places >= 0) & (places <= 1)).all()
    assert places.std(0).min() > 0.2  # almost even within bounds, where so little is expected


def test_a_prior_without_end_is_refused() -> None:
    with pytest.raises(InputError, match="the spread must be finite"):
        experiment.run(experiment.Settings(spread=np.inf), seed=0, device="cpu")
    with pytest.raises(InputError, match="datasets must be at least 1, not 0"):
        experiment.run(experiment.Settings(datasets=0), seed=0, device="cpu")
