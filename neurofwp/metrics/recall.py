"""How well a network recalls: from its Program and its Trace alone, whether it spikes or not.

A *read* is an event whose target is finite in every dimension; only reads count. `where` (bool, dims among
episode and event) restricts what is counted; `by` names the dims that a score keeps. Both networks are scored
alike: a Trace's recall has its own unit, so one linear gain and offset, shared by all dimensions, reads and
episodes, turns it into values first. Of several conditions, each is scored as if it were alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp import program as programs, trace as traces
from neurofwp.errors import InputError
from neurofwp.metrics.broadcasting import broadcast
from neurofwp.transforms.key_history import walk

Kept = Literal["episode", "event"] | tuple[Literal["episode", "event"], ...] | None


@broadcast
def decode(program: xr.Dataset, trace: xr.Dataset) -> xr.DataArray:
    """Recall in units of the values, gain * recall + offset, with the least squares over all reads.

    `where` is not asked for here on purpose: whoever reads the network out cannot know which reads
    will be counted.

    Returns
    -------
    DataArray (episode, event, post), NaN where the network was not asked; attrs `gain`, in values per unit
    of recall, and `offset`.

    Raises
    ------
    InputError
        if Program and Trace do not match, no read has a target, or the recall of one is not finite.
    """
    target, reads = _targets(program)
    traces.check(trace)
    recall = trace["recall"].values
    if recall.shape != target.shape:
        raise InputError(
            f"this Trace is of another Program: recall has (episode, event, post) {recall.shape}, target {target.shape}"
        )
    if not np.isfinite(recall[reads]).all():
        episode, event = (int(i) for i in np.argwhere(reads & ~np.isfinite(recall).all(axis=-1))[0])
        raise InputError(f"recall is not finite at episode {episode}, event {event}, where the Program has a target")
    x, y = recall[reads], target[reads]
    spread = x - x.mean()
    power = (spread**2).sum()
    # a network that always answers the same says nothing: its best reading is the mean target
    gain = float((spread * y).sum() / power) if power > 0 else 0.0
    offset = float(y.mean() - gain * x.mean())
    attrs = {"units": "1", "gain": gain, "offset": offset}
    return xr.DataArray(gain * recall + offset, dims=program["target"].dims, name="recall", attrs=attrs)


@broadcast
def recall_r2(
    program: xr.Dataset, trace: xr.Dataset, by: Kept = None, where: xr.DataArray | None = None
) -> xr.DataArray:
    """Share of the targets' variance that decoded recall explains, R^2 = 1 - RSS / TSS.

    RSS = sum (target - decoded)^2 and TSS = sum (target - m)^2 over the dimensions of all reads counted, where m
    is one number: the mean of the targets counted, over dimensions, reads and episodes. With `by`, both sums
    run within each group, but m stays that of all groups. Since images share their mean, which an answer without
    any memory of the key would also have, look at `chance_r2` beside it.

    The gain and offset of `decode` are those of the whole Program. To score some events with their own,
    select them first: ``recall_r2(program.isel(event=chosen), trace.isel(event=chosen))``.

    Returns
    -------
    DataArray with the dims of `by` (none: a single number), NaN for a group without reads.

    Raises
    ------
    InputError
        as `decode`, or if `where` has other dims, is not bool, or leaves no read.
    """
    return _r2(program, decode(program, trace).values, by, where)


@broadcast
def chance_r2(program: xr.Dataset, by: Kept = None, where: xr.DataArray | None = None) -> xr.DataArray:
    """R^2, as `recall_r2`, of answering every read with the mean of the values stored in its episode by then.

    Stored values are those last written to each different key: what a memory of the values without the
    keys could know.

    Raises
    ------
    InputError
        as `recall_r2`, or if a read comes before the first write.
    """
    answer = np.full(_targets(program)[0].shape, np.nan)
    for episode, event, stored, _ in _memories(program):
        answer[episode, event] = stored.mean(axis=0)
    return _r2(program, answer, by, where)


@broadcast
def identified(
    program: xr.Dataset, trace: xr.Dataset, by: Kept = None, where: xr.DataArray | None = None
) -> xr.DataArray:
    """Share of reads whose decoded recall is nearer to its target than to any other value written.

    Candidates are all different values written in the episode up to the read, those that were replaced since
    included; distances are Euclidean.

    Returns
    -------
    DataArray with the dims of `by` (none: a single number) in [0, 1], NaN for a group without reads.

    Raises
    ------
    InputError
        as `recall_r2`, or if the target of a read is none of the values written.
    """
    decoded = decode(program, trace).values
    target, reads = _targets(program)
    right = np.full(reads.shape, np.nan)
    for episode, event, _, candidates in _memories(program):
        wanted = (candidates == target[episode, event]).all(axis=-1)
        if not wanted.any():
            raise InputError(f"the target of episode {episode}, event {event} is none of the values written before")
        distance = np.linalg.norm(candidates - decoded[episode, event], axis=-1)
        right[episode, event] = wanted[distance.argmin()]
    return _share(program, right, by, where)


@broadcast
def chance_identified(program: xr.Dataset, by: Kept = None, where: xr.DataArray | None = None) -> xr.DataArray:
    """Share of reads that guessing among the candidates of `identified` gets right: the mean of 1 / their number."""
    right = np.full(_targets(program)[1].shape, np.nan)
    for episode, event, _, candidates in _memories(program):
        right[episode, event] = 1 / len(candidates)
    return _share(program, right, by, where)


def _targets(program: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Targets (episode, event, post), and which events (episode, event) are reads."""
    if "target" not in programs.check(program):
        raise InputError("this Program has no targets to score recall against; give from_arrays a target")
    target = program["target"].values
    reads = np.isfinite(target).all(axis=-1)
    if not reads.any():
        raise InputError("this Program has no read to score: target is NaN in every event")
    return target, reads


def _memories(program: xr.Dataset) -> Iterator[tuple[int, int, NDArray[np.float64], NDArray[np.float64]]]:
    """For every read: episode, event, the values (., post) now bound to a key, all different values written so far."""
    _, reads = _targets(program)
    keys, values = program["key"].values, program["value"].values
    writes = (program["write_gate"].values > 0) & keys.any(axis=-1)
    for episode in range(len(reads)):
        for event, history in walk(keys[episode], values[episode], writes[episode]):
            if reads[episode, event]:
                if not len(history.last_values):
                    raise InputError(f"the read of episode {episode}, event {event} comes before the first write")
                yield episode, event, history.last_values, history.different


def _r2(program: xr.Dataset, answer: NDArray[np.float64], by: Kept, where: xr.DataArray | None) -> xr.DataArray:
    target, _ = _targets(program)
    counted = _which_count(program, where)
    middle = target[counted].mean()
    rss = np.where(counted, ((target - answer) ** 2).sum(axis=-1), 0.0)
    tss = np.where(counted, ((target - middle) ** 2).sum(axis=-1), 0.0)
    return (1 - _ratio(_sum(rss, by), _sum(tss, by))).assign_attrs(units="1")


def _share(program: xr.Dataset, right: NDArray[np.float64], by: Kept, where: xr.DataArray | None) -> xr.DataArray:
    counted = _which_count(program, where)
    return _ratio(_sum(np.where(counted, right, 0.0), by), _sum(counted.astype(float), by)).assign_attrs(units="1")


def _which_count(program: xr.Dataset, where: xr.DataArray | None) -> NDArray[np.bool_]:
    """Which events (episode, event) are reads that `where` lets through."""
    _, reads = _targets(program)
    if where is None:
        return reads
    if not isinstance(where, xr.DataArray):
        raise InputError(f'where must be a DataArray, such as program["load"] == 8, not a {type(where).__name__}')
    if where.dtype != bool or not set(where.dims) <= {"episode", "event"}:
        raise InputError(f"where must be bool over episode and event, not {where.dtype} over {where.dims}")
    every = xr.DataArray(reads, dims=("episode", "event"))
    for dim in where.dims:
        if where.sizes[dim] != every.sizes[dim]:
            raise InputError(f"where has {where.sizes[dim]} entries along {dim}, but the Program {every.sizes[dim]}")
    chosen: NDArray[np.bool_] = (every & where.drop_vars(where.coords)).transpose("episode", "event").values
    if not chosen.any():
        raise InputError("where leaves no read to score")
    return chosen


def _sum(array: NDArray[np.float64], by: Kept) -> xr.DataArray:
    """Sum over the dims of (episode, event) that `by` does not keep."""
    kept = (by,) if isinstance(by, str) else by or ()
    if not set(kept) <= {"episode", "event"}:
        raise InputError(f"by must name episode, event, or both, not {by!r}")
    whole = xr.DataArray(array, dims=("episode", "event"))
    return whole.sum([dim for dim in whole.dims if dim not in kept])


def _ratio(part: xr.DataArray, total: xr.DataArray) -> xr.DataArray:
    """part / total, NaN where nothing was counted."""
    return part / total.where(total > 0)
