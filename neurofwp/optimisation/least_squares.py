"""Least squares over places of bounded parameters, with many minima: a search over all of the bounds, then descents.

The search is differential evolution (Storn & Price 1997, J Glob Optim 11:341); descents begin at its best, at places
that the caller knows, and at the best of many random ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution, least_squares

Floats = NDArray[np.float64]

GENERATIONS = 150  # of the search
STARTS, CANDIDATES = 100, 100  # further starts, each the best of so many random places
STEP = 1e-6  # of derivatives, as a share of the bounds


class Minimum(NamedTuple):
    """A place that is best among its neighbours, and the sum of squares there."""

    place: Floats
    cost: float


@dataclass(frozen=True)
class LeastSquares:
    """Residuals to be made small by a place (parameter,), from 0 to 1 between the bounds.

    residuals : of places (sets, parameters), (sets, residuals); for many places at once. parameters : their number.
    """

    residuals: Callable[[Floats], Floats]
    parameters: int

    def costs(self, places: Floats) -> Floats:
        """Sums of squares (sets,) at places (sets, parameters)."""
        return np.asarray((self.residuals(places) ** 2).sum(1))

    def jacobian(self, place: Floats) -> Floats:
        """(residuals, parameters) at one place; all derivatives in one call, each towards the inside."""
        steps = np.where(place > 0.5, -STEP, STEP)
        values = self.residuals(np.vstack([place, place + np.diag(steps)]))
        return np.asarray((values[1:] - values[0]).T / steps)

    def descend(self, start: Floats, tolerance: float = 1e-4) -> Minimum:
        """The minimum to which the slope leads from a place."""
        found = least_squares(
            lambda place: self.residuals(place[None])[0],
            start,
            jac=self.jacobian,
            bounds=(0, 1),
            ftol=tolerance,
            xtol=tolerance,
            gtol=tolerance,
            max_nfev=200,
        )
        return Minimum(found.x, 2 * float(found.cost))

    def search(
        self, starts: Sequence[Floats], rng: np.random.Generator, tick: Callable[[int], object] = lambda steps: None
    ) -> list[Minimum]:
        """Minima within the bounds: that of the best place of all, those near `starts`, and `STARTS` others.

        tick : is told of every so many steps done, of `search_steps` in all.
        """
        generations = 0

        def count_generation(place: Floats, convergence: float) -> None:
            nonlocal generations
            generations += 1
            tick(1)

        far = differential_evolution(
            lambda places: self.costs(places.T),
            [(0, 1)] * self.parameters,
            maxiter=GENERATIONS,
            rng=rng,
            callback=count_generation,
            polish=False,
            vectorized=True,
            updating="deferred",
        )
        tick(GENERATIONS - generations)  # it stops early where all agree
        anywhere = rng.random((STARTS, CANDIDATES, self.parameters))
        likely = [places[self.costs(places).argmin()] for places in anywhere]
        minima = []
        for start in (far.x, *starts, *likely):
            minima.append(self.descend(start))
            tick(1)
        return minima


def search_steps(starts: int) -> int:
    """How many steps a search from that many places of the caller's has."""
    return GENERATIONS + 1 + starts + STARTS
