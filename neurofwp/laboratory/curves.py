"""Measured points as series over one coordinate, and what a model says between them.

Where a model has a closed form (`neurofwp.laboratory.prediction`), a curve through a series of pairings costs next to
nothing: the same trains at other intervals or frequencies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.laboratory import prediction
from neurofwp.laboratory.kinds import COORDINATES, pairing
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses.model import SynapseModel

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

    def protocol(self, dt: float, frequency: float) -> Protocol:
        """The trains at this interval and frequency. InputError if one would outlast its period."""
        made = pairing(dt, frequency, spikes=self.spikes, trains=self.trains, period=self.period)
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
    """The closed form of a model through all measured pairings that differ in interval or in frequency alone.

    Parameters
    ----------
    initial : weight before, nS; closed forms begin where the model does, None.

    Returns
    -------
    ``ratio`` (point) with ``over``, the coordinate of the curve ("dt" or "frequency"), ``segment``, a number for each
    piece of a curve, ``study`` and ``pathway``, and the coordinates ``dt`` (ms), ``frequency`` (Hz) and ``calcium``
    (mM). None where there is no closed form, nothing to draw, or too much of it.
    """
    if initial is not None or not prediction.has_closed_form(model):
        return None
    points = list(_points(measured))
    protocols = [trains.protocol(dt, frequency) for _, _, trains, dt, frequency in points]
    if not protocols or sum(len(each.pre) * each.trains for each in protocols) > MOST_SPIKES:
        return None
    columns = {
        "over": [over for over, *_ in points],
        "segment": [segment for _, segment, *_ in points],
        "study": [trains.study for _, _, trains, *_ in points],
        "pathway": [trains.pathway for _, _, trains, *_ in points],
    }
    found = xr.Dataset(
        {name: ("point", values) for name, values in columns.items()}
        | {"ratio": ("point", prediction.predict(model, protocols), {"units": "1"})}
    )
    given = [{"calcium": each.calcium, **each.coordinates} for each in protocols]
    for name in ("dt", "frequency", "calcium"):
        meaning, unit = COORDINATES[name]
        found[name] = ("point", [each[name] for each in given], {"long_name": meaning, "units": unit})
    return found


def _points(measured: Sequence[Measurement]) -> Iterator[tuple[str, int, Trains, float, float]]:
    """Coordinate of the curve, number of the segment, trains, dt and frequency of every point of all curves."""
    places: dict[tuple[str, Trains, float], set[float]] = {}
    for one in measured:
        if (trains := _trains(one)) is not None:
            dt, frequency = (one.protocol.coordinates[name] for name in ("dt", "frequency"))
            places.setdefault(("dt", trains, frequency), set()).add(dt)
            places.setdefault(("frequency", trains, dt), set()).add(frequency)
    for segment, ((over, trains, other), at) in enumerate(places.items()):
        for value in _grid(over, min(at), max(at)) if len(at) > 1 else ():
            dt, frequency = (value, other) if over == "dt" else (other, value)
            try:
                trains.protocol(dt, frequency)
            except InputError:  # here a train would outlast its period
                continue
            yield over, segment, trains, dt, frequency


def _trains(one: Measurement) -> Trains | None:
    """The trains of a measurement, if these are pairs."""
    done, given = one.protocol, one.protocol.coordinates
    if not {"dt", "frequency"} <= given.keys() or len(done.pre) != len(done.post):
        return None
    follow = len(done.pre) == 1 and math.isclose(done.period * given["frequency"], 1)
    period = None if follow else done.period
    trains = Trains(one.study, one.pathway, done.calcium, len(done.pre), done.trains, period)
    same = trains.protocol(given["dt"], given["frequency"])
    return trains if (same.pre, same.post) == (done.pre, done.post) else None


def _grid(over: str, low: float, high: float) -> list[float]:
    if over == "frequency" and high > WIDE * low:
        return list(map(float, np.geomspace(low, high, DENSE)))
    grid = np.linspace(low, high, DENSE)
    if over == "dt" and low < 0 < high:
        grid = np.sort(np.append(grid[np.abs(grid) > NEAR], [-NEAR, NEAR]))
    return list(map(float, grid))
