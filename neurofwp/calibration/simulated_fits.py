"""Parameters of a synapse from measurements, for models that have to be simulated for every try.

CMA-ES (Hansen & Ostermeier 2001, Evol Comput 9:159) on the same sum of squares as closed forms are fitted by, with the
same bounds, and with published values as measurements of the parameters. A generation is one simulation: all of its
candidates side by side on one bench, protocols of similar duration together. The first candidate has the published
parameters.

The last generations try the centre of the search and the best candidates again, with more repeats where the model has
noise, and then steps from the best one to either side of each parameter. From these follow slopes of all predictions,
and the intervals: those of a normal distribution about the best fit, with the inverse of J'J as its covariance, J the
slopes in standard errors, published values included (Laplace's approximation). A model whose predictions are steps,
as those of a bistable synapse without noise, has slopes of 0, and intervals that say what was expected before.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.calibration.problem import Problem, check, describe, pose
from neurofwp.calibration.published import default_spread, published_bounds
from neurofwp.errors import InputError
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.simulated import REPEATS, Simulated
from neurofwp.runtime import parallel
from neurofwp.runtime.progress import progress_bar
from neurofwp.synapses.model import load

Floats = NDArray[np.float64]

FIRST = 0.15  # standard deviation of the first generation, in shares of the bounds
ASIDE, ASIDE_NOISY = 0.02, 0.1  # steps of slopes, likewise
MORE = 4  # times the repeats, in the last generations

log = logging.getLogger("neurofwp")


def fit_by_simulation(
    model: str | Path,
    measured: Sequence[Measurement],
    *,
    names: Sequence[str] = (),
    spread: float | None = None,
    population: int = 16,
    generations: int = 30,
    repeats: int | None = None,
    samples: int = 50,
    seed: int = 0,
    folder: Path | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Fit parameters of any model that the laboratory can simulate; the others stay as they are.

    Parameters
    ----------
    model : name or path. names : of the parameters, as of `published_bounds`.
    spread : as of `fit_parameters`; None: `default_spread`.
    population, generations : candidates in a generation, and how many generations there are before the last ones.
    repeats : of each protocol, where the model has noise; by default `REPEATS`.
    samples : places that may be as good, for the intervals.
    folder : where simulations are kept: the same fit with the same folder resumes from them.

    Returns
    -------
    As of `fit_parameters`; also ``chi2`` (generation), the smallest sum of squares of each generation, published values
    included.

    Raises
    ------
    InputError
        as `published_bounds` and `Laboratory.change`; for no measurements, one without SEM, a spread that is not above
        0, a population below 4, fewer than one generation, or fewer than two samples.
    """
    for name, value, least in (("population", population, 4), ("generations", generations, 1), ("samples", samples, 2)):
        if value < least:
            raise InputError(f"{name} must be at least {least}, not {value}")
    spread = default_spread(load(model)) if spread is None else spread
    check(measured, spread)
    chosen = published_bounds(load(model), names)
    protocols = [each.protocol for each in measured]
    predict = Simulated(model, protocols, repeats=repeats, seed=seed, folder=folder)
    total = (generations + 2) * len(predict.groups)
    with (
        parallel.open_executor(len(predict.groups)) as predict.executor,
        progress_bar(total=total, desc="simulating", disable=not progress) as bar,
    ):
        problem = pose(_Counted(predict, bar), chosen, measured, spread)
        best, history = _search(problem, population, generations, seed)
        predict.repeats = MORE * (repeats or REPEATS)
        costs = problem.meet(problem.target).costs(best)
        history.append(float(costs.min()))
        place = best[costs.argmin()].round(6)
        slope = _slopes(problem, place, ASIDE_NOISY if predict.noisy else ASIDE)
    precision = slope.T @ slope + 1e-9 * np.eye(len(place))
    rng = np.random.default_rng(seed)
    near = rng.multivariate_normal(place, np.linalg.inv(precision), samples, method="cholesky").clip(0, 1)
    fitted = describe(problem, place, near, slope[: len(measured)])
    return fitted.assign(chi2=("generation", history, {"units": "1"}))


class _Counted:
    """Predictions, with a bar that counts simulations."""

    def __init__(self, predict: Simulated, bar: Any) -> None:
        self.predict, self.bar = predict, bar

    def __call__(self, numbers: Any) -> Floats:
        ratios = self.predict(numbers)
        self.bar.update(len(self.predict.groups))
        return ratios


def _search(problem: Problem, population: int, generations: int, seed: int) -> tuple[Floats, list[float]]:
    """The centre and the best places of the search, as many as a generation has, and the best cost of each generation.

    Told the same costs it draws the same places, so that an interrupted search resumes from simulations that were kept.
    """
    import cma  # an import of a second

    start = problem.published_place
    least_squares = problem.meet(problem.target)
    rng = np.random.default_rng(seed)  # by default cma takes NumPy's own, which simulations in this process seed
    options = {"bounds": [0, 1], "popsize": population, "verbose": -9, "seed": np.nan}
    options["randn"] = lambda *shape: rng.standard_normal(shape)
    evolution = cma.CMAEvolutionStrategy(start.clip(0.02, 0.98), FIRST, options)
    tried, costs = np.empty((0, len(start))), np.empty(0)
    history = []
    for generation in range(generations):
        places = np.array(evolution.ask())
        if generation == 0:
            places[0] = start
        own = least_squares.costs(places)
        evolution.tell(list(places), list(own))
        tried, costs = np.vstack([tried, places]), np.append(costs, own)
        history.append(float(own.min()))
        log.debug("generation %d: best sum of squares %.4g", generation, own.min())
    first = np.argsort(costs, kind="stable")[: population - 1]
    return np.vstack([np.clip(evolution.result.xfavorite, 0, 1), tried[first]]), history


def _slopes(problem: Problem, place: Floats, aside: float) -> Floats:
    """Slopes (residuals, parameters) at a place, from one step to either side of each parameter, within the bounds."""
    each = aside * np.eye(len(place))
    lower, upper = (np.clip(place + sign * each, 0, 1) for sign in (-1, 1))
    residuals = problem.residuals(np.vstack([lower, upper]), problem.target)
    below, above = np.split(residuals, 2)
    return np.asarray(((above - below) / (np.diag(upper) - np.diag(lower))[:, None]).T)
