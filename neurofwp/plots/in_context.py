"""In-context regression: simulated errors on the curves of theory."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.plots import style
from neurofwp.schema import require


@style.plot_function
def in_context(error: xr.Dataset) -> Figure:
    """Squared error of predicting a new target against the number of examples; theory as lines, simulation as points.

    The second panel shows the same points as (simulation - theory)/SEM, with the band in which 95.4 % should lie, and
    without those where theory is 0, as they have no sampling error.

    Parameters
    ----------
    error : ``squared_error``, ``sem`` and ``theory`` (rule, examples), attribute ``episodes``: how many are behind
        each point.

    Raises
    ------
    InputError
        if a variable is missing.
    """
    require(error, "Dataset of errors", dict.fromkeys(("squared_error", "sem", "theory"), ("rule", "examples")))
    examples = error["examples"].values
    figure = style.figure(style.TWO_COLUMNS, 2.7)
    curves, differences = figure.subplots(1, 2, sharex=True)
    for name in error["rule"].values:
        look = style.rule("fixed_decay" if name == "decay" else str(name))
        mean, sem, theory = (error[kind].sel(rule=name).values for kind in ("squared_error", "sem", "theory"))
        curves.plot(examples, theory, color=look["color"])
        points = {**look, "linestyle": "none", "markersize": 2.5, "clip_on": False}
        curves.errorbar(examples, mean, sem, capsize=0, elinewidth=0.6, **points)
        random = theory > 0
        differences.plot(examples[random], ((mean - theory)[random]) / sem[random], **points)
    differences.axhspan(-2, 2, color=style.GREY, alpha=0.15, linewidth=0, zorder=0)
    differences.axhline(0, color=style.BLACK, linewidth=0.5, zorder=1)
    highest = max(3.5, 1.1 * float(np.abs(differences.get_ylim()).max()))
    differences.set(ylim=(-highest, highest), ylabel="simulation − theory (SEM)")
    curves.set_ylim(0, None)
    curves.set_ylabel(style.label("squared error", error["squared_error"]))
    for ax in (curves, differences):
        ax.set_xlabel("examples")
    style.letters((curves, differences))
    style.legend(
        figure,
        curves,
        ncols=error.sizes["rule"],
        title=f"lines: theory; points: mean ± SEM, n = {error.attrs['episodes']} episodes each; band: ± 2 SEM",
    )
    return figure
