"""Delays in a Program: what was written is read after longer and longer times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.program import check


def read_after_delays(
    program: xr.Dataset, holds: Sequence[float], *, pause: float, query: float | None = 0.0
) -> xr.Dataset:
    """The writes of a Program, and then before every reading of all pairs a delay.

    Parameters
    ----------
    program : whose first half of the events writes pairs, and whose second half reads each of them.
    holds : delays before the first reading, from there to the second, and so on, s; rounded to whole events.
    pause : between two events, ms.
    query : of every cell in the delays: 0 is silence. With None, the pairs are read again and again. What fires does so
        through the query, so that the dendrite is taught nothing; answers in the delays have no target.

    Returns
    -------
    Program with ``block`` (event), which numbers the readings and is -1 elsewhere; attrs["slot"] is how long an event
    lasts with its pause, s.

    Raises
    ------
    InputError
        for a Program that is not first written and then read.
    """
    count = program.sizes["event"] // 2
    reads = program["target"].notnull().all(("episode", "post")).values
    if reads.tolist() != [False] * count + [True] * count:
        raise InputError("delays need a Program whose first half of the events writes and whose second half reads")
    slot = float(program["duration"][0, 0]) + pause
    index, block = list(range(count)), [-1] * count
    for number, hold in enumerate(holds):
        held = round(1000 * hold / slot)
        index += [count + event % count for event in range(held)] + list(range(count, 2 * count))
        block += [-1] * held + [number] * count
    delayed = program.isel(event=index).assign(block=("event", block, {"units": "1"}))
    delay = (delayed["block"] < 0) & (np.arange(len(block)) >= count)
    if query is not None:
        silenced = delayed["query"].where(~delay, query)
        delayed = delayed.assign(query=silenced.transpose("episode", "event", "pre"))
    target = delayed["target"].where(~delay).transpose("episode", "event", "post")
    return check(delayed.assign(target=target).assign_attrs(slot=slot / 1000))
