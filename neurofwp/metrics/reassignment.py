"""What a read of a reassigned key contains: its new value, and what is left of the one that was replaced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.errors import InputError
from neurofwp.metrics.broadcasting import broadcast
from neurofwp.metrics.recall import decode
from neurofwp.transforms.key_history import walk


@broadcast
def projections(program: xr.Dataset, trace: xr.Dataset) -> xr.Dataset:
    """How much of its new and of its old value a read of a reassigned key contains; of its value, how much another's.

    Least squares of decoded recall (`decode`) on the values, each minus the mean value written in the episode,
    beside a constant and that mean value, which images share.

    Returns
    -------
    Dataset with ``new`` and ``old`` (episode), of reads whose key was written under several values, on the last one and
    the one before it together, and ``once`` (episode), of all other reads, on the only value; NaN without such reads.

    Raises
    ------
    InputError
        as `decode`, or if a read asks for a key that was not written.
    """
    decoded = decode(program, trace).values
    read = np.isfinite(program["target"].values).all(-1)
    write = (program["write_gate"].values > 0) & program["key"].values.any(-1)
    found = {name: np.full(len(decoded), np.nan) for name in ("new", "old", "once")}
    for episode, (reads, writes) in enumerate(zip(read, write, strict=True)):
        if not reads.any():
            continue
        here = program.isel(episode=episode)
        mean = here["value"].values[writes].mean(0)
        bound = [values[-2:] for values in _last_values(here, reads, writes, episode)]
        several = np.array([len(values) == 2 for values in bound])
        for names, chosen in ((("old", "new"), several), (("once",), ~several)):
            if chosen.any():
                values = np.array(
                    [each for each, wanted in zip(bound, chosen, strict=True) if wanted]
                )  # (read, 1 or 2, post)
                columns = [values[:, number] - mean for number in range(len(names))]
                answer = _regression(decoded[episode, reads][chosen], columns, mean)
                for name, number in zip(names, answer, strict=True):
                    found[name][episode] = number
    return xr.Dataset({name: ("episode", numbers, {"units": "1"}) for name, numbers in found.items()})


def _last_values(
    episode: xr.Dataset, reads: NDArray[np.bool_], writes: NDArray[np.bool_], number: int
) -> list[list[NDArray[np.float64]]]:
    """For every read the values that its key was written under by then, in order; one written again counts once."""
    key, query, value = (episode[name].values for name in ("key", "query", "value"))
    bound = []
    for event, history in walk(key, value, writes):
        if reads[event]:
            under = history.under(query[event])
            if not under:
                raise InputError(f"the read of episode {number}, event {event} asks for a key that was not written")
            anew = [at for at, one in enumerate(under) if not at or not np.array_equal(one, under[at - 1])]
            bound.append([under[at] for at in anew])
    return bound


def _regression(
    read: NDArray[np.float64], columns: Sequence[NDArray[np.float64]], mean: NDArray[np.float64]
) -> list[float]:
    """Least-squares coefficients of columns (read, post), beside a constant and the mean value (post,)."""
    every = [*columns, np.ones_like(read), np.broadcast_to(mean, read.shape)]
    coefficients = np.linalg.lstsq(np.stack([each.ravel() for each in every], axis=1), read.ravel(), rcond=None)[0]
    return [float(each) for each in coefficients[: len(columns)]]
