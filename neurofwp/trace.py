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

from neurofwp.runtime import files
from neurofwp.schema import Schema, Variable

KIND = "neurofwp.trace"
PROVENANCE = ("network", "config", "seed", "versions", "commit")

_POOLS = ("episode", "event", "polarity", "post")
SCHEMA = Schema(
    "Trace",
    KIND,
    {
        "weight": Variable(("episode", "event", "post", "pre"), "fast weight after the event"),
        "recall": Variable(("episode", "event", "post"), "answer to the event's query; NaN without one", missing=True),
        "conductance": Variable((*_POOLS, "pre"), "weights of ON and OFF pools", missing=True, optional=True),
        "pre_rate": Variable(("episode", "event", "pre"), "presynaptic rate in the write", missing=True, optional=True),
        "post_rate": Variable(_POOLS, "somatic rate in the read", missing=True, optional=True),
        "dendrite": Variable(_POOLS, "dendritic voltage while the write gate is open", missing=True, optional=True),
    },
    attrs=PROVENANCE,
    units=True,
)
DIMS = {name: each.dims for name, each in SCHEMA.variables.items() if not each.optional}
OPTIONAL = {name: each.dims for name, each in SCHEMA.variables.items() if each.optional}


def check(trace: xr.Dataset) -> xr.Dataset:
    """Return `trace` unchanged if it is a valid Trace.

    Raises
    ------
    InputError
        for a missing variable, wrong dims, a missing unit, missing provenance or a weight that is not finite.
    """
    return SCHEMA.check(trace)


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
