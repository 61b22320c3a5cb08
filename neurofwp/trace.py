"""Trace: what a network did with a Program, in the same words whether it spikes or not.

A Trace is an `xarray.Dataset`:

====================  ====================================  =============================================
variable              dims                                  meaning
====================  ====================================  =============================================
``weight``            episode, event, post, pre             fast weight after the event (spiking: the mean
                                                            conductance of ON cells minus that of OFF cells)
``recall``            episode, event, post                  answer to the event's query (NaN without one)
``conductance``       episode, event, polarity, post, pre   non-negative weights of ON and OFF pools, where
                                                            the network has them
``pre_rate``          episode, event, pre                   optional: measured presynaptic rate in the write
``post_rate``         episode, event, polarity, post        optional: measured somatic rate in the read
``dendrite``          episode, event, polarity, post        optional: measured dendritic voltage while the write
                                                            gate is open (NaN where it is not)
``spike_*``           spike                                 optional: time, cell, episode, population
``probe_*``           probe, time                           optional: one synapse over time
====================  ====================================  =============================================

Every variable has ``attrs["units"]``; the Dataset's attrs hold config, seed, versions and commit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.runtime import files

KIND = "neurofwp.trace"

DIMS: dict[str, tuple[str, ...]] = {
    "weight": ("episode", "event", "post", "pre"),
    "recall": ("episode", "event", "post"),
}
OPTIONAL: dict[str, tuple[str, ...]] = {
    "conductance": ("episode", "event", "polarity", "post", "pre"),
    "pre_rate": ("episode", "event", "pre"),
    "post_rate": ("episode", "event", "polarity", "post"),
    "dendrite": ("episode", "event", "polarity", "post"),
}
PROVENANCE = ("network", "config", "seed", "versions", "commit")


def check(trace: xr.Dataset) -> xr.Dataset:
    """Return `trace` unchanged if it is a valid Trace.

    Raises
    ------
    InputError
        for a missing variable, wrong dims, a missing unit, missing provenance or a weight that is not finite.
    """
    if not isinstance(trace, xr.Dataset) or trace.attrs.get("kind") != KIND:
        found = trace.attrs.get("kind") if isinstance(trace, xr.Dataset) else type(trace).__name__
        raise InputError(f"not a Trace: its kind is {found!r}, not {KIND!r}")
    for name, dims in DIMS.items():
        if name not in trace:
            raise InputError(f"the Trace has no variable {name!r}, which has dims {dims}")
    for name, dims in (DIMS | OPTIONAL).items():
        if name in trace and trace[name].dims != dims:
            raise InputError(f"{name} has dims {trace[name].dims}, but needs {dims}")
    for variable in trace.data_vars.values():
        if "units" not in variable.attrs:
            raise InputError(f"{variable.name} has no attrs['units']")
    missing = [name for name in PROVENANCE if name not in trace.attrs]
    if missing:
        raise InputError(f"the Trace does not say its {', '.join(missing)}")
    if not np.isfinite(trace["weight"].values).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(trace["weight"].values))[0])
        raise InputError(f"weight is not finite at (episode, event, post, pre) = {index}")
    return trace


def of_episodes(trace: xr.Dataset, first: int, last: int) -> xr.Dataset:
    """The Trace of some episodes, from `first` until before `last`, counted from 0, with their spikes and probes."""
    chosen = trace.isel(episode=slice(first, last))
    for dim, episode in (("spike", "spike_episode"), ("probe", "probe_episode")):
        if episode in trace.variables:
            own = trace[episode].values
            chosen = chosen.isel({dim: np.flatnonzero((own >= first) & (own < last))})
            chosen[episode] = chosen[episode] - first
            chosen[episode].attrs = trace[episode].attrs
    return chosen


def save(trace: xr.Dataset, path: str | Path) -> Path:
    """Write a Trace to a NetCDF-4 file: under a temporary name first, then renamed."""
    return files.write_netcdf(check(trace), path)


def load(path: str | Path) -> xr.Dataset:
    """Read a Trace back.

    Raises
    ------
    InputError
        if there is no such file, or it is not NetCDF, or holds something else.
    """
    return check(files.read_netcdf(path))
