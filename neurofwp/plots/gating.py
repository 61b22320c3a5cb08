"""The write gate of a slow net, and what it does to calcium and conductance at synapses."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.schema import require
from neurofwp.trace import only_condition

KIND = {"stored": style.BLUE, "distractors": style.VERMILION}
PANELS = {"probe_calcium": "calcium", "probe_conductance": "AMPA\nconductance"}


@style.plot_function
def gating(program: xr.Dataset, trace: xr.Dataset, probes: xr.Dataset, *, episode: int = 0) -> Figure:
    """Write gate of every pair, and calcium and conductance of one synapse of its key, while an episode is written.

    Parameters
    ----------
    program : Program with ``write_gate``, ``write`` and ``stored`` (episode, event) and ``key`` (episode, event, pre).
    trace : of a spiking network, which says when events are.
    probes : recorded synapses: ``probe_calcium`` and ``probe_conductance`` (probe, time). A synapse is drawn in
        the colour of the pair whose key its presynaptic cell is in; one that is in several keys is left out.

    Raises
    ------
    InputError
        if a variable is missing, or no synapse of this episode was recorded.
    """
    only_condition(trace, probes)
    require(program, "Program", dict.fromkeys(("write_gate", "write", "stored"), ("episode", "event")))
    require(probes, "set of probes", dict.fromkeys(PANELS, ("probe", "time")))
    here = program.isel(episode=episode)
    writes = np.flatnonzero(here["write"].values)
    start, stop = (trace[name].values[writes] / 1000 for name in ("write_start", "write_stop"))
    stored = here["stored"].values[writes]
    active = here["key"].transpose("event", "pre").values[writes] > 0
    drawn = _choose(probes, episode, active, stored)
    figure = style.figure(style.TWO_COLUMNS, 3.6)
    axes = figure.subplots(3, 1, sharex=True)
    _gates(axes[0], start, stop, here["write_gate"].values[writes], stored)
    axes[0].set(ylim=(-0.12, 1.05), ylabel=style.label("write gate", program["write_gate"]))
    time = probes["time"].values / 1000
    shown = time <= stop[-1]
    for ax, (name, title) in zip(axes[1:], PANELS.items(), strict=True):
        values = probes[name].transpose("probe", "time").values
        for probe, kept in sorted(drawn.items(), key=lambda each: each[1]):
            ax.plot(time[shown], values[probe, shown], color=_colour(kept), linewidth=0.7, zorder=2 + kept)
        ax.set_ylabel(style.label(title, probes[name]))
    for name, dash in (("depression", (0, (1, 2))), ("potentiation", (0, (4, 2)))):
        level = float(probes["probe_calcium"].attrs.get(f"{name}_threshold", np.nan))
        if np.isfinite(level):
            axes[1].axhline(level, color=style.BLACK, linewidth=0.7, linestyle=dash)
    axes[-1].set(xlim=(start[0], stop[-1]), xlabel="time (s)")
    figure.align_ylabels()
    style.letters(axes)
    lines = [Line2D([], [], color=colour, label=f"{kind}") for kind, colour in KIND.items()]
    style.legend(
        figure,
        lines,
        ncols=2,
        title="pairs, coloured by what they should be; dotted, dashed: where depression, potentiation begin",
    )
    return figure


def _colour(stored: bool) -> str:
    return KIND["stored" if stored else "distractors"]


def _choose(probes: xr.Dataset, episode: int, active: np.ndarray, stored: np.ndarray) -> dict[int, bool]:
    """Recorded synapses of one key alone, and whether its pair is stored; active (write, pre), stored (write,)."""
    synapses = zip(probes["probe_episode"].values, probes["probe_pre"].values, strict=True)
    chosen = {
        probe: bool(stored[active[:, pre]].any())
        for probe, (of, pre) in enumerate(synapses)
        if of == episode and active[:, pre].sum() == 1
    }
    if not chosen:
        raise InputError(f"no synapse of a key of episode {episode} was recorded")
    return chosen


def _gates(ax: Axes, start: np.ndarray, stop: np.ndarray, gate: np.ndarray, stored: np.ndarray) -> None:
    """The write gate of every pair as a bar, above a line in the pair's colour."""
    colours = [_colour(each) for each in stored]
    ax.bar(start, gate, stop - start, align="edge", color=colours, zorder=2)
    ax.plot((start + stop) / 2, np.full(len(start), -0.08), linestyle="none")  # room for closed gates
    for left, right, colour in zip(start, stop, colours, strict=True):
        ax.hlines(-0.06, left, right, color=colour, linewidth=2)
