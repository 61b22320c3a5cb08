"""Task: what a slow net sees, event by event, and what a read should return.

A Task is an `xarray.Dataset`. An event is either a write or a read:

==============  =====================  ==============================================================
variable        dims                   meaning
==============  =====================  ==============================================================
``cue``         episode, event, pixel  image that the key (of a write) or the query (of a read) is made
                                       from, intensity in [0, 1]
``content``     episode, event, pixel  image to be bound to the cue, in [-1, 1]; 0 on reads. Or, with dim
                                       ``label`` instead of pixel, the code of a label
``write``       episode, event         bool: a write; otherwise a read
``target``      episode, event, pixel  what the read should return, in [-1, 1]; NaN on writes. Same dims
                                       as content
``pair``        episode, event         optional: which pair of the episode the event is about
``reassigned``  episode, event         optional: bool: a read whose key was written again with a new value
``load``        event                  optional: pairs stored after this event
``context``     episode, event, entry  optional: what else the slow net sees
``stored``      episode, event         optional: bool: the pair is to be stored; otherwise it is a distractor
``shot``        episode, event         optional: examples of the event's class shown before this event
``label``       episode, event         optional: number of the event's label (xarray makes a coordinate of it,
                                       as it is named like a dim)
==============  =====================  ==============================================================

All variables are dimensionless (``attrs["units"]`` is "1").
"""

from __future__ import annotations

from operator import index

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.schema import Schema, Variable, refuse

KIND = "neurofwp.task"

_IMAGE, _EVENTS = ("episode", "event", "pixel"), ("episode", "event")
_CODE = ("episode", "event", "label")  # content and target where they are labels instead of images
SCHEMA = Schema(
    "Task",
    KIND,
    {
        "cue": Variable(_IMAGE, "image that the key or the query is made from", "1", low=0, high=1),
        "content": Variable(_IMAGE, "image or code to be bound to the cue", "1", low=-1, high=1, or_dims=_CODE),
        "write": Variable(_EVENTS, "a write; otherwise a read", "1", dtype=bool),
        "target": Variable(_IMAGE, "what the read should return", "1", low=-1, high=1, missing=True, or_dims=_CODE),
        "pair": Variable(_EVENTS, "which pair the event is about", "1", missing=True, optional=True),
        "reassigned": Variable(
            _EVENTS, "a read whose key was written again with a new value", "1", dtype=bool, optional=True
        ),
        "load": Variable(("event",), "pairs stored after this event", "1", missing=True, optional=True),
        "context": Variable((*_EVENTS, "entry"), "what else the slow net sees", "1", missing=True, optional=True),
        "stored": Variable(_EVENTS, "the pair is to be stored; otherwise a distractor", "1", dtype=bool, optional=True),
        "shot": Variable(_EVENTS, "examples of the class shown before", "1", missing=True, optional=True),
        "label": Variable(_EVENTS, "number of the event's label", "1", missing=True, optional=True),
    },
)


def check(task: xr.Dataset) -> xr.Dataset:
    """Return `task` unchanged if it is a valid Task.

    Raises
    ------
    InputError
        for another kind of data, a missing variable, wrong dims, a number out of range, content on a
        read, or a target on a write.
    """
    SCHEMA.check(task)
    if task["target"].dims != task["content"].dims:
        raise InputError(f"target has dims {task['target'].dims}, but needs {task['content'].dims}, as content has")
    write = task["write"].values[..., np.newaxis]
    refuse(task["content"], write | (task["content"].values == 0), "0 on reads")
    refuse(task["target"], ~write | np.isnan(task["target"].values), "NaN on writes")
    return task


def sign(intensity: np.ndarray) -> np.ndarray:
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
