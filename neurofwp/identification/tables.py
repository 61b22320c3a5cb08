"""What fits of `neurofwp.identification.identify` say: the rules that the data favour, and numbers for tables."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurofwp.identification.models import NULL, REFERENCE
from neurofwp.identification.report import verdict

SCORES = ("feve", "low", "high", "r2")  # of every rule


def best_rules(fits: xr.Dataset) -> list[str]:
    """The rules that the data favour: one, or several where these are undecided."""
    return [str(rule) for rule in fits["rule"].values[fits["best"].values]]


def best_fit(fits: xr.Dataset, score: str = "r2") -> xr.Dataset:
    """The fit of the one that predicts best of those rules; of all rules, where the verdict leaves none."""
    best = fits["best"].values
    favoured = fits.isel(rule=np.flatnonzero(best if best.any() else ~best))
    return favoured.isel(rule=int(np.argmax(favoured[score].fillna(-np.inf).values)))


def score_table(fits: xr.Dataset) -> xr.Dataset:
    """`SCORES` over rule."""
    return fits[list(SCORES)]


def verdict_table(fits: xr.Dataset) -> xr.Dataset:
    """The verdict, and what to measure it against.

    Returns
    -------
    Scalars: ``verdict`` and ``rules`` that it names or leaves; ``unexplained`` of the best rule, with its 95 % limits
    ``low`` and ``high``; ``null``, what the best null model leaves unexplained, and ``reference``, the best flexible
    rule, NaN where none was fitted.
    """
    said = verdict(fits)
    every = fits["unexplained"].isel(measure=0).to_series()
    of = {
        kind: every[every.index.str.startswith(prefix)].min()
        for kind, prefix in (("null", NULL), ("reference", REFERENCE))
    }
    numbers = {"unexplained": said.unexplained, "low": said.low, "high": said.high} | of
    words = {"verdict": said.kind, "rules": " or ".join(said.rules)}
    return xr.Dataset({name: ((), each, {"units": "1"}) for name, each in (words | numbers).items()})


def ceiling_table(fits: xr.Dataset) -> xr.Dataset:
    """The noise ceiling: ``value`` and ``sem``."""
    return fits[["noise_ceiling", "noise_ceiling_sem"]].rename(noise_ceiling="value", noise_ceiling_sem="sem")
