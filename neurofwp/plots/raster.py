"""Who fired when: spikes of the three populations through the events of an episode."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.errors import InputError
from neurofwp.plots import captions, style
from neurofwp.plots.phases import shade, spans
from neurofwp.schema import require
from neurofwp.trace import only_condition

MOST_ROWS = 150
BINS = 400


@style.plot_function
def raster(trace: xr.Dataset, spikes: xr.Dataset, *, episode: int = 0) -> Figure:
    """Spikes of key, value and interneuron cells, writes and reads shaded, with the population rates below.

    Of a population with more than 150 cells, 150 at even distances are drawn; the rates count all of them. A
    population's size is taken from the last of its cells that fires in any episode.

    Parameters
    ----------
    trace : of a spiking network, which says when events are.
    spikes : its spikes (`neurofwp.spike_trains`): ``spike_time`` (ms), ``spike_episode``, ``spike_cell`` and
        ``spike_population`` (spike); ``spike_population.attrs`` names the populations (``flag_values``,
        ``flag_meanings``).

    Raises
    ------
    InputError
        if a variable is missing, or the episode has no spikes.
    """
    only_condition(trace)
    needed = [f"spike_{part}" for part in ("time", "episode", "cell", "population")]
    require(spikes, "set of spike trains", dict.fromkeys(needed, ("spike",)))
    times, cells, populations = (spikes[f"spike_{part}"].values for part in ("time", "cell", "population"))
    here = spikes["spike_episode"].values == episode
    if not here.any():
        raise InputError(f"there is no spike to draw in episode {episode}")
    flags = spikes["spike_population"].attrs
    if not {"flag_values", "flag_meanings"} <= flags.keys():
        raise InputError("spike_population does not name its populations in attrs flag_values and flag_meanings")
    names = dict(zip(np.atleast_1d(flags["flag_values"]).tolist(), str(flags["flag_meanings"]).split(), strict=True))
    fired = {code: name for code, name in names.items() if (here & (populations == code)).any()}

    found = spans(trace)
    stop = max([float(times[here].max()), *(span[2] for span in found)])
    bin_ms = max(5.0, 5.0 * np.ceil(stop / BINS / 5.0))
    edges = np.arange(0.0, stop + bin_ms, bin_ms)

    figure = style.figure(style.TWO_COLUMNS, 1.5 + 1.0 * len(fired))
    axes = figure.subplots(len(fired) + 1, 1, sharex=True)
    for ax, (code, name) in zip(axes, fired.items(), strict=False):
        colour = style.POPULATION.get(name, style.BLACK)
        size = int(cells[populations == code].max()) + 1
        mine = here & (populations == code)
        drawn = np.unique(np.linspace(0, size - 1, min(size, MOST_ROWS)).round().astype(int))
        shown = mine & np.isin(cells, drawn)
        ax.plot(times[shown], cells[shown], "|", color=colour, markersize=1.2, markeredgewidth=0.4, rasterized=True)
        ax.set_ylim(-1, size)
        subset = f"\n({len(drawn)} of {size}\nshown)" if len(drawn) < size else ""
        ax.set_ylabel(f"{name} cell{subset}")
        rate = np.histogram(times[mine], edges)[0] / size / (bin_ms / 1000)
        axes[-1].stairs(rate, edges, color=colour, linewidth=0.7)
    axes[-1].set(ylabel=f"population rate\n(Hz, {bin_ms:g} ms bins)", ylim=(0, None), xlim=(0, stop))
    axes[-1].set_xlabel(style.label("time", spikes["spike_time"]))
    figure.align_ylabels()
    style.letters(axes)

    phases = shade(axes, found, 0.0, stop)
    lines = [Line2D([], [], color=style.POPULATION.get(name, style.BLACK), label=name) for name in fired.values()]
    style.legend(figure, [*lines, *phases], ncols=len(lines) + len(phases), handlelength=1.5)
    figure.caption = captions.of_trace(trace, episode=episode)
    return figure
