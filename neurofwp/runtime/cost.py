"""What a computation costs: seconds, and bytes of tensor memory."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch.autograd.profiler import profile

from neurofwp.errors import InputError

Call = Callable[[], object]


def time_interleaved(
    calls: Mapping[str, Call], repeats: int, device: str | torch.device = "cpu"
) -> dict[str, NDArray[np.float64]]:
    """Seconds (repeats,) of every call, after one call each that does not count.

    The calls take turns, and every other round goes backwards, so that a machine that slows down slows all of them:
    compare the times of one round. On a CPU torch has one thread, and the time is what this process spent computing,
    which other programs lengthen far less than the time on the clock; on a GPU it is the clock, with the device
    synchronised.

    Raises
    ------
    InputError
        for less than one repeat.
    """
    if repeats < 1:
        raise InputError(f"repeats must be at least 1, but is {repeats}")
    on_gpu = torch.device(device).type == "cuda"
    clock = time.perf_counter if on_gpu else time.process_time
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    with one_thread(), _no_collection():
        for call in calls.values():
            call()
        for repeat in range(repeats):
            for name in names if repeat % 2 == 0 else reversed(names):
                if on_gpu:
                    torch.cuda.synchronize(device)
                start = clock()
                calls[name]()
                if on_gpu:
                    torch.cuda.synchronize(device)
                seconds[name].append(clock() - start)
    return {name: np.array(each) for name, each in seconds.items()}


def peak_bytes(call: Call, device: str | torch.device = "cpu") -> int:
    """The most bytes that tensors made during one call, its result included, held at the same time.

    Counts what torch's allocator hands out, scratch space inside its operations included, and takes off what is
    returned to it: exact, and the same on every run, since torch has one thread. Memory that was there before does
    not count.
    """
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        result = call()
        torch.cuda.synchronize(device)
        del result
        return torch.cuda.max_memory_allocated(device) - before
    profiler = profile(profile_memory=True)
    with one_thread():
        with _silent_stderr():
            profiler.__enter__()
        try:
            result = call()
        finally:
            with _silent_stderr():
                profiler.__exit__(None, None, None)
    del result
    assert profiler.kineto_results is not None
    events: list[Any] = profiler.kineto_results.events()
    held = np.cumsum([event.nbytes() for event in events if event.name() == "[memory]"])
    return int(held.max(initial=0))


@contextmanager
def one_thread() -> Iterator[None]:
    """torch computes with one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python's garbage collector would strike whoever happens to run."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """torch's profiler writes two lines to the terminal, past Python, whenever it starts and stops."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def against_length(
    calls: Callable[[int], Mapping[str, Mapping[str, Call]]],
    repeats: Mapping[int, int],
    device: str | torch.device = "cpu",
) -> xr.Dataset:
    """Time and memory of several forms of the same work, at several lengths.

    Parameters
    ----------
    calls : length -> work ("forward", say) -> form -> what to call; the same works and forms at every length.
    repeats : length -> how often every form is timed there. The forms take turns, as in `time_interleaved`.

    Returns
    -------
    Dataset with ``seconds`` (work, form, length, repeat), NaN beyond the repeats of a length, and ``bytes`` (work,
    form, length).

    Raises
    ------
    InputError
        for less than one repeat.
    """
    parts = []
    for length, times in repeats.items():
        works = calls(length)
        seconds = {work: time_interleaved(forms, times, device) for work, forms in works.items()}
        held = [[peak_bytes(call, device) for call in forms.values()] for forms in works.values()]
        parts.append(
            xr.Dataset(
                {
                    "seconds": (
                        ("work", "form", "repeat"),
                        np.array([list(each.values()) for each in seconds.values()]),
                    ),
                    "bytes": (("work", "form"), np.array(held)),
                },
                coords={"work": list(works), "form": list(seconds[next(iter(works))]), "repeat": range(times)},
            )
        )
    lengths = xr.DataArray(list(repeats), dims="length", name="length", attrs={"units": "events"})
    cost = xr.concat(parts, dim=lengths, join="outer")
    cost["seconds"].attrs["units"] = "s"
    cost["bytes"].attrs["units"] = "byte"
    return cost.transpose("work", "form", "length", "repeat")


def ahead_from(lengths: Sequence[int], ratios: Sequence[float]) -> int | None:
    """The shortest length from which on every ratio is above one; None where the last one is not.

    lengths (n,) in ascending order, and their ratios (n,).
    """
    first = None
    for length, ratio in zip(reversed(lengths), reversed(ratios), strict=True):
        if not ratio > 1:
            break
        first = length
    return first


def loglog_slope(lengths: Iterable[float], costs: Iterable[float]) -> float:
    """The exponent p of the power law cost ~ length^p that fits best: least squares of the logarithms, (n,) each.

    Raises
    ------
    InputError
        for fewer than two lengths.
    """
    x, y = np.log(list(lengths)), np.log(list(costs))
    if len(x) < 2:
        raise InputError(f"a slope needs at least two lengths, but there is {len(x)}")
    return float(np.polyfit(x, y, 1)[0])


def with_slopes(cost: xr.Dataset, start: int) -> xr.Dataset:
    """Costs as of `against_length`, with their slopes in log-log from the length `start` on.

    Returns
    -------
    the Dataset with ``seconds_slope``, of medians, and ``bytes_slope`` (work, form).
    """
    fitted = cost.sel(length=cost["length"] >= start)
    slopes = {}
    for name, quantity in (("seconds", fitted["seconds"].median("repeat")), ("bytes", fitted["bytes"])):
        slope = xr.apply_ufunc(
            lambda costs: loglog_slope(fitted["length"].values, costs),
            quantity,
            input_core_dims=[["length"]],
            vectorize=True,
        )
        slopes[f"{name}_slope"] = slope.assign_attrs(units="1", fitted_from=start)
    return cost.assign(slopes)
