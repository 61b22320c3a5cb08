"""Parameters of a synapse from measurements: least squares on (model - mean)/SEM, and how far the data determine them.

A search over all of the bounds (differential evolution), then descents from its best, from the published parameters and
from random places. Intervals are percentiles of fits to means with new noise of their SEM, each from the minimum that
suits it; from every one of them a descent to the true means again looks for a better fit (bootstrap restarting: Wood
2001, Biometrics 57:240).

So that few points do not lead far away, published values count as measurements of the parameters, with a standard
deviation (`SPREADS`) in the logarithm: the fit is the mode of a posterior with a log-normal prior, and the intervals
perturb the prior as they do the data (randomised maximum likelihood: Oliver, He & Reynolds 1996, ECMOR V). The defaults
are those of .1, .2, .3, .5, 1 and no prior at all that best predict single points and groups of points left out of fits
to Sjöström et al. (2001), Wang et al. (2005) and Markram et al. (1997), in the geometric mean of chi^2 per point.

Of a two-threshold synapse the closed form sees gamma_p/tau_rho, gamma_d/tau_rho and sigma^2/tau_rho only, so tau_rho is
left as it was published unless it is asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import differential_evolution, least_squares
from tqdm import tqdm

from neurofwp.errors import InputError, unknown
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import (
    TRIPLET,
    TWO_THRESHOLD,
    VOLTAGE,
    ClosedForm,
    closed_form,
    declared,
    family,
    plain,
)
from neurofwp.runtime.progress import progress_bar
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.parameters import parse_unit

Floats = NDArray[np.float64]

# By default; thresholds, weights and where synapses are before a protocol stay as published.
FITTED = {
    TWO_THRESHOLD: ("tau_calcium", "pre_jump", "post_jump", "pre_delay", "gamma_p", "gamma_d", "sigma"),
    TRIPLET: ("A2_plus", "A3_plus", "A2_minus", "A3_minus", "tau_x", "tau_y"),
    VOLTAGE: ("A_LTD", "A_LTP"),  # all others cost an integral over the voltage for every set of parameters
}
AMPLITUDES = ("A2_plus", "A3_plus", "A2_minus", "A3_minus")
FACTOR = 5.0  # from the published value to either bound
SPREADS = {TWO_THRESHOLD: 0.2, TRIPLET: 1.0, VOLTAGE: 1.0}  # of parameters about published values
GENERATIONS = 150  # of the search
STARTS, CANDIDATES = 100, 100  # further starts, each the best of so many random places
PERCENTILES = (2.5, 97.5)
STEP = 1e-6  # of derivatives, as a share of the bounds

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Range:
    """Where a parameter is searched for, in its declared unit, and why there."""

    name: str
    unit: str
    published: float
    low: float
    high: float
    source: str

    def at(self, place: Floats) -> Floats:
        """Numbers at places from 0 (lower bound) to 1 (upper bound): evenly in the logarithm, if 0 is no bound."""
        if self.low > 0:
            return np.asarray(self.low * (self.high / self.low) ** place)
        return np.asarray(self.high * place)

    @property
    def place(self) -> float:
        """Of the published value."""
        if self.low > 0:
            return float(np.log(self.published / self.low) / np.log(self.high / self.low))
        return self.published / self.high

    @property
    def width(self) -> float:
        """From bound to bound, in what `spread` counts: factors of e, or the largest published amplitude."""
        return float(np.log(self.high / self.low)) if self.low > 0 else FACTOR


def ranges(model: SynapseModel, names: Sequence[str] = ()) -> list[Range]:
    """Bounds of the parameters `names`, by default of those in `FITTED` that are not published as 0.

    A factor of 5 around the published value, as far as a model may have it; for the amplitudes of the triplet rule,
    some of which were published as 0 or almost 0, from 0 to 5 times the largest of them.

    Raises
    ------
    InputError
        for a model without a closed form, an unknown parameter, one twice, or one that is 0, which has no such bounds.
    """
    known, values = declared(model), plain(model)
    default = [name for name in FITTED[family(model)] if name in AMPLITUDES or values.get(name)]
    largest = max((values.get(name, 0.0) for name in AMPLITUDES), default=0.0)
    found = []
    for name in names or default:
        if name not in known:
            raise unknown(f"parameter of {model.name}", name, known)
        if list(names).count(name) > 1:
            raise InputError(f"{name!r} is among the parameters to be fitted twice")
        parameter, value = known[name], values[name]
        if name in AMPLITUDES and largest > 0:
            low, high, source = 0.0, FACTOR * largest, f"0 to {FACTOR:g} times the largest published amplitude"
        elif value > 0:
            low, high, source = value / FACTOR, value * FACTOR, f"published value, divided and multiplied by {FACTOR:g}"
        else:
            raise InputError(f"{name} is {value:g} in {model.name}: bounds are a factor of {FACTOR:g} around a value")
        limits = max(low, parameter.low), min(high, parameter.high)
        found.append(Range(name, parameter.unit, value, *limits, source))
    return found


def replaced(model: SynapseModel, numbers: Mapping[str, float]) -> SynapseModel:
    """The model with other values, numbers in declared units."""
    known = declared(model)
    other = {name: number * parse_unit(known[name].unit, name) for name, number in numbers.items()}
    return replace(model, values={**model.values, **other})


def fit(
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
    names : of the parameters, as of `ranges`.
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
        as `ranges`; for no measurements, one without SEM, a spread that is not above 0, or fewer than two fits for
        intervals.
    """
    if bootstrap < 2:
        raise InputError(f"intervals need 2 fits to noisy means or more, not {bootstrap}")
    problem, target = _posed(model, measured, names, spread)
    points, count = len(measured), len(problem.ranges)
    if points < count and problem.spread == np.inf:
        log.warning("%d points cannot determine %d parameters: many fits are as good", points, count)
    rng = np.random.default_rng(seed)
    with progress_bar(total=GENERATIONS + 2 + STARTS + bootstrap, desc="fitting", disable=not progress) as bar:
        minima = _search(problem, target, rng, bar)
        places = []
        for noisy in target + problem.error * rng.standard_normal((bootstrap, len(target))):
            known = np.array([minimum.place for minimum in minima])
            start = known[(problem.residuals(known, noisy) ** 2).sum(1).argmin()]
            places.append(problem.descend(start, noisy).place)
            # Noise moves a fit over ridges between minima: back at the means, it may have found a better one.
            minima.append(problem.descend(places[-1], target))
            bar.update()
    return _described(problem, _best(problem, target, minima), np.array(places), points)


def best(
    model: SynapseModel,
    measured: Sequence[Measurement],
    *,
    names: Sequence[str] = (),
    spread: float | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Parameters as `fit` fits them, in declared units, without intervals.

    Raises
    ------
    InputError
        as `fit`.
    """
    problem, target = _posed(model, measured, names, spread)
    with progress_bar(disable=True) as bar:
        minima = _search(problem, target, np.random.default_rng(seed), bar)
    place = _best(problem, target, minima)
    return {own.name: float(own.at(x)) for own, x in zip(problem.ranges, place, strict=True)}


def _posed(
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
    chosen = ranges(model, names)
    mean, sem = (np.array([getattr(each, name) for each in measured]) for name in ("ratio", "sem"))
    problem = _Problem(closed_form(model, [each.protocol for each in measured]), chosen, sem, spread)
    published = np.array([own.place for own in chosen]) * problem.widths
    return problem, mean if spread == np.inf else np.append(mean, published)


def _best(problem: _Problem, target: Floats, minima: Sequence[Minimum]) -> Floats:
    place = problem.descend(min(minima, key=lambda each: each.cost).place, target, 1e-10).place
    return np.asarray(place.round(6))  # a descent comes close to a bound, never to it


class Minimum(NamedTuple):
    """A place that is best among its neighbours, and the sum of squares there."""

    place: Floats
    cost: float


@dataclass(frozen=True)
class _Problem:
    """Residuals as a function of places: (sets, parameters), from 0 to 1 between the bounds.

    Published values count as further measurements, of the parameters themselves, with `spread` for a SEM.
    """

    predict: ClosedForm
    ranges: Sequence[Range]
    sem: Floats
    spread: float

    @property
    def widths(self) -> Floats:
        return np.array([own.width for own in self.ranges])

    @property
    def error(self) -> Floats:
        """Standard errors of all that is to be met."""
        expected = 0 if self.spread == np.inf else len(self.ranges)
        return np.append(self.sem, np.full(expected, self.spread))

    def residuals(self, places: Floats, target: Floats) -> Floats:
        """(model - target)/error, (sets, points and parameters)."""
        numbers = {own.name: own.at(place) for own, place in zip(self.ranges, places.T, strict=True)}
        model = self.predict(numbers)
        if self.spread < np.inf:
            model = np.hstack([model, places * self.widths])
        return (model - target) / self.error

    def jacobian(self, place: Floats, target: Floats) -> Floats:
        """(points and parameters, parameters) at one place; all derivatives in one call, each towards the inside."""
        steps = np.where(place > 0.5, -STEP, STEP)
        values = self.residuals(np.vstack([place, place + np.diag(steps)]), target)
        return np.asarray((values[1:] - values[0]).T / steps)

    def descend(self, start: Floats, target: Floats, tolerance: float = 1e-4) -> Minimum:
        """The minimum to which the slope leads."""
        done = least_squares(
            lambda place: self.residuals(place[None], target)[0],
            start,
            jac=lambda place: self.jacobian(place, target),
            bounds=(0, 1),
            ftol=tolerance,
            xtol=tolerance,
            gtol=tolerance,
            max_nfev=200,
        )
        return Minimum(done.x, 2 * float(done.cost))


def _search(problem: _Problem, target: Floats, rng: np.random.Generator, bar: tqdm) -> list[Minimum]:
    """Minima within the bounds: calcium that passes a threshold or not makes for many of them."""
    count = len(problem.ranges)

    def costs(places: Floats) -> Floats:
        return np.asarray((problem.residuals(places, target) ** 2).sum(1))

    def tick(place: Floats, convergence: float) -> None:
        bar.update()

    far = differential_evolution(
        lambda places: costs(places.T),
        [(0, 1)] * count,
        maxiter=GENERATIONS,
        rng=rng,
        callback=tick,
        polish=False,
        vectorized=True,
        updating="deferred",
    )
    bar.update(GENERATIONS - bar.n)  # it stops early where all agree
    published = np.clip([own.place for own in problem.ranges], 0, 1)
    anywhere = rng.random((STARTS, CANDIDATES, count))
    likely = [places[costs(places).argmin()] for places in anywhere]
    found = []
    for start in (far.x, published, *likely):
        found.append(problem.descend(start, target))
        bar.update()
    return found


def _described(problem: _Problem, best: Floats, places: Floats, points: int) -> xr.Dataset:
    chosen = problem.ranges
    places = places.round(6)
    numbers, samples = (
        np.stack([own.at(x) for own, x in zip(chosen, each.T, strict=True)], -1) for each in (best, places)
    )
    slope = problem.jacobian(best, np.zeros_like(problem.error))[:points]
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
    made = xr.Dataset(
        {name: ("parameter", values) for name, values in variables.items()},
        coords={"parameter": [own.name for own in chosen]},
    )
    return made.assign(samples=(("sample", "parameter"), samples))
