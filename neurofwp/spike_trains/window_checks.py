"""Windows of a recording that cannot be meant: refused, or warned of, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.errors import InputError, warn
from neurofwp.spike_trains.structure import in_seconds, stop_in_seconds

# start and stop of each in s, (episode, event, 2), by phase
Windows: TypeAlias = Mapping[str, NDArray[np.float64]]
LONG = 60.0  # s, of a window
FAST = 1000.0  # Hz, of a cell
ROUNDING = 1e-9  # s
FAR = 20.0  # recordings beyond which a window is no slip of the last event


def check_order(windows: Windows) -> None:
    """InputError for a window that does not end after it begins, or has one edge only."""
    for phase, edges in windows.items():
        start, stop = edges[..., 0], edges[..., 1]
        bad = np.argwhere((np.isnan(start) != np.isnan(stop)) | (stop <= start))
        if bad.size:
            raise InputError(f"{_name(phase, edges, bad[0])} must end after it begins")


def check_inside(trains: xr.Dataset, windows: Windows) -> None:
    """InputError for a window outside of the recording: all of it, or, where its end is known, a part."""
    times, stop = in_seconds(trains), stop_in_seconds(trains)
    first, last = min(0.0, float(times.min(initial=0))), float(times.max(initial=0)) if stop is None else stop
    for phase, edges in windows.items():
        late = edges[..., 0] if stop is None else edges[..., 1]
        bad = np.argwhere((edges[..., 0] < first - ROUNDING) | (late > last + ROUNDING))
        if not bad.size:
            continue
        end = f"ends at {last:g} s" if stop is not None else f"has its last spike at {last:g} s"
        latest = max(float(np.nanmax(each)) for each in windows.values())
        hint = ": are its times in ms?" if last < latest / FAR and latest / 1000 <= last else ""
        longer = " (give the trains a stop if it lasts longer)" if stop is None and not hint else ""
        raise InputError(f"{_name(phase, edges, bad[0])} lies outside of the recording, which {end}{longer}{hint}")


def warn_of_rates(windows: Windows, found: Mapping[str, NDArray[np.float64]]) -> None:
    """Warn of windows without a spike, too long, or too full; InputError where no window has a spike.

    Parameters
    ----------
    found : rates (Hz) of each phase, (episode, event, cell).
    """
    if not any(each.any() for each in found.values()):
        raise InputError("there is no spike in any of these windows: are windows and trains in the same unit?")
    for phase, edges in windows.items():
        silent = ~np.isnan(edges[..., 0]) & ~found[phase].any(axis=-1)
        long = edges[..., 1] - edges[..., 0] >= LONG
        fast = found[phase].max(axis=-1, initial=0) > FAST
        highest = found[phase].max(initial=0)
        for bad, says in (
            (silent, "has no spike of any cell"),
            (long, "lasts a minute or longer: are its times in ms?"),
            (fast, f"has a cell that fires at up to {highest:g} Hz: are its times in s?"),
        ):
            if bad.any():
                more = f", as have {bad.sum() - 1} other {phase} windows" if bad.sum() > 1 and bad is silent else ""
                warn(f"{_name(phase, edges, np.argwhere(bad)[0])} {says}{more}")


def _name(phase: str, edges: NDArray[np.float64], at: NDArray[np.int64]) -> str:
    episode, event = at
    start, stop = edges[episode, event]
    return f"the {phase} window of event {event} of episode {episode}, {start:g} to {stop:g} s,"
