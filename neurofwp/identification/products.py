"""Inner products of what was measured and what rules predict, per episode: every score follows from them.

For series x and y over the entries of one episode, <x, y> = sum x y. The series are two runs a and b of the same
Programs, ones, and the free-running prediction of every model, each on three sets of entries (`MEASURES`):

- increments: weight after an event less weight before it, at the synapses of E;
- active: those of them at which beta_t > 0 and k_jt != 0;
- weights: the weights after every event, at the synapses of E.

Where answers to queries were seen in place of weights, there is one set, `READS`: the answers of all reads.

E = {(t, i, j): key j was active in some event up to t, or the initial weight of (i, j) is not 0}. It comes from the
Program and the initial weights, never from the weights that were observed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofwp.identification.records import Records

MEASURES = ("increments", "active", "weights")
READS = ("reads",)
RUN, REPEAT, ONES = "run", "repeat", "ones"  # the series that are no predictions

Prediction = Callable[[Records], Tensor]


def measure(
    records: Records,
    again: Tensor | None,
    predictions: Mapping[str, Prediction],
    *,
    unit: str = "episode",
    first: int = 0,
    noise: float = 0.0,
) -> xr.DataArray:
    """<x, y> of all series in every unit, (measure, unit, series, other).

    Parameters
    ----------
    records : what judges. again : weights of the repeat, as `records.weight`; without one, the run takes its place.
    predictions : what gives the weights (episode, pool, event, post, pre) that a model predicts for Records.
    unit : "episode", "post" (a postsynaptic cell) or "event"; of several episodes one after the other.
    first : the first unit that counts.
    noise : standard deviation of each weight's own measurement error, in its unit: where there is no repeat, what it
        adds to the products of the run with itself is taken off.
    """
    names = [RUN, REPEAT, ONES, *predictions]
    found = []
    for episode in range(len(records.key)):
        whole = records.episodes([episode])
        cells = whole.active_cells()
        one = whole.pres(cells)
        repeat = one.weight if again is None else one.of_cells(again[[episode]], cells)
        with torch.no_grad():
            predicted = [predict(one).expand(one.shape) for predict in predictions.values()]
        of_episode = _of_weights if one.query is None else _of_reads
        found.append(of_episode(one, repeat, predicted, unit, first, noise if again is None else 0.0))
    return xr.DataArray(
        np.concatenate(found, axis=1),
        dims=("measure", "unit", "series", "other"),
        coords={"measure": list(MEASURES if records.query is None else READS), "series": names, "other": names},
        attrs={"units": "1"},
    )


def _of_reads(
    records: Records, repeat: Tensor, predicted: list[Tensor], unit: str, first: int, noise: float
) -> np.ndarray:
    """(measure, unit, series, series), of the answers."""
    series = [records.weight, repeat, *map(records.observe, predicted)]
    taken = records.counted.to(series[0]).expand_as(series[0])
    return _gram(series, taken, torch.ones_like(taken), unit, noise)[first:].cpu().numpy()[None]


def _of_weights(
    records: Records, repeat: Tensor, predicted: list[Tensor], unit: str, first: int, noise: float
) -> np.ndarray:
    """(measure, unit, series, series)."""
    weights = [records.weight, repeat, *predicted]
    entries = records.entries()
    written = ((records.gate[..., None] > 0) & (records.key != 0))[..., None, :].cumsum(dim=2)
    since = records.differences(written) > 0  # the observation before
    found = []
    for mask, change in ((records.seen(entries), True), (since, True), (records.seen(entries), False)):
        series = [records.increments(each) if change else records.seen(each) for each in weights]
        taken = (mask & records.synapses[:, :, None]).to(series[0]).expand_as(series[0])
        errors = torch.ones_like(taken)  # of a measurement, in the products of the run with itself
        if change:
            errors[:, :, 0 if records.initial_seen else 1 :] = 2  # of this one and of the one before
        found.append(_gram(series, taken, errors, unit, noise)[first:].cpu().numpy())
    return np.stack(found)


def _gram(series: list[Tensor], taken: Tensor, errors: Tensor, unit: str, noise: float) -> Tensor:
    """Products (unit, series, series) of two runs, ones, and predictions, less those of noise in the first two.

    errors : how many errors of measurement, each of variance noise^2, are in an entry of the first two, if both are the
        same run.
    """
    rows = _by_unit(torch.stack([series[0], series[1], torch.ones_like(taken), *series[2:]]) * taken, unit)
    gram = rows @ rows.mT
    gram[:, 0, 1] -= _by_unit((noise**2 * errors * taken)[None], unit).sum(dim=(1, 2))
    gram[:, 1, 0] = gram[:, 0, 1]
    return gram


def _by_unit(series: Tensor, unit: str) -> Tensor:
    """Series (series, episode, pool, event, post, pre) of one episode, (unit, series, entry)."""
    axis = {"episode": 1, "post": -2, "event": -3}[unit]
    return series.movedim(axis, 0).flatten(2)


@dataclass(frozen=True)
class Products:
    """The products of one measure: values (unit, series, series); the models are the series from the fourth on."""

    models: tuple[str, ...]
    values: np.ndarray
    repeated: bool = True

    @classmethod
    def of(cls, products: xr.DataArray, on: str | None = None, *, repeated: bool = True) -> Products:
        """Of one measure, by default the decisive one, which is the first.

        repeated : whether there was a repeat; without it, noise counts as unexplained.
        """
        names = tuple(str(name) for name in products["series"].values[3:])
        chosen = products.isel(measure=0) if on is None else products.sel(measure=on)
        return cls(names, chosen.values, repeated)

    def choose(self, models: list[str]) -> Products:
        """Some of the models."""
        index = [0, 1, 2, *(3 + self.models.index(name) for name in models)]
        return Products(tuple(models), self.values[:, index][:, :, index], self.repeated)

    def alone(self) -> Products:
        """The run with itself in place of its repeat."""
        index = [0, 0, *range(2, self.values.shape[1])]
        return Products(self.models, self.values[:, index][:, :, index], False)

    def misfit(self) -> np.ndarray:
        """sum (a - y)(b - y), (episode, model)."""
        run, repeat, own = self.values[:, 0, 3:], self.values[:, 1, 3:], self._squares()
        found: np.ndarray = self.values[:, 0, 1, None] - run - repeat + own
        return found

    def repeatable(self) -> np.ndarray:
        """sum (a - m)(b - m), (episode,), with m the common mean of all episodes."""
        return self._spread(0, 1)

    def ceiling(self) -> np.ndarray:
        """Sums of which the ratio is the noise ceiling, (episode, 2): what repeats, and the variance of one run."""
        return np.stack([self._spread(0, 1), (self._spread(0, 0) + self._spread(1, 1)) / 2], axis=1)

    def distance(self) -> np.ndarray:
        """sum (y_r - y_s)^2, (episode, model, model)."""
        own = self._squares()
        cross = self.values[:, 3:, 3:]
        apart: np.ndarray = np.maximum(own[:, :, None] + own[:, None, :] - 2 * cross, 0.0)
        return apart

    def _squares(self) -> np.ndarray:
        return np.asarray(np.diagonal(self.values, axis1=1, axis2=2)[:, 3:])

    def _spread(self, first: int, second: int) -> np.ndarray:
        total = self.values.sum(0)
        mean = (total[0, 2] + total[1, 2]) / (2 * total[2, 2])
        sums: np.ndarray = (
            self.values[:, first, second]
            - mean * (self.values[:, first, 2] + self.values[:, second, 2])
            + mean**2 * self.values[:, 2, 2]
        )
        return sums
