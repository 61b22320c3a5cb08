"""Settings chosen on other data than those that are reported with them."""

from __future__ import annotations

import numpy as np
import xarray as xr


def best_on_others(score: xr.DataArray, *, setting: str = "setting", sample: str = "episode") -> xr.DataArray:
    """For each sample, the setting with the highest mean score on all other samples: its number, without `setting`.

    Parameters
    ----------
    score : over `setting` and `sample`, and any dims besides; NaN where a setting was not tried.
    """
    finite = score.fillna(-np.inf)
    others = finite.sum(sample) - finite.where(score.notnull(), 0)
    return others.where(score.notnull(), -np.inf).argmax(setting)
