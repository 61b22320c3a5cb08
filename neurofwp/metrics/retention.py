"""How long a memory lasts: recall and weights at readings that are ever further apart."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurofwp.metrics.broadcasting import broadcast
from neurofwp.metrics.recall import decode


@broadcast
def retention_curve(program: xr.Dataset, trace: xr.Dataset) -> xr.Dataset:
    """Recall and weights at every reading of a Program made by `neurofwp.transforms.delays.read_after_delays`.

    Returns
    -------
    Dataset with

    - ``r2`` (block, episode): recall, with the gain and offset of the first reading;
    - ``mean_weight`` (block, episode): mean conductance at the beginning of a reading over that after the writes;
    - coordinates (block) ``age``: time from the end of the write (mean over pairs) to the read, s; ``weight_age``: from
      the last write, s; ``passes``: how often every pair has then been read, the reading included, where pairs are read
      throughout the delays.

    Raises
    ------
    InputError
        as `decode`.
    """
    slot, duration = program.attrs["slot"], float(program["duration"][0, 0]) / 1000
    block = program["block"].values
    pairs = int((block == 0).sum())
    answer = _answer(program, trace, np.flatnonzero(block == 0))
    weight = trace["conductance"].mean(("polarity", "post", "pre"))
    r2, relative, age, weight_age, passes = [], [], [], [], []
    for number in range(block.max() + 1):
        events = np.flatnonzero(block == number)
        target = program["target"].isel(event=events)
        rss = ((target - answer.isel(event=events)) ** 2).sum(("event", "post"))
        r2.append(1 - rss / ((target - target.mean()) ** 2).sum(("event", "post")))
        relative.append(weight.isel(event=events[0] - 1) / weight.isel(event=pairs - 1))
        age.append((events.mean() - (pairs - 1) / 2) * slot - duration)
        weight_age.append((events[0] - pairs) * slot)
        passes.append((events[-1] + 1 - pairs) / pairs)
    unit, seconds = {"units": "1"}, {"units": "s"}
    curve = xr.Dataset({"r2": xr.concat(r2, "block"), "mean_weight": xr.concat(relative, "block")})
    for name in curve:
        curve[name].attrs = unit
    return curve.assign_coords(
        age=("block", age, seconds), weight_age=("block", weight_age, seconds), passes=("block", passes, unit)
    )


def _answer(program: xr.Dataset, trace: xr.Dataset, events: np.ndarray) -> xr.DataArray:
    """Recall in units of the values, with the gain and offset that suit the reads of these events."""
    reader = decode(program.isel(event=events), trace.isel(event=events)).attrs
    answer: xr.DataArray = reader["gain"] * trace["recall"] + reader["offset"]
    return answer
