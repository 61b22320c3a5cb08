"""Recall from degraded keys: what networks answer to each cue, and what a linear read of their weights would.

Programs here write every item once, in order, and then read items; ``pair`` (episode, event) is the item's number and
``cue`` (episode, event) that of the damage to the query, -1 where a read does not count. Cue 0 is the whole key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurofwp.metrics.broadcasting import broadcast
from neurofwp.metrics.recall import chance_r2, identified, recall_r2
from neurofwp.transforms import degradation

UNIT = {"units": "1"}


def cues(shares: Sequence[float]) -> xr.Dataset:
    """``damage`` and ``share`` (cue): none, and each damage of each share."""
    damage, share = zip(*((d, s) for d in degradation.DAMAGES for s in shares), strict=True)
    return xr.Dataset(coords={"damage": ("cue", ["none", *damage]), "share": ("cue", [0.0, *share], UNIT)})


def damages(cues: xr.Dataset) -> list[tuple[Any, float]]:
    """Damage and share of every cue; of the first one: none of the cells silenced."""
    names = ["silenced", *cues["damage"].values[1:].tolist()]
    return list(zip(names, cues["share"].values.tolist(), strict=True))


@broadcast
def recall_by_cue(program: xr.Dataset, trace: xr.Dataset, cues: xr.Dataset) -> xr.Dataset:
    """Recall from each cue (cue, episode): R^2, share identified, gain; and what the mean value has as R^2.

    R^2 and identification are at the best linear reading of the cue, so that they tell whether a read still has
    its direction. The gain is the slope of recall on target, relative to that of whole keys.
    """
    rows: list[xr.Dataset] = []
    for number in range(cues.sizes["cue"]):
        here = program.assign(target=program["target"].where(program["cue"] == number))
        spread = here["target"] - here["target"].mean(("event", "post"))
        slope = (trace["recall"] * spread).sum(("event", "post")) / (spread**2).sum(("event", "post"))
        rows.append(
            xr.Dataset(
                {
                    "r2": recall_r2(here, trace, by="episode"),
                    "identified": identified(here, trace, by="episode"),
                    "gain": slope / rows[0]["slope"] if rows else slope / slope,
                    "slope": slope,
                    "chance": chance_r2(here, by="episode"),
                }
            )
        )
    return concatenate_cues(rows, cues).drop_vars("slope")


@broadcast
def linear_recall_by_cue(program: xr.Dataset, trace: xr.Dataset, cues: xr.Dataset) -> xr.Dataset:
    """What a linear read of the weights after the last write gives, in closed form.

    ``r2`` and ``gain`` are as those of `recall_by_cue`.

    Means and variances over which cells are hit are exact (`neurofwp.transforms.degradation.linear_read`); the R^2 is
    at the gain and offset that are best for these.
    """
    items = int(program["pair"].max()) + 1
    weight = trace["weight"].values[:, items - 1, np.newaxis].astype(float)
    key, pair = program["key"].values[:, :items], program["pair"].values
    rows: list[xr.Dataset] = []
    for number, (damage, share) in enumerate(damages(cues)):
        event = np.array([np.flatnonzero(row == number) for row in program["cue"].values])
        query = np.take_along_axis(key, np.take_along_axis(pair, event, 1)[..., np.newaxis], axis=1)
        target = np.take_along_axis(program["target"].values, event[..., np.newaxis], axis=1)
        mean, variance = degradation.linear_read(weight, query, damage, share)
        x, y = mean - mean.mean(), target - target.mean()
        gain = (x * y).mean() / ((x**2).mean() + variance.mean())
        error = ((gain * x - y) ** 2 + gain**2 * variance).sum((1, 2))
        own = target - target.mean((1, 2), keepdims=True)
        slope = (mean * own).sum((1, 2)) / (own**2).sum((1, 2))
        clean = rows[0]["slope"].values if rows else slope
        rows.append(
            xr.Dataset(
                {
                    "r2": ("episode", 1 - error / (y**2).sum((1, 2))),
                    "gain": ("episode", slope / clean),
                    "slope": ("episode", slope),
                }
            )
        )
    return concatenate_cues(rows, cues).drop_vars("slope")


def concatenate_cues(rows: list[xr.Dataset], cues: xr.Dataset) -> xr.Dataset:
    """Measures of every cue, one after the other."""
    table = xr.concat(rows, dim="cue").assign_coords(cues.coords)
    for name in table.data_vars:
        table[name].attrs = dict(UNIT)
    return table
