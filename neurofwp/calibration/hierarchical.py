"""One synapse, many preparations: parameters that all studies share, and one or two that differ between preparations.

A preparation is a study and a pathway. Of a local parameter, preparation k has the place x + d_k, where x is the shared
place and d_k is expected to be 0 with a standard deviation in the logarithm (`LOCAL_SPREAD`; of amplitudes that may be
0, in units of the largest published one). Shared parameters are expected about their published values as in
`fit_parameters`. Everything is fitted at once: the mode of a posterior of a hierarchical model whose spread between
preparations is given. A preparation that was not fitted is predicted with d = 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurofwp.calibration.problem import check
from neurofwp.calibration.published import PublishedParameter, default_spread, published_bounds
from neurofwp.errors import InputError, unknown
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import TRIPLET, TWO_THRESHOLD, VOLTAGE, ClosedForm, closed_form, family
from neurofwp.optimisation.least_squares import LeastSquares
from neurofwp.synapses.model import SynapseModel

Floats = NDArray[np.float64]

# How much calcium spikes bring, or how strongly pairs and triplets act: what expression, release and geometry change.
LOCAL = {
    TWO_THRESHOLD: ("pre_jump", "post_jump"),
    TRIPLET: ("A3_plus", "A2_minus"),
    VOLTAGE: ("A_LTP", "A_LTD"),
}
LOCAL_SPREAD = 0.3  # of local parameters between preparations; was not chosen by any data
FARTHEST = 3.0  # standard deviations of d: the bounds
STARTS, CANDIDATES = 20, 50  # random starts of descents beside the published values, each the best of so many


def fit_shared(
    model: SynapseModel,
    measured: Sequence[Measurement],
    *,
    names: Sequence[str] = (),
    local: Sequence[str] | None = None,
    spread: float | None = None,
    local_spread: float = LOCAL_SPREAD,
    seed: int = 0,
) -> dict[str, float]:
    """Shared parameters in declared units, fitted to all measurements at once; local ones as of a new preparation.

    Parameters
    ----------
    names : of all fitted parameters, as of `published_bounds`. local : those that differ between preparations; by
        default `LOCAL`, as far as they are fitted, and none for an empty sequence.
    spread : as of `fit_parameters`.

    Raises
    ------
    InputError
        as `fit_parameters`; for a local parameter that is not fitted, or a local spread that is not above 0.
    """
    spread = default_spread(model) if spread is None else spread
    check(measured, spread)
    if not local_spread > 0:
        raise InputError(f"the spread between preparations must be above 0, not {local_spread:g}")
    chosen = published_bounds(model, names)
    fitted = [own.name for own in chosen]
    if local is None:
        local = [name for name in LOCAL[family(model)] if name in fitted]
    for name in local:
        if name not in fitted:
            raise unknown("fitted parameter", name, fitted)
    problem = _Shared(model, chosen, measured, tuple(local), spread, local_spread)
    rng = np.random.default_rng(seed)
    least_squares = LeastSquares(problem.residuals, problem.size)
    starts = [problem.published]
    for _ in range(STARTS):
        places = np.tile(problem.published, (CANDIDATES, 1))
        places[:, : len(chosen)] = rng.random((CANDIDATES, len(chosen)))
        starts.append(places[least_squares.costs(places).argmin()])
    best = min((least_squares.descend(start) for start in starts), key=lambda each: each.cost)
    place = least_squares.descend(best.place, 1e-8).place
    return {own.name: float(own.value(x)) for own, x in zip(chosen, place, strict=False)}


@dataclass(frozen=True)
class _Shared:
    """Residuals of all studies; a place is that of all parameters, then d of each local one in each preparation."""

    model: SynapseModel
    chosen: Sequence[PublishedParameter]
    measured: Sequence[Measurement]
    local: tuple[str, ...]
    spread: float
    local_spread: float

    @cached_property
    def preparations(self) -> Mapping[tuple[str, str], list[int]]:
        """Points of each."""
        found: dict[tuple[str, str], list[int]] = {}
        for index, each in enumerate(self.measured):
            found.setdefault((each.study, each.pathway), []).append(index)
        return found

    @cached_property
    def forms(self) -> list[ClosedForm]:
        """How each is predicted."""
        return [
            closed_form(self.model, [self.measured[index].protocol for index in own])
            for own in self.preparations.values()
        ]

    @property
    def size(self) -> int:
        return len(self.chosen) + len(self.local) * len(self.preparations)

    @property
    def published(self) -> Floats:
        """The place of published values, which no preparation differs from."""
        own = [each.place(each.published) for each in self.chosen]
        return np.append(own, np.full(self.size - len(own), 0.5))

    def residuals(self, places: Floats) -> Floats:
        """(sets, points, parameters and differences), in standard errors."""
        count = len(self.chosen)
        shared, rest = places[:, :count], places[:, count:]
        # in standard deviations
        apart = (2 * rest - 1).reshape(len(places), len(self.preparations), len(self.local)) * FARTHEST
        made = np.empty((len(places), len(self.measured)))
        for index, (own, form) in enumerate(zip(self.preparations.values(), self.forms, strict=True)):
            numbers = {}
            for parameter, place in zip(self.chosen, shared.T, strict=True):
                if parameter.name in self.local:
                    moved = apart[:, index, self.local.index(parameter.name)] * self.local_spread / parameter.width
                    place = np.clip(place + moved, 0, 1)
                numbers[parameter.name] = parameter.value(place)
            made[:, own] = form(numbers)
        mean, sem = (np.array([getattr(each, name) for each in self.measured]) for name in ("ratio", "sem"))
        parts = [(made - mean) / sem, apart.reshape(len(places), -1)]
        if self.spread < np.inf:
            widths = np.array([each.width for each in self.chosen])
            parts.append((shared - self.published[:count]) * widths / self.spread)
        return np.hstack(parts)
