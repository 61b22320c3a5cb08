"""One pair of spikes at a synapse: what voltage, calcium and weight do."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neurofwp.plots import style
from neurofwp.plots.thresholds import DASHED, mark_thresholds
from neurofwp.schema import require

PANELS = {
    "voltage": ("postsynaptic\nvoltage", style.BLUE),
    "calcium": ("calcium", style.VERMILION),
    "omega": ("Ω(calcium)", style.PURPLE),
    "change": ("weight change", style.GREEN),
}
THRESHOLDS = {"depression": (0, (1, 1.5)), "potentiation": DASHED}
PICO = 1000.0  # changes by a single pair are small: pS


@style.plot_function
def pairing_traces(data: xr.Dataset) -> Figure:
    """Voltage, calcium with its thresholds, Omega and the change of the weight; one column per order of the spikes.

    Parameters
    ----------
    data : ``voltage`` and ``weight`` (protocol, time) and, where there are any, ``calcium`` and ``omega`` (likewise);
        ``pre`` and ``post`` (protocol), spike times, ms. ``calcium.attrs`` may hold ``depression_threshold`` and
        ``potentiation_threshold``; ``attrs`` may hold ``model``, and in ``noise`` what became of its noise.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    over_time = [name for name in ("voltage", "calcium", "omega", "weight") if name in data or name[0] in "vw"]
    require(
        data,
        "Dataset of traces",
        {**dict.fromkeys(over_time, ("protocol", "time")), **dict.fromkeys(("pre", "post"), ("protocol",))},
    )
    weight = data["weight"]
    data = data.assign(change=(PICO * (weight - weight.isel(time=0))).assign_attrs(units="pS"))
    shown = {name: look for name, look in PANELS.items() if name in data}
    figure = style.figure(style.TWO_COLUMNS, 0.6 + 1.05 * len(shown))
    axes = figure.subplots(len(shown), data.sizes["protocol"], sharex=True, sharey="row", squeeze=False)
    style.letters(axes.ravel())
    for row, (name, (title, colour)) in zip(axes, shown.items(), strict=True):
        for ax, index in zip(row, range(data.sizes["protocol"]), strict=True):
            own = data.isel(protocol=index)
            if name == "change":
                ax.axhline(0, color=style.GREY, linewidth=0.5, zorder=1)
            ax.plot(data["time"], own[name], color=colour, zorder=2)
            ax.locator_params(axis="y", nbins=4)
        row[0].set_ylabel(style.label(title, data[name]))
    for ax, index in zip(axes[0], range(data.sizes["protocol"]), strict=True):
        own = data.isel(protocol=index)
        pre, post = float(own["pre"]), float(own["post"])
        _spikes(ax, {"pre": pre, "post": post})
        dt = f"{post - pre:+g} ms".replace("-", "\N{MINUS SIGN}")
        ax.set_title(f"{own['protocol'].item()} ({dt})", pad=16)
    if "calcium" in shown:
        mark_thresholds(axes[list(shown).index("calcium")], data["calcium"], THRESHOLDS, headroom=1.15)
    for ax in axes[-1]:
        ax.set(xlabel=style.label("time from the first spike", data["time"]), xlim=data["time"].values[[0, -1]])
    figure.align_ylabels()
    before = f"from {float(weight.isel(protocol=0, time=0)):.3g} {weight.attrs['units']}"
    figure.suptitle(", ".join(filter(None, (data.attrs.get("model"), before, data.attrs.get("noise")))), fontsize=7)
    return figure


def _spikes(ax: Axes, times: dict[str, float]) -> None:
    """Marks above the panel at the spikes, named on the side on which no other one is."""
    first = min(times.values())
    for cell, time in times.items():
        above = ax.get_xaxis_transform()
        ax.plot([time], [1.04], marker="v", color=style.BLACK, transform=above, clip_on=False)
        side, shift = ("right", -4) if time == first else ("left", 4)
        ax.annotate(
            cell,
            (time, 1.04),
            xycoords=above,
            xytext=(shift, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=6,
            annotation_clip=False,
        )
