"""What a fit to measurements makes small: (model - mean)/SEM of every point, and how far parameters are from published.

A place is one set of parameters, from 0 to 1 between the bounds of each. How the model predicts, in closed form or by
simulation, does not matter here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.calibration.published import PublishedParameter
from neurofwp.errors import InputError
from neurofwp.laboratory.measurements import Measurement
from neurofwp.optimisation.least_squares import LeastSquares

Floats = NDArray[np.float64]
Predict = Callable[[Mapping[str, Floats]], Floats]  # numbers (sets,) in declared units, by name: ratios (sets, points)

PERCENTILES = (2.5, 97.5)


def pose(
    predict: Predict, chosen: Sequence[PublishedParameter], measured: Sequence[Measurement], spread: float
) -> Problem:
    """The problem of fitting parameters to measurements.

    Raises
    ------
    InputError
        for no measurements, one without SEM, or a spread that is not above 0.
    """
    check(measured, spread)
    mean, sem = (np.array([getattr(each, name) for each in measured]) for name in ("ratio", "sem"))
    return Problem(predict, chosen, mean, sem, spread)


def check(measured: Sequence[Measurement], spread: float) -> None:
    """Refuse what cannot be fitted; InputError as of `pose`."""
    if not measured:
        raise InputError("there is no measurement to fit to")
    if without := [each.protocol.name for each in measured if not each.sem > 0]:
        raise InputError(f"a fit needs the SEM of every mean, but {without[0]!r} has none")
    if not spread > 0:
        raise InputError(f"the spread of parameters about published values must be above 0, not {spread:g}")


@dataclass(frozen=True)
class Problem:
    """Residuals as a function of places: (sets, parameters), from 0 to 1 between the bounds.

    Published values count as further measurements, of the parameters themselves, with `spread` for a SEM.
    """

    predict: Predict
    parameters: Sequence[PublishedParameter]
    ratio: Floats
    sem: Floats
    spread: float

    @property
    def target(self) -> Floats:
        """What is to be met: means and, where something is expected of them, published values."""
        return self.ratio if self.spread == np.inf else np.append(self.ratio, self.published_place * self.widths)

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

    def numbers(self, places: Floats) -> dict[str, Floats]:
        """Values (sets,) of the parameters in declared units, by name, at places (sets, parameters)."""
        return {own.name: own.value(place) for own, place in zip(self.parameters, places.T, strict=True)}

    def residuals(self, places: Floats, target: Floats) -> Floats:
        """(model - target)/error, (sets, points and parameters)."""
        model = self.predict(self.numbers(places))
        if self.spread < np.inf:
            model = np.hstack([model, places * self.widths])
        return (model - target) / self.error

    def meet(self, target: Floats) -> LeastSquares:
        """Least squares with this target."""
        return LeastSquares(lambda places: self.residuals(places, target), len(self.parameters))


def describe(problem: Problem, best: Floats, places: Floats, slope: Floats | None = None) -> xr.Dataset:
    """As of `fit_parameters`, from the best place (parameter,) and those that may be as good (sample, parameter).

    slope : (point, parameter), of residuals by the place of each parameter; by default found by small steps.
    """
    chosen = problem.parameters
    places = places.round(6)
    numbers, samples = (
        np.stack([own.value(x) for own, x in zip(chosen, each.T, strict=True)], -1) for each in (best, places)
    )
    if slope is None:
        slope = problem.meet(np.zeros_like(problem.error)).jacobian(best)[: len(problem.sem)]
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
    return fitted.assign(samples=(("sample", "parameter"), samples)).assign_attrs(spread=problem.spread)
