"""How much the keys of a Program have in common."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurofwp.program import check


def key_overlap(program: xr.Dataset) -> xr.DataArray:
    """Overlap of every two different keys that an episode writes.

    The overlap of keys a and b is sum_i min(a_i, b_i) over the mean of sum_i a_i and sum_i b_i: for binary
    keys with the same number of active cells, the share of these that both have. A key that is written
    several times counts once.

    Returns
    -------
    DataArray (episode, couple) in [0, 1], padded with NaN where an episode has fewer keys than another.
    """
    found = []
    for keys in check(program)["key"].values:
        different = np.unique(keys[keys.any(axis=-1)], axis=0)
        size = different.sum(axis=-1)
        shared = [np.minimum(key, different[i + 1 :]).sum(axis=-1) for i, key in enumerate(different)]
        both = [(size[i] + size[i + 1 :]) / 2 for i in range(len(different))]
        found.append(np.concatenate([*shared, []]) / np.concatenate([*both, []]))
    padded = np.full((len(found), max((len(row) for row in found), default=0)), np.nan)
    for row, overlaps in zip(padded, found, strict=True):
        row[: len(overlaps)] = overlaps
    return xr.DataArray(padded, dims=("episode", "couple"), name="key_overlap", attrs={"units": "1"})
