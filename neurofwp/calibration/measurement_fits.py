"""Parameters of a synapse from measurements: least squares on (model - mean)/SEM, and how far the data determine them.

A search over all of the bounds, then descents from its best, from the published parameters and from random places
(`neurofwp.optimisation.least_squares`). Intervals are percentiles of fits to means with new noise of their SEM, each
from the minimum that suits it; from every one of them a descent to the true means again looks for a better fit
(bootstrap restarting: Wood 2001, Biometrics 57:240).

So that few points do not lead far away, published values count as measurements of the parameters, with a standard
deviation (`default_spread`) in the logarithm: the fit is the mode of a posterior with a log-normal prior, and the
intervals perturb the prior as they do the data (randomised maximum likelihood: Oliver, He & Reynolds 1996, ECMOR V).
The defaults are those of .1, .2, .3, .5, 1 and no prior at all that best predict single points and groups of points
left out of fits to Sjöström et al. (2001), Wang et al. (2005) and Markram et al. (1997), in the geometric mean of chi^2
per point.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.calibration.problem import PERCENTILES as PERCENTILES, Problem, check, describe, pose
from neurofwp.calibration.published import default_spread, published_bounds
from neurofwp.errors import InputError
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import closed_form
from neurofwp.optimisation.least_squares import LeastSquares, Minimum, search_steps
from neurofwp.runtime.progress import progress_bar
from neurofwp.synapses.model import SynapseModel

Floats = NDArray[np.float64]


log = logging.getLogger("neurofwp")


def fit_parameters(
    model: SynapseModel,
    measured: Sequence[Measurement],
    *,
    names: Sequence[str] = (),
    spread: float | None = None,
    bootstrap: int = 50,
    seed: int = 0,
    progress: bool = True,
) -> xr.Dataset:
    """Fit parameters to measurements; the others stay as they are.

    Parameters
    ----------
    names : of the parameters, as of `published_bounds`.
    spread : standard deviation of parameters about their published values that is expected before any measurement, in
        their natural logarithm; of amplitudes that may be 0, in units of the largest published one. None:
        `default_spread`. inf: nothing is expected, and the measurements alone decide.
    bootstrap : fits to means and published values with new noise, for intervals.

    Returns
    -------
    Dataset over ``parameter`` in declared units: ``published``, ``fitted``, the interval ``low`` to ``high`` (2.5 and
    97.5 percentiles of ``samples`` (sample, parameter)), the bounds ``bound_low``, ``bound_high`` and their
    ``bound_source``, ``at_bound``, and ``determined``: False where the linear standard error is wider than what was
    expected before (or than the bounds, where nothing was), so that the data say nothing about this parameter alone;
    without `spread` the interval is then that of the bounds.

    Raises
    ------
    InputError
        as `published_bounds`; for no measurements, one without SEM, a spread that is not above 0, or fewer than two
        fits for intervals.
    """
    if bootstrap < 2:
        raise InputError(f"intervals need 2 fits to noisy means or more, not {bootstrap}")
    problem, target = _pose(model, measured, names, spread)
    points, count = len(measured), len(problem.parameters)
    if points < count and problem.spread == np.inf:
        log.warning("%d points cannot determine %d parameters: many fits are as good", points, count)
    rng = np.random.default_rng(seed)
    at_means = problem.meet(target)
    with progress_bar(total=search_steps(1) + bootstrap, desc="fitting", disable=not progress) as bar:
        minima = at_means.search([problem.published_place], rng, bar.update)
        places = []
        for noisy in target + problem.error * rng.standard_normal((bootstrap, len(target))):
            at_noisy = problem.meet(noisy)
            known = np.array([minimum.place for minimum in minima])
            places.append(at_noisy.descend(known[at_noisy.costs(known).argmin()]).place)
            # Noise moves a fit over ridges between minima: back at the means, it may have found a better one.
            minima.append(at_means.descend(places[-1]))
            bar.update()
    return describe(problem, _polish(at_means, minima), np.array(places))


def best_parameters(
    model: SynapseModel,
    measured: Sequence[Measurement],
    *,
    names: Sequence[str] = (),
    spread: float | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Parameters as `fit_parameters` fits them, in declared units, without intervals.

    Raises
    ------
    InputError
        as `fit_parameters`.
    """
    problem, target = _pose(model, measured, names, spread)
    at_means = problem.meet(target)
    place = _polish(at_means, at_means.search([problem.published_place], np.random.default_rng(seed)))
    return {own.name: float(own.value(x)) for own, x in zip(problem.parameters, place, strict=True)}


def _pose(
    model: SynapseModel, measured: Sequence[Measurement], names: Sequence[str], spread: float | None
) -> tuple[Problem, Floats]:
    """The problem, in closed form, and what is to be met."""
    check(measured, 1.0 if spread is None else spread)
    chosen = published_bounds(model, names)
    predict = closed_form(model, [each.protocol for each in measured])
    problem = pose(predict, chosen, measured, default_spread(model) if spread is None else spread)
    return problem, problem.target


def _polish(problem: LeastSquares, minima: Sequence[Minimum]) -> Floats:
    """The place of the best minimum, to more digits."""
    place = problem.descend(min(minima, key=lambda each: each.cost).place, 1e-10).place
    return np.asarray(place.round(6))  # a descent comes close to a bound, never to it
