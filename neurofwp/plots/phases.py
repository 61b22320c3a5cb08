"""The write and read phases of a spiking Trace as shaded spans."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from neurofwp.errors import InputError
from neurofwp.plots import style

Span = tuple[str, float, float]


def spans(trace: xr.Dataset, program: xr.Dataset | None = None, episodes: Iterable[int] = (0,)) -> list[Span]:
    """(phase, start, stop) in ms, of every phase that exists, in order of time.

    With a Program, only writes whose gate opens and reads that have a query, in any of `episodes`.

    Raises
    ------
    InputError
        if the Trace does not say when it wrote and read, or has other events than the Program.
    """
    if program is not None and program.sizes["event"] != trace.sizes["event"]:
        raise InputError(
            f"the Program has {program.sizes['event']} events and the Trace {trace.sizes['event']}; "
            "draw a Trace of this Program"
        )
    found: list[Span] = []
    for phase in style.PHASE:
        if f"{phase}_start" not in trace.coords or f"{phase}_stop" not in trace.coords:
            raise InputError(f"this figure needs the coords {phase}_start and {phase}_stop, which a spiking Trace has")
        start, stop = trace[f"{phase}_start"].values, trace[f"{phase}_stop"].values
        happens = np.isfinite(start) & np.isfinite(stop)
        if program is not None:
            drive = program["write_gate"] if phase == "write" else program["query"].sum("pre")
            happens &= (drive.isel(episode=list(episodes)) > 0).any("episode").values
        found += [(phase, float(a), float(b)) for a, b in zip(start[happens], stop[happens], strict=True)]
    return sorted(found, key=lambda span: span[1])


def shade(axes: Iterable[Axes], found: Iterable[Span], low: float, high: float) -> list[Patch]:
    """Shade the spans within low..high ms behind the data; returns the legend's patches."""
    inside = [(phase, max(a, low), min(b, high)) for phase, a, b in found if a < high and b > low]
    for ax in axes:
        for phase, start, stop in inside:
            ax.axvspan(start, stop, color=style.PHASE[phase], linewidth=0, zorder=0)
    return [
        Patch(color=style.PHASE[phase], label=phase) for phase in style.PHASE if phase in {span[0] for span in inside}
    ]
