"""One write into one synapse: spikes, write gate, and what they do between glutamate and conductance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from neurofwp.errors import InputError
from neurofwp.plots import captions, style
from neurofwp.plots.synapse import PANELS, THRESHOLDS
from neurofwp.plots.thresholds import mark_thresholds
from neurofwp.schema import require
from neurofwp.trace import only_condition

BEFORE, AFTER = 100.0, 250.0  # ms around the write
PARTS = ("episode", "polarity", "post", "pre")  # where a probe is


@style.plot_function
def one_write(
    program: xr.Dataset,
    trace: xr.Dataset,
    probes: xr.Dataset,
    spikes: xr.Dataset,
    *,
    probe: int | None = None,
    event: int | None = None,
) -> Figure:
    """One write into one synapse: spikes of its key cell and of the cells that it excites, the write gate, NMDA gating,
    dendritic voltage, calcium with its thresholds, and AMPA conductance.

    The write is shaded; time 0 is its start.

    Parameters
    ----------
    program : Program of the Trace.
    trace : of a spiking network, which says when events are.
    probes : recorded synapses, ``probe_conductance`` (probe, time), and where they are. spikes : of the same run.
    probe : by default the synapse whose conductance changes most in a write. event : by default the write in which it
        does.

    Raises
    ------
    InputError
        if no synapse was recorded, or its key cell is written in no such event.
    """
    write = find_write(program, trace, probes, probe=probe, event=event)
    panels = {name: title for name, title in PANELS.items() if name in probes}
    figure = style.figure(4.2, 1.8 + 1.0 * len(panels))
    axes = draw_write(figure, write, program, trace, probes, spikes, panels)
    style.letters(axes)
    place = f"Key cell {write.pre} onto {write.polarity.upper()} cells of dimension {write.post}, event {write.event}."
    figure.caption = f"{place} {captions.of_trace(trace, episode=write.episode)}"
    return figure


@dataclass(frozen=True)
class Write:
    """One write into one recorded synapse: which probe and event, when (ms), and where the synapse is."""

    probe: int
    event: int
    start: float
    stop: float
    episode: int
    polarity: str
    post: int
    pre: int


def find_write(
    program: xr.Dataset, trace: xr.Dataset, probes: xr.Dataset, *, probe: int | None = None, event: int | None = None
) -> Write:
    """The write that changes a conductance most, among those of this probe and of this event; errors of `one_write`."""
    only_condition(trace)
    require(probes, "Dataset of probes", {"probe_conductance": ("probe", "time")})
    changes = {
        place: change
        for place, change in _changes(program, trace, probes).items()
        if probe in (None, place[0]) and event in (None, place[1])
    }
    if not changes:
        raise InputError("no write of this kind reaches a recorded synapse: choose another probe or event")
    probe, event = max(changes, key=lambda place: abs(changes[place]))
    start, stop = (float(trace[f"write_{end}"].values[event]) for end in ("start", "stop"))
    episode, polarity, post, pre = (probes[f"probe_{part}"].values[probe].item() for part in PARTS)
    return Write(probe, event, start, stop, int(episode), str(polarity), int(post), int(pre))


def draw_write(
    figure: FigureBase,
    write: Write,
    program: xr.Dataset,
    trace: xr.Dataset,
    probes: xr.Dataset,
    spikes: xr.Dataset,
    panels: Mapping[str, str],
) -> np.ndarray:
    """Spikes, gate, and a panel for each of these variables of a probe, by their titles; the axes, from the top."""
    length = write.stop - write.start
    axes: np.ndarray = figure.subplots(2 + len(panels), 1, sharex=True)
    _draw_spikes(axes[0], spikes, write.episode, _cells(trace, write.polarity, write.post, write.pre), write.start)
    gate = float(program["write_gate"].values[write.episode, write.event])
    opens = _gate_delay(trace)
    axes[1].step([-BEFORE, opens, length, length + AFTER], [0, gate, 0, 0], where="post", color=style.BLACK)
    axes[1].set(ylabel="write\ngate (1)", ylim=(-0.05, 1.05))
    own = probes.sel(time=slice(write.start - BEFORE, write.stop + AFTER))
    for ax, (name, title) in zip(axes[2:], panels.items(), strict=True):
        values = own[name].transpose("probe", "time").values[write.probe]
        ax.plot(own["time"].values - write.start, values, color=style.VERMILION)
        ax.locator_params(axis="y", nbins=4)
        ax.set_ylabel(style.label(title, probes[name]))
        if name == "probe_calcium":
            mark_thresholds([ax], probes[name], THRESHOLDS, headroom=1.1)
    for ax in axes:
        ax.axvspan(0, length, color=style.PHASE["write"], linewidth=0, zorder=0)
    unit = probes["time"].attrs.get("units", "ms")
    axes[-1].set(xlim=(-BEFORE, length + AFTER), xlabel=f"time from the start of the write ({unit})")
    figure.align_ylabels(axes.tolist())
    return axes


def _gate_delay(trace: xr.Dataset) -> float:
    """How long after the start of a write its gate opens, in ms."""
    circuit = json.loads(trace.attrs.get("config", "{}")).get("circuit_parameters", {})
    return float(str(circuit.get("gate_delay", "0 ms")).removesuffix(" ms"))


def _changes(program: xr.Dataset, trace: xr.Dataset, probes: xr.Dataset) -> dict[tuple[int, int], float]:
    """How much the conductance of each probe changes in each write of its key, by probe and event."""
    missing = [f"probe_{part}" for part in PARTS if f"probe_{part}" not in probes.coords]
    if missing:
        raise InputError(f"it is not said where the probes are: there is no {', '.join(missing)}")
    time = probes["time"].values
    found = {}
    for probe, conductance in enumerate(probes["probe_conductance"].transpose("probe", "time").values):
        episode, pre = (int(probes[f"probe_{part}"].values[probe]) for part in ("episode", "pre"))
        written = (program["key"].values[episode, :, pre] > 0) & (program["write_gate"].values[episode] > 0)
        for event in np.flatnonzero(written):
            inside = [float(trace[f"write_{end}"].values[event]) for end in ("start", "stop")]
            if np.isfinite(inside).all() and time[0] <= inside[0] and inside[1] <= time[-1]:
                first, last = (conductance[np.searchsorted(time, at)] for at in inside)
                found[probe, int(event)] = float(last - first)
    return found


def _cells(trace: xr.Dataset, polarity: str, post: int, pre: int) -> dict[str, list[int]]:
    """Cells whose spikes are drawn, by population: the key cell, and the pool that it excites."""
    per_pool = int(json.loads(trace.attrs.get("config", "{}")).get("cells_per_pool", 0))
    first = ((polarity == "off") * trace.sizes["post"] + post) * per_pool  # by polarity, dimension, number in the pool
    return {"value": [*range(first, first + per_pool)], "key": [pre]}


def _draw_spikes(ax: Axes, spikes: xr.Dataset, episode: int, cells: dict[str, list[int]], start: float) -> None:
    """A row for each cell, key cells above."""
    rows = [(population, cell) for population, each in cells.items() for cell in each]
    flags = spikes["spike_population"].attrs
    codes = dict(zip(str(flags["flag_meanings"]).split(), np.atleast_1d(flags["flag_values"]).tolist(), strict=True))
    times, every = spikes["spike_time"].values - start, spikes["spike_cell"].values
    here = spikes["spike_episode"].values == episode
    for row, (population, cell) in enumerate(rows):
        mine = here & (every == cell) & (spikes["spike_population"].values == codes[population])
        ax.plot(times[mine], np.full(mine.sum(), row), "|", color=style.POPULATION[population], markersize=4)
    middle = {
        name: np.mean([row for row, each in enumerate(rows) if each[0] == name]) for name, own in cells.items() if own
    }
    ax.set(ylim=(-0.7, len(rows) - 0.3), ylabel="spikes")
    ax.set_yticks(list(middle.values()), list(middle))
