"""Task: what a slow net sees, event by event, and what a read should return.

A Task is an `xarray.Dataset`. An event is either a write or a read:

============  =====================  ==============================================================
variable      dims                   meaning
============  =====================  ==============================================================
``cue``       episode, event, pixel  image that the key (of a write) or the query (of a read) is made
                                     from, intensity in [0, 1]
``content``   episode, event, pixel  image to be bound to the cue, in [-1, 1]; 0 on reads. Or, with dim
                                     ``label`` instead of pixel, the code of a label
``write``     episode, event         bool: a write; otherwise a read
``target``    episode, event, pixel  what the read should return, in [-1, 1]; NaN on writes. Same dims
                                     as content
``pair``      episode, event         optional: which pair of the episode the event is about
``rebound``   episode, event         optional: bool: a read whose key was written again with a new value
``load``      event                  optional: pairs stored after this event
``context``   episode, event, entry  optional: what else the slow net sees
``stored``    episode, event         optional: bool: the pair is to be stored; otherwise it is a distractor
``shot``      episode, event         optional: examples of the event's class shown before this event
``label``     episode, event         optional: number of the event's label (xarray makes a coordinate of it,
                                     as it is named like a dim)
============  =====================  ==============================================================

All variables are dimensionless (``attrs["units"]`` is "1").
"""

from __future__ import annotations

from operator import index

import numpy as np
import xarray as xr

from neurofwp.errors import InputError

KIND = "neurofwp.task"

DIMS: dict[str, tuple[str, ...]] = {
    "cue": ("episode", "event", "pixel"),
    "content": ("episode", "event", "pixel"),
    "write": ("episode", "event"),
    "target": ("episode", "event", "pixel"),
}
OPTIONAL: dict[str, tuple[str, ...]] = {
    "pair": ("episode", "event"),
    "rebound": ("episode", "event"),
    "load": ("event",),
    "context": ("episode", "event", "entry"),
    "stored": ("episode", "event"),
    "shot": ("episode", "event"),
    "label": ("episode", "event"),
}
CODE = ("episode", "event", "label")  # content and target where they are labels instead of images


def check(task: xr.Dataset) -> xr.Dataset:
    """Return `task` unchanged if it is a valid Task.

    Raises
    ------
    InputError
        for another kind of data, a missing variable, wrong dims, a number out of range, content on a
        read, or a target on a write.
    """
    if not isinstance(task, xr.Dataset) or task.attrs.get("kind") != KIND:
        found = task.attrs.get("kind") if isinstance(task, xr.Dataset) else type(task).__name__
        raise InputError(f"not a Task: its kind is {found!r}, not {KIND!r}")
    for name, dims in DIMS.items():
        if name not in task:
            raise InputError(f"the Task has no variable {name!r}, which has dims {dims}")
    images_or_labels = {"content": (DIMS["content"], CODE), "target": (task["content"].dims,)}
    for name, dims in (DIMS | OPTIONAL).items():
        allowed = images_or_labels.get(name, (dims,))
        if name in task and task[name].dims not in allowed:
            raise InputError(f"{name} has dims {task[name].dims}, but needs {' or '.join(map(str, allowed))}")
    if task["write"].dtype != bool:
        raise InputError(f"write must be bool, not {task['write'].dtype}")
    write = task["write"].values[..., np.newaxis]
    cue, content, target = (task[name].values for name in ("cue", "content", "target"))
    _check(task["cue"], (cue >= 0) & (cue <= 1), "in [0, 1]")
    _check(task["content"], np.abs(content) <= 1, "in [-1, 1]")
    _check(task["content"], write | (content == 0), "0 on reads")
    _check(task["target"], np.isnan(target) | (np.abs(target) <= 1), "in [-1, 1] or NaN")
    _check(task["target"], ~write | np.isnan(target), "NaN on writes")
    return task


def _check(variable: xr.DataArray, fine: np.ndarray, allowed: str) -> None:
    if not fine.all():
        index = tuple(int(i) for i in np.argwhere(~fine)[0])
        where = ", ".join(f"{dim} {i}" for dim, i in zip(variable.dims, index, strict=True))
        raise InputError(f"{variable.name} must be {allowed}, but is {variable.values[index]:g} at {where}")


def signed(intensity: np.ndarray) -> np.ndarray:
    """Intensity in [0, 1] as a value in [-1, 1]."""
    return 2 * intensity - 1


def whole(name: str, number: int, low: int = 1) -> int:
    """
    Raises
    ------
    InputError
        unless `number` is a whole number of at least `low`.
    """
    try:
        found = index(number)
    except TypeError:
        raise InputError(f"{name} must be a whole number, not {number!r}") from None
    if found < low:
        raise InputError(f"{name} must be at least {low}, not {found}")
    return found
