"""Parts of a Program: the cells that have a part in it, and the dimensions of its values that vary."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.program import CONDITION, check


def without_silent_cells(program: xr.Dataset) -> xr.Dataset:
    """The same Program without presynaptic cells that have no part in it, which cost time and say nothing.

    A cell that is in no key and no query of an episode is left out of it, and the others are numbered anew, episode by
    episode and condition by condition: a new variable ``cell`` (episode, pre) says which each was. Where an episode has
    fewer such cells than another, it keeps silent ones.
    """
    check(program)
    used = ((program["key"] > 0) | (program["query"] > 0)).any("event").transpose(..., "episode", "pre")
    kept = np.argsort(~used.values, axis=-1, kind="stable")[..., : max(1, used.values.sum(axis=-1).max(initial=0))]
    at = xr.DataArray(kept, dims=used.dims, attrs={"units": "1"})
    first = [dim for dim in (CONDITION, "episode", "event") if dim in program.dims]
    return check(program.isel(pre=at).transpose(*first, ..., missing_dims="ignore").assign(cell=at))


def keep_most_varied(program: xr.Dataset, dimensions: int) -> xr.Dataset:
    """The same Program with those dimensions of its values only that vary most over writes, in their order.

    Raises
    ------
    InputError
        if it does not have so many.
    """
    check(program)
    if not 1 <= dimensions <= program.sizes["post"]:
        raise InputError(f"values have {program.sizes['post']} dimensions: {dimensions} of them cannot be kept")
    written = (program["key"] > 0).any("pre") & (program["write_gate"] > 0)
    spread = program["value"].where(written).var(("episode", "event"))
    return check(program.isel(post=np.sort(np.argsort(-spread.values, kind="stable")[:dimensions])))
