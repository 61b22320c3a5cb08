"""Which rule the synapses ran: what every fitted rule explains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.schema import require

WIDTH = 4.8  # inches
LOWEST = -0.25  # a rule that explains less than this ends here in an arrow; its number stands beside it
PLAIN = {"nominal": "#B8B8B8", "measured": "#DDDDDD"}
LIGHT = {"measured": 0.45}  # opacity of coloured bars


@style.plot_function
def rule_bars(fits: xr.Dataset, *, ax: Axes | None = None) -> Figure:
    """FEVE of every rule with its 95 % interval, best at the top, between a null model and the noise ceiling.

    1 is all that repeats over two runs of the same Program; the band around it is one standard error of the ceiling.
    The dotted line is the best null, which knows of no pairing, and the dash-dotted one the flexible reference. The
    rules that are not worse than the best are in their own colours and bold. Fits without a repeat and without a stated
    noise have no FEVE: bars are then held-out R^2, noise included.

    Parameters
    ----------
    fits : from `neurofwp.identification.identify`: ``feve``, ``low``, ``high`` and ``best`` (rule), scalars
        ``noise_ceiling`` and ``noise_ceiling_sem``, and, for nulls and references, ``unexplained`` (measure, model); or
        several of these along a dim ``drive`` ("nominal", "measured": the presynaptic activity that the rules were
        given), drawn side by side.
    ax : axes to draw into, by default those of a figure of its own.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    if "drive" not in fits.dims:
        fits = fits.expand_dims(drive=[fits.attrs.get("drive", "nominal")])
    columns = ("feve", "low", "high", "best")
    require(fits, "table of fits", dict.fromkeys(columns, ("drive", "rule")))
    explainable = bool(np.isfinite(fits["feve"].values).any())
    fits = fits if explainable else _with_noise(fits)
    drives = [str(drive) for drive in fits["drive"].values]
    order = np.argsort(-fits["feve"].max("drive").values, kind="stable")
    fits = fits.isel(rule=order)
    share, low, high, best = (fits[name].transpose("drive", "rule").values for name in columns)

    rules = [str(rule) for rule in fits["rule"].values]
    height = 0.8 / len(drives)
    figure, ax, place = style.panel(ax, WIDTH, 0.9 + len(rules) * (0.14 + 0.1 * len(drives)))
    left = max(min(0.0, float(np.nanmin([low, share]))), LOWEST)  # few units have no interval
    for i, drive in enumerate(drives):
        y = np.arange(len(rules)) + (i - (len(drives) - 1) / 2) * height
        coloured = [to_rgba(style.rule(rule)["color"], LIGHT.get(drive, 1.0)) for rule in rules]
        colours = [own if winner else _plain(drive) for winner, own in zip(best[i], coloured, strict=True)]
        ax.barh(y, share[i], height=0.9 * height, color=colours, zorder=2)
        ax.hlines(y, low[i], high[i], color=style.BLACK, linewidth=0.8, zorder=4)
        if (cut := share[i] < left).any():  # an empty line has its place in the layout too, outside the figure
            ax.plot(np.full(cut.sum(), left), y[cut], "<", color=style.BLACK, markersize=4, clip_on=False, zorder=5)
        for at, *numbers, winner in zip(y, share[i], low[i], high[i], best[i], strict=True):
            _write(ax, at, [style.number(number, 3) for number in numbers], bold=winner)
    band = _draw_ceiling(ax, fits)
    ax.set_xlim(left, 1.05 * max(1 + band, float(np.nanmax([high, share]))))
    ax.set_yticks(np.arange(len(rules)), [rule.replace("_", " ") for rule in rules])
    for tick, winner in zip(ax.get_yticklabels(), np.any(best, axis=0).tolist(), strict=True):
        tick.set_fontweight("bold" if winner else "normal")
    ax.tick_params(axis="y", length=0, pad=6)
    ax.set_ylim(len(rules) - 0.4, -0.6)  # the first rule at the top
    label = "fraction of explainable variance explained (FEVE)" if explainable else "held-out R², noise included"
    ax.set_xlabel(label + _judged(fits))
    key = [*_key(drives, explainable), *(_draw_bounds(ax, fits) if explainable else ())]
    style.legend(place, key, title="coloured, bold: rules that are not worse than the best", ncols=3, handlelength=1.5)
    return figure


def _plain(drive: str) -> str:
    return PLAIN.get(drive, "#B8B8B8")


def _write(ax: Axes, y: float, numbers: Sequence[str], *, bold: bool) -> None:
    """A share and its interval, on the right of its bar."""
    share, low, high = numbers
    ax.annotate(
        f"{share} [{low}, {high}]",
        (1, y),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=6,
        fontweight="bold" if bold else "normal",
        annotation_clip=False,
    )


def _draw_ceiling(ax: Axes, fits: xr.Dataset) -> float:
    """The noise ceiling as a band, whose half width this is, and the line at which nothing is explained."""
    # a single held-out episode has no standard error
    band = float((fits["noise_ceiling_sem"] / fits["noise_ceiling"]).fillna(0).max())
    if band:
        ax.axvspan(1 - band, 1 + band, color=style.YELLOW, alpha=0.6, linewidth=0, zorder=1)
    ax.axvline(1, color=style.BLACK, linewidth=0.7, linestyle=(0, (4, 2)), zorder=3)
    ax.axvline(0, color=style.BLACK, linewidth=0.5, zorder=3)
    return band


def _draw_bounds(ax: Axes, fits: xr.Dataset) -> list[Line2D]:
    """The best null and the best reference as lines, where fits have them, and their entries in the legend."""
    if "unexplained" not in fits:
        return []
    share = 1 - fits["unexplained"].isel(measure=0)
    share = share.isel(drive=0) if "drive" in share.dims else share
    found = []
    for start, label, dash in (("null", "best null", (0, (1, 1.5))), ("reference", "flexible rule", (0, (4, 1, 1, 1)))):
        models = [str(name) for name in share["model"].values if str(name).startswith(start)]
        if models:
            line = ax.axvline(float(share.sel(model=models).max()), color=style.BLACK, linewidth=0.9, linestyle=dash)
            line.set(zorder=5, label=label)
            found.append(line)
    return found


def _judged(fits: xr.Dataset) -> str:
    """What judged: increments, or weights in fits of older formats."""
    if "unit" not in fits.sizes:
        return ""
    what = fits["measure"].values[0] if "measure" in fits else "weights"
    return f"\n{what} of {fits.sizes['unit']} held-out {fits.attrs.get('unit', 'episode')}s"


def _key(drives: Sequence[str], explainable: bool) -> list[Patch | Line2D]:
    ceiling = [Patch(color=style.YELLOW, alpha=0.6, linewidth=0, label="noise ceiling ± SEM")]
    return [
        *(Patch(color=_plain(drive), label=f"{drive} keys") for drive in drives),
        Line2D([], [], color=style.BLACK, linewidth=0.8, label="95 % interval"),
        *(ceiling if explainable else ()),
    ]


def _with_noise(fits: xr.Dataset) -> xr.Dataset:
    """Fits with R^2 in place of FEVE: without a repeat, what is unexplained includes the noise.

    Raises
    ------
    InputError
        for fits that have no R^2 either.
    """
    if "r2" not in fits or not np.isfinite(fits["r2"].values).any():
        raise InputError("these fits have neither FEVE nor R^2: there is nothing to draw")
    limits = {"low": xr.full_like(fits["r2"], np.nan), "high": xr.full_like(fits["r2"], np.nan)}
    if "unexplained_low" in fits:
        low, high = (
            fits[f"unexplained_{end}"].isel(measure=0, drop=True).sel(model=fits["rule"].values)
            for end in ("low", "high")
        )
        limits = {name: 1 - each.rename(model="rule") for name, each in (("low", high), ("high", low))}
    return fits.assign({"feve": fits["r2"], **limits})
