"""Parameters of a synapse from measurements: least squares on (model - mean)/SEM, and how far the data determine them.

A search over all of the bounds, then descents from its best, from the published parameters and from random places
(`neurofwp.optimisation.least_squares`). Intervals are percentiles of fits to means with new noise of their SEM, each
from the minimum that suits it; from every one of them a descent to the true means again looks for a better fit
(bootstrap restarting: Wood 2001, Biometrics 57:240).

So that few points do not lead far away, published values count as measurements of the parameters, with a standard
deviation (`SPREADS`) in the logarithm: the fit is the mode of a posterior with a log-normal prior, and the intervals
perturb the prior as they do the data (randomised maximum likelihood: Oliver, He & Reynolds 1996, ECMOR V). The defaults
are those of .1, .2, .3, .5, 1 and no prior at all that best predict single points and groups of points left out of fits
to Sjöström et al. (2001), Wang et al. (2005) and Markram et al. (1997), in the geometric mean of chi^2 per point.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.calibration.published import PublishedParameter, published_bounds
from neurofwp.errors import InputError
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import TRIPLET, TWO_THRESHOLD, VOLTAGE, ClosedForm, closed_form, family
from neurofwp.optimisation.least_squares import LeastSquares, Minimum, search_steps
from neurofwp.runtime.progress import progress_bar
from neurofwp.synapses.model import SynapseModel

Floats = NDArray[np.float64]

SPREADS = {TWO_THRESHOLD: 0.2, TRIPLET: 1.0, VOLTAGE: 1.0}  # of parameters about published values
PERCENTILES = (2.5, 97.5)

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
        their natural logarithm; of amplitudes that may be 0, in units of the largest published one. None: `SPREADS`.
        inf: nothing is expected, and the measurements alone decide.
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
    return _describe(problem, _polish(at_means, minima), np.array(places), points)


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
) -> tuple[_Problem, Floats]:
    """The problem, and what is to be met: means and, where something is expected of them, published values."""
    if not measured:
        raise InputError("there is no measurement to fit to")
    if without := [each.protocol.name for each in measured if not each.sem > 0]:
        raise InputError(f"a fit needs the SEM of every mean, but {without[0]!r} has none")
    if spread is None:
        spread = SPREADS[family(model)]
    if not spread > 0:
        raise InputError(f"the spread of parameters about published values must be above 0, not {spread:g}")
    chosen = published_bounds(model, names)
    mean, sem = (np.array([getattr(each, name) for each in measured]) for name in ("ratio", "sem"))
    problem = _Problem(closed_form(model, [each.protocol for each in measured]), chosen, sem, spread)
    return problem, mean if spread == np.inf else np.append(mean, problem.published_place * problem.widths)


def _polish(problem: LeastSquares, minima: Sequence[Minimum]) -> Floats:
    """The place of the best minimum, to more digits."""
    place = problem.descend(min(minima, key=lambda each: each.cost).place, 1e-10).place
    return np.asarray(place.round(6))  # a descent comes close to a bound, never to it


@dataclass(frozen=True)
class _Problem:
    """Residuals as a function of places: (sets, parameters), from 0 to 1 between the bounds.

    Published values count as further measurements, of the parameters themselves, with `spread` for a SEM.
    """

    predict: ClosedForm
    parameters: Sequence[PublishedParameter]
    sem: Floats
    spread: float

    @property
    def published_place(self) -> Floats:
        """The place of the published values."""
        return np.array([own.place(own.published) for own in self.parameters])

    @property
    def widths(self) -> Floats:
        return np.array([own.width for own in self.parameters])

    @property
    def error(self) -> Floats:
        """Standard errors of all that is to be met."""
        expected = 0 if self.spread == np.inf else len(self.parameters)
        return np.append(self.sem, np.full(expected, self.spread))

    def residuals(self, places: Floats, target: Floats) -> Floats:
        """(model - target)/error, (sets, points and parameters)."""
        numbers = {own.name: own.value(place) for own, place in zip(self.parameters, places.T, strict=True)}
        model = self.predict(numbers)
        if self.spread < np.inf:
            model = np.hstack([model, places * self.widths])
        return (model - target) / self.error

    def meet(self, target: Floats) -> LeastSquares:
        """Least squares with this target."""
        return LeastSquares(lambda places: self.residuals(places, target), len(self.parameters))


def _describe(problem: _Problem, best: Floats, places: Floats, points: int) -> xr.Dataset:
    """As of `fit_parameters`, from the best place (parameter,) and those of fits to noisy means (sample, parameter)."""
    chosen = problem.parameters
    places = places.round(6)
    numbers, samples = (
        np.stack([own.value(x) for own, x in zip(chosen, each.T, strict=True)], -1) for each in (best, places)
    )
    slope = problem.meet(np.zeros_like(problem.error)).jacobian(best)[:points]
    spread = np.sqrt(np.diag(np.linalg.inv(slope.T @ slope + 1e-9 * np.eye(len(best)))))
    determined = spread < np.minimum(1, problem.spread / problem.widths)
    bounds = np.array([[own.low for own in chosen], [own.high for own in chosen]])
    interval = np.percentile(samples, PERCENTILES, axis=0)
    low, high = interval if problem.spread < np.inf else np.where(determined, interval, bounds)
    variables = {
        "published": [own.published for own in chosen],
        "fitted": numbers,
        "low": low,
        "high": high,
        "bound_low": bounds[0],
        "bound_high": bounds[1],
        "bound_source": [own.source for own in chosen],
        "at_bound": (best < 0.01) | (best > 0.99),
        "determined": determined,
        "unit": [own.unit for own in chosen],
    }
    fitted = xr.Dataset(
        {name: ("parameter", values) for name, values in variables.items()},
        coords={"parameter": [own.name for own in chosen]},
    )
    return fitted.assign(samples=(("sample", "parameter"), samples))
