"""Program: what a slow net asks a fast weight memory to write and to recall, event by event.

A Program is an `xarray.Dataset`. Each event is one write (where the key and the gate are not zero)
followed by one read (where the query is not zero):

===============  =========================  ======================================================
variable         dims                       meaning
===============  =========================  ======================================================
``key``          episode, event, pre        presynaptic activity while writing, >= 0, 1 = peak rate
``value``        episode, event, post       teaching signal while writing, in [-1, 1]
``query``        episode, event, pre        presynaptic activity while reading, >= 0
``write_gate``   episode, event             beta, in [0, 1]: opens NMDA calcium entry
``retention``    episode, event             alpha, in [0, 1]: the share of a weight that survives
``duration``     episode, event             length of each phase of the event, in ms
``target``       episode, event, post       optional: the value that the read should return, or NaN
===============  =========================  ======================================================

Programs of several conditions have a dimension ``condition`` before these, in all of their variables or in some.

Both networks run the same Program: `neurofwp.rate.RateNetwork` and `neurofwp.spiking.SpikingNetwork`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from neurofwp.errors import InputError
from neurofwp.runtime.quantities import in_ms, refuse_quantity
from neurofwp.schema import Schema, Variable

KIND = "neurofwp.program"

Labelled = TypeVar("Labelled", xr.Dataset, xr.DataArray)

CONDITION = "condition"  # may come before the dims of any variable
_CELLS, _VALUES, _EVENTS = ("episode", "event", "pre"), ("episode", "event", "post"), ("episode", "event")
SCHEMA = Schema(
    "Program",
    KIND,
    {
        "key": Variable(_CELLS, "presynaptic activity while writing; 1 is the peak rate", "1", low=0),
        "value": Variable(_VALUES, "teaching signal while writing", "1", low=-1, high=1),
        "query": Variable(_CELLS, "presynaptic activity while reading", "1", low=0),
        "write_gate": Variable(_EVENTS, "beta, how much of the event is written", "1", low=0, high=1),
        "retention": Variable(_EVENTS, "alpha, the share of a weight that survives", "1", low=0, high=1),
        "duration": Variable(_EVENTS, "length of each phase of the event", "ms", low=0, above=True),
        "target": Variable(_VALUES, "the value that the read should return, or NaN", "1", missing=True, optional=True),
    },
    leading=(CONDITION,),
)


def typical_key(program: xr.Dataset, *, unit_keys: bool) -> float:
    """How active an active cell of a key is, root mean square over writes; of keys of norm one, if they are divided by
    their norms. 1 without any."""
    key = program["key"].values
    norm, active = np.linalg.norm(key, axis=-1), (key > 0).sum(-1)
    written = active > 0
    if not written.any():
        return 1.0
    size = 1.0 if unit_keys else float(np.sqrt(np.mean(norm[written] ** 2)))
    return size * float(np.sqrt(np.mean(1 / active[written])))


def from_arrays(
    key: ArrayLike,
    value: ArrayLike,
    *,
    query: ArrayLike | None = None,
    write_gate: ArrayLike = 1.0,
    retention: ArrayLike = 1.0,
    duration: ArrayLike = 500.0,
    target: ArrayLike | None = None,
) -> xr.Dataset:
    """Build a Program from plain arrays.

    Parameters
    ----------
    key : (episode, event, pre) or (event, pre) for one episode; 1 means firing at peak rate.
    value : (episode, event, post) or (event, post), in [-1, 1].
    query : like `key`; left out, nothing is read.
    write_gate, retention : (episode, event), (event,) or one number, in [0, 1].
    duration : likewise, ms per phase, or a Brian2 quantity.
    target : like `value`, NaN where nothing is asked.

    Raises
    ------
    InputError
        naming the variable, the first offending index and the allowed range.
    """
    key, value = _add_episode("key", key), _add_episode("value", value)
    if key.shape[:2] != value.shape[:2]:
        raise InputError(
            f"key and value must agree in (episode, event): key has {key.shape[:2]}, value has {value.shape[:2]}"
        )
    events = key.shape[:2]
    arrays = {
        "key": key,
        "value": value,
        "query": np.zeros_like(key) if query is None else _add_episode("query", query),
        "write_gate": _per_event("write_gate", write_gate, events),
        "retention": _per_event("retention", retention, events),
        "duration": _per_event("duration", in_ms(duration, "duration"), events),
    }
    if target is not None:
        arrays["target"] = _add_episode("target", target)
    dims = SCHEMA.dims
    sizes = {"episode": key.shape[0], "event": key.shape[1], "pre": key.shape[2], "post": value.shape[2]}
    for name, array in arrays.items():
        expected = tuple(sizes[d] for d in dims[name])
        if array.shape != expected:
            raise InputError(f"{name} has shape {array.shape}, but {dims[name]} is {expected} here")
    program = xr.Dataset({name: (dims[name], array) for name, array in arrays.items()}, attrs={"kind": KIND})
    for variable in program.data_vars.values():
        variable.attrs["units"] = SCHEMA.variables[str(variable.name)].units
    return check(program)


def check(program: xr.Dataset) -> xr.Dataset:
    """Return `program` unchanged if it is a valid Program.

    Raises
    ------
    InputError
        for a missing variable, dims that do not match, a non-finite number, or one outside its range.
    """
    return SCHEMA.check(program)


def nth_condition(dataset: Labelled, condition: int) -> Labelled:
    """The Program (or the table) of one condition, by its number; what all conditions share stays as it is."""
    return dataset.isel({CONDITION: condition}, drop=True) if CONDITION in dataset.dims else dataset


def over_conditions(work: Callable[..., Labelled], *arrays: Any) -> Labelled:
    """`work` of the arrays as each condition has them, joined along ``condition``; without conditions, `work` of them.

    Parameters
    ----------
    work : from arrays of one condition to a Dataset or DataArray.
    arrays : Datasets and DataArrays with ``condition`` or without, or anything else.

    Raises
    ------
    InputError
        if they differ in their conditions.
    """
    own = [each for each in arrays if isinstance(each, xr.Dataset | xr.DataArray) and CONDITION in each.dims]
    if not own:
        return work(*arrays)
    count = check_conditions(*own)
    results = [
        work(*(nth_condition(a, n) if any(a is each for each in own) else a for a in arrays)) for n in range(count)
    ]
    joined = xr.concat(results, dim=CONDITION, combine_attrs="drop_conflicts", data_vars="all")
    coords = {name: each for name, each in own[0].coords.items() if each.dims == (CONDITION,)}
    return joined.assign_coords({name: each for name, each in coords.items() if name not in joined.coords})


def check_conditions(*arrays: xr.Dataset | xr.DataArray) -> int:
    """How many conditions these arrays have.

    Raises
    ------
    InputError
        if they differ in number or labels.
    """
    counts = {each.sizes[CONDITION] for each in arrays}
    if len(counts) > 1:
        raise InputError(
            f"what runs together needs the same conditions, but has {' and '.join(map(str, sorted(counts)))}"
        )
    labels = [each[CONDITION].values.tolist() for each in arrays if CONDITION in each.coords]
    if any(each != labels[0] for each in labels):
        raise InputError(f"what runs together needs the same conditions, but has {labels[0]} and {labels[-1]}")
    return counts.pop()


def on_off(program: xr.Dataset) -> xr.DataArray:
    """The teaching signals of ON and OFF pools, (1 + v)/2 and (1 - v)/2.

    Conductances cannot be negative, so a signed dimension is carried by two pools of cells.

    Returns
    -------
    DataArray (episode, event, polarity, post) in [0, 1], polarity = "on", "off"; after ``condition`` where the
    values differ between conditions.
    """
    value = program["value"]
    return xr.concat([(1 + value) / 2, (1 - value) / 2], dim=_polarity()).transpose(
        ..., "episode", "event", "polarity", "post"
    )


def _polarity() -> xr.DataArray:
    return xr.DataArray(["on", "off"], dims="polarity", name="polarity")


def _add_episode(name: str, array: ArrayLike) -> np.ndarray:
    numbers = _numbers(name, array)
    if numbers.ndim == 2:
        numbers = numbers[np.newaxis]
    if numbers.ndim != 3:
        raise InputError(f"{name} needs 3 dims {SCHEMA.dims[name]} (or 2, for one episode), not shape {numbers.shape}")
    return numbers


def _numbers(name: str, array: ArrayLike) -> np.ndarray:
    refuse_quantity(array, name, "numbers without a unit: a rate over its peak, a share, a value in [-1, 1]")
    try:
        return np.asarray(array, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} is not an array of numbers: {error}") from error


def _per_event(name: str, array: ArrayLike, events: tuple[int, int]) -> np.ndarray:
    numbers = _numbers(name, array)
    if numbers.shape not in ((), events[1:], events):
        raise InputError(f"{name} has shape {numbers.shape}, but (episode, event) is {events} here")
    return np.broadcast_to(numbers, events).copy()
