"""Measured points as series over one coordinate, and what a model says between them.

Where a model has a closed form (`neurofwp.laboratory.prediction`), a curve through a series of pairings or quadruplets
costs next to nothing: the same at other intervals or frequencies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.laboratory import prediction
from neurofwp.laboratory.kinds import COORDINATES, pairing, quadruplets
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses.model import SynapseModel

OVER = ("dt", "frequency", "interval")  # what curves are drawn over
SHORTEST = 3  # different places of a series
DENSE = 80  # points of a curve
NEAR = 0.1  # ms: a curve comes so near to simultaneous spikes, at which rules of spikes jump
WIDE = 20.0  # times the lowest: from there on frequencies are spaced evenly on a logarithmic scale
MOST_SPIKES = 2e6  # in all protocols of all curves: more is no longer cheap


class Trains(NamedTuple):
    """Trains of pairs that differ in interval or frequency alone; period None: one pair follows from the other."""

    study: str
    pathway: str
    calcium: float
    spikes: int
    trains: int
    period: float | None

    def protocol(self, at: Mapping[str, float]) -> Protocol:
        """The trains at this ``dt`` and ``frequency``. InputError if one would outlast its period."""
        made = pairing(at["dt"], at["frequency"], spikes=self.spikes, trains=self.trains, period=self.period)
        return replace(made, calcium=self.calcium)


class Quadruplets(NamedTuple):
    """Quadruplets that differ in interval alone."""

    study: str
    pathway: str
    calcium: float
    trains: int

    def protocol(self, at: Mapping[str, float]) -> Protocol:
        """The quadruplets at this ``interval`` and ``frequency``. InputError if their pairs would overlap."""
        (made,) = quadruplets([at["interval"]], frequency=at["frequency"], repetitions=self.trains)
        return replace(made, calcium=self.calcium)


def find_series(data: xr.Dataset, x: str) -> xr.Dataset:
    """The protocols of series with three or more different `x`, all else that is known about them being the same."""
    if x not in data.variables:
        return data.isel(protocol=[])
    known = (*COORDINATES, "study", "pathway")
    others = [name for name in known if name != x and name in data.variables]
    table = data[[*others, x]].to_dataframe().reset_index(drop=True)
    table = table[table[x].notna()]
    distinct = table.groupby(others, dropna=False)[x].transform("nunique")
    return data.isel(protocol=table.index[distinct >= SHORTEST].to_numpy())


def dense_curves(
    model: SynapseModel, measured: Sequence[Measurement], initial: float | None = None
) -> xr.Dataset | None:
    """The closed form of a model through measured pairings and quadruplets that differ in interval or frequency alone.

    Parameters
    ----------
    initial : weight before, nS; closed forms begin where the model does, None.

    Returns
    -------
    ``ratio`` (point) with ``over``, the coordinate of the curve (one of `OVER`), ``segment``, a number for each piece
    of a curve, ``study`` and ``pathway``, and the coordinates of protocols, NaN where one has none. None where there is
    no closed form, nothing to draw, or too much of it.
    """
    if initial is not None or not prediction.has_closed_form(model):
        return None
    points = list(_points(measured))
    protocols = [series.protocol(at) for _, _, series, at in points]
    if not protocols or sum(len(each.pre) * each.trains for each in protocols) > MOST_SPIKES:
        return None
    columns = {
        "over": [over for over, *_ in points],
        "segment": [segment for _, segment, *_ in points],
        "study": [series.study for _, _, series, _ in points],
        "pathway": [series.pathway for _, _, series, _ in points],
    }
    found = xr.Dataset(
        {name: ("point", values) for name, values in columns.items()}
        | {"ratio": ("point", prediction.predict(model, protocols), {"units": "1"})}
    )
    given = [{"calcium": each.calcium, **each.coordinates} for each in protocols]
    for name in dict.fromkeys(name for each in given for name in each):
        meaning, unit = COORDINATES[name]
        found[name] = ("point", [each.get(name, math.nan) for each in given], {"long_name": meaning, "units": unit})
    return found


def _points(measured: Sequence[Measurement]) -> Iterator[tuple[str, int, Trains | Quadruplets, dict[str, float]]]:
    """Coordinate of the curve, number of the segment, series and all coordinates of every point of all curves."""
    places: dict[tuple[str, Trains | Quadruplets, tuple[tuple[str, float], ...]], set[float]] = {}
    for one in measured:
        series = _series(one)
        for over in OVER if series is not None else ():
            if over in one.protocol.coordinates and series is not None:
                others = [each for each in one.protocol.coordinates.items() if each[0] not in (over, "calcium")]
                rest = tuple(sorted(others))
                places.setdefault((over, series, rest), set()).add(one.protocol.coordinates[over])
    segment = 0
    for (over, series, rest), at in places.items():
        segment += 1
        for value in _grid(over, min(at), max(at)) if len(at) > 1 else ():
            given = {over: value, **dict(rest)}
            try:
                series.protocol(given)
            except InputError:  # here a train would outlast its period, or pairs overlap: the curve has a gap
                segment += 1
                continue
            yield over, segment, series, given


def _series(one: Measurement) -> Trains | Quadruplets | None:
    """What a measurement has in common with others of a curve, if it is of pairs or quadruplets."""
    done, given = one.protocol, one.protocol.coordinates
    series: Trains | Quadruplets
    if {"dt", "frequency"} <= given.keys() and len(done.pre) == len(done.post):
        follow = len(done.pre) == 1 and math.isclose(done.period * given["frequency"], 1)
        period = None if follow else done.period
        series = Trains(one.study, one.pathway, done.calcium, len(done.pre), done.trains, period)
    elif {"interval", "frequency"} <= given.keys():
        series = Quadruplets(one.study, one.pathway, done.calcium, done.trains)
    else:
        return None
    same = series.protocol(given)
    return series if (same.pre, same.post, same.period) == (done.pre, done.post, done.period) else None


def _grid(over: str, low: float, high: float) -> list[float]:
    if over == "frequency" and high > WIDE * low:
        return list(map(float, np.geomspace(low, high, DENSE)))
    grid = np.linspace(low, high, DENSE)
    if over == "dt" and low < 0 < high:
        grid = np.sort(np.append(grid[np.abs(grid) > NEAR], [-NEAR, NEAR]))
    return list(map(float, grid))
