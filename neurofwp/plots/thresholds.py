"""Levels of calcium at which a synapse begins to depress and to potentiate, in panels of calcium over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from neurofwp.plots import style

DASHED = (0, (4, 2))


def mark_thresholds(
    axes: Sequence[Axes], calcium: xr.DataArray, linestyles: Mapping[str, Any], headroom: float
) -> None:
    """A line for each level in all panels, named to the right of the last one, which has room above the highest.

    The upper name stands on its line, the lower one hangs from it.

    Parameters
    ----------
    calcium : with attrs NAME_threshold, for each NAME of `linestyles`; one that is missing or not finite is not drawn.
    headroom : the upper limit of the last panel, at least, relative to the highest level.
    """
    found = {name: float(calcium.attrs.get(f"{name}_threshold", np.nan)) for name in linestyles}
    found = {name: level for name, level in found.items() if np.isfinite(level)}
    if not found:
        return
    last, highest = axes[-1], max(found.values())
    for name, level in found.items():
        for ax in axes:
            ax.axhline(level, color=style.BLACK, linewidth=0.7, linestyle=linestyles[name])
        last.annotate(
            f"{name}\nthreshold",
            (1, level),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="bottom" if level == highest else "top",
            fontsize=6,
            annotation_clip=False,
        )
    last.set_ylim(top=max(last.get_ylim()[1], headroom * highest))
