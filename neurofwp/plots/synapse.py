"""One synapse through write and read: from glutamate to conductance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from neurofwp.errors import InputError
from neurofwp.plots import captions, style
from neurofwp.plots.phases import shade, spans
from neurofwp.plots.thresholds import DASHED, mark_thresholds
from neurofwp.schema import require
from neurofwp.trace import only_condition

THRESHOLDS = dict.fromkeys(("depression", "potentiation"), DASHED)
PANELS = {
    "probe_nmda": "NMDA\ngating s",
    "probe_dendrite": "dendritic\nvoltage",
    "probe_calcium": "calcium",
    "probe_conductance": "AMPA\nconductance",
}
WIDTH = 5.0  # inches
COLOURS = (style.VERMILION, style.BLUE, style.GREEN, style.PURPLE)


@style.plot_function
def synapse(
    trace: xr.Dataset,
    probes: xr.Dataset,
    program: xr.Dataset | None = None,
    *,
    shown: Sequence[int] | None = None,
) -> Figure:
    """NMDA gating, dendritic voltage, calcium with its thresholds, and AMPA conductance of recorded synapses.

    Parameters
    ----------
    trace : of a spiking network, which says when events are.
    probes : recorded synapses: ``probe_conductance`` and, where the synapse model has them, ``probe_nmda``,
        ``probe_dendrite`` and ``probe_calcium`` (probe, time), time in ms. ``probe_calcium.attrs`` may hold
        ``depression_threshold`` and ``potentiation_threshold``, in its own unit. For a part of the run give
        ``probes.sel(time=slice(start, stop))``.
    program : leave out the shading of phases in which the gate stays closed or nothing is asked.
    shown : up to four positions along ``probe``; by default the synapse that gains most and the one that gains least.

    Raises
    ------
    InputError
        if no synapse was recorded, or there is no such probe.
    """
    only_condition(trace, probes)
    require(probes, "set of probes", {"probe_conductance": ("probe", "time")})
    panels = {name: title for name, title in PANELS.items() if name in probes}
    conductance = probes["probe_conductance"].transpose("probe", "time").values
    if not conductance.size:
        raise InputError("there is no recorded synapse in this stretch of time")
    gain = conductance[:, -1] - conductance[:, 0]
    chosen = _choose(shown, gain)
    time = probes["time"].values
    figure = style.figure(WIDTH, 1.0 + 0.8 * len(panels))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    style.letters(axes)
    for ax, (name, title) in zip(axes, panels.items(), strict=True):
        # synapses of one key cell share their NMDA gating: the first line stays visible under the next
        for colour, width, probe in zip(COLOURS, (1.8, 0.9, 0.6, 0.4), chosen, strict=False):
            ax.plot(time, probes[name].transpose("probe", "time").values[probe], color=colour, linewidth=width)
        ax.locator_params(axis="y", nbins=4)
        ax.set_ylabel(style.label(title, probes[name]))
    if "probe_calcium" in panels:
        mark_thresholds([axes[list(panels).index("probe_calcium")]], probes["probe_calcium"], THRESHOLDS, headroom=1.1)
    axes[-1].set_ylim(bottom=min(0.0, float(conductance[chosen].min())))
    axes[-1].set(xlim=(time[0], time[-1]), xlabel=style.label("time", probes["time"]))
    figure.align_ylabels()
    episodes = (
        [int(probes["probe_episode"].values[probe]) for probe in chosen] if "probe_episode" in probes.coords else [0]
    )
    phases = shade(axes, spans(trace, program, episodes), float(time[0]), float(time[-1]))
    unit = probes["probe_conductance"].attrs.get("units", "1")
    labels = [f"{_name(probes, probe)}, {gain[probe]:+.2g} {unit}".replace("-", "\N{MINUS SIGN}") for probe in chosen]
    lines = [Line2D([], [], color=colour, label=text) for colour, text in zip(COLOURS, labels, strict=False)]
    style.legend(figure, [*lines, *phases], ncols=2, handlelength=1.5)
    figure.caption = captions.of_trace(trace, episode=episodes[0] if len(set(episodes)) == 1 else None)
    return figure


def _choose(shown: Sequence[int] | None, gain: np.ndarray) -> list[int]:
    """The synapses to draw: these, or the one that gains most and the one that gains least."""
    chosen = list(dict.fromkeys((int(gain.argmax()), int(gain.argmin())))) if shown is None else list(shown)
    if not 1 <= len(chosen) <= len(COLOURS):
        raise InputError(f"one to {len(COLOURS)} probes fit into this figure, not {len(chosen)}")
    wrong = [probe for probe in chosen if not 0 <= probe < len(gain)]
    if wrong:
        raise InputError(f"probe {wrong[0]} was not recorded: there are {len(gain)}, counted from 0")
    return chosen


def _name(probes: xr.Dataset, probe: int) -> str:
    if not {"probe_polarity", "probe_post", "probe_pre"} <= set(probes.coords):
        return f"synapse {probe}"
    polarity, post, pre = (probes[f"probe_{part}"].values[probe] for part in ("polarity", "post", "pre"))
    return f"key {int(pre)} to {str(polarity).upper()} {int(post)}"
