"""Trace: what a network did with a Program, in the same words whether it spikes or not.

A Trace is an `xarray.Dataset`:

====================  ====================================  =============================================
variable              dims                                  meaning
====================  ====================================  =============================================
``weight``            episode, event, post, pre             fast weight after the event (spiking: the mean
                                                            conductance of ON cells minus that of OFF cells);
                                                            NaN where it was not seen
``recall``            episode, event, post                  answer to the event's query (NaN without one)
``conductance``       episode, event, polarity, post, pre   non-negative weights of ON and OFF pools, where
                                                            the network has them
``pre_rate``          episode, event, pre                   optional: measured presynaptic rate in the write
``post_rate``         episode, event, polarity, post        optional: measured somatic rate in the read
``dendrite``          episode, event, polarity, post        optional: measured dendritic voltage while the write
                                                            gate is open (NaN where it is not)
``spike_*``           spike                                 optional: time, cell, episode, population
``probe_*``           probe, time                           optional: one synapse over time
``initial_weight``    any of episode, polarity, post, pre   optional: weight before the first event; 0 if left out
====================  ====================================  =============================================

A table of all of this, `to_dataframe`, has a row for every spike at every synapse: make those of `tree`, which has
groups for what has dims of its own, as files of Traces do.

The Trace of several conditions has a dimension ``condition`` before these, but for spikes, of which
``spike_condition`` says to which they belong; `of_condition` chooses one.

Every variable has ``attrs["units"]``; the Dataset's attrs hold config, seed, versions and commit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.program import CONDITION
from neurofwp.runtime import files, parts, provenance
from neurofwp.runtime.quantities import refuse_quantity
from neurofwp.schema import Schema, Variable

if TYPE_CHECKING:
    from brian2 import Unit

KIND = "neurofwp.trace"
PROVENANCE = ("network", "config", "seed", "versions", "commit")

_POOLS = ("episode", "event", "polarity", "post")
SCHEMA = Schema(
    "Trace",
    KIND,
    {
        "weight": Variable(("episode", "event", "post", "pre"), "fast weight after the event", missing=True),
        "recall": Variable(("episode", "event", "post"), "answer to the event's query; NaN without one", missing=True),
        "conductance": Variable((*_POOLS, "pre"), "weights of ON and OFF pools", missing=True, optional=True),
        "pre_rate": Variable(("episode", "event", "pre"), "presynaptic rate in the write", missing=True, optional=True),
        "post_rate": Variable(_POOLS, "somatic rate in the read", missing=True, optional=True),
        "dendrite": Variable(_POOLS, "dendritic voltage while the write gate is open", missing=True, optional=True),
    },
    leading=(CONDITION,),
    attrs=PROVENANCE,
    units=True,
)


def check(trace: xr.Dataset) -> xr.Dataset:
    """Return `trace` unchanged if it is a valid Trace.

    Raises
    ------
    InputError
        for a missing variable, wrong dims, a missing unit, missing provenance or a weight that is not finite.
    """
    return SCHEMA.check(trace)


def from_weights(
    weight: np.ndarray | xr.DataArray,
    *,
    units: str | Unit,
    initial_weight: float | np.ndarray | xr.DataArray | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """A Trace of weights that came from elsewhere: measured, or simulated by other code.

    Parameters
    ----------
    weight : after every event, (episode, event, post, pre), or (event, post, pre) of one episode; non-negative ones of
        an ON and an OFF pool, (episode, event, polarity, post, pre). A DataArray may have its dims in any order. NaN
        stands for what was not seen: whole events, or synapses in a whole episode.
    units : of the weights, like "nS" or Brian2's nS.
    initial_weight : before the first event: one number, or (post, pre), or (episode, post, pre), in the same unit. Left
        out: 0, unless fits take the first observation for it.

    Raises
    ------
    InputError
        for other dims, or no unit.
    """
    pools = weight.ndim == 5
    dims = SCHEMA.dims["conductance" if pools else "weight"]
    own = _labelled(weight, dims, "weight")
    if not units:
        raise InputError('weights need a unit, like units="nS", or "1" where they have none')
    signed = own.isel(polarity=0) - own.isel(polarity=1) if pools else own
    made = xr.Dataset({"weight": signed.transpose(*SCHEMA.dims["weight"])})
    if pools:
        made["conductance"] = own
    made["recall"] = xr.full_like(made["weight"].isel(pre=0, drop=True), np.nan)
    if initial_weight is not None:
        refuse_quantity(initial_weight, "initial_weight", "plain numbers in the unit of the weights")
        array = xr.DataArray(initial_weight)
        if not isinstance(initial_weight, xr.DataArray) and array.ndim:
            array = _labelled(np.asarray(initial_weight), ("episode", "post", "pre"), "initial_weight")
            array = array if np.ndim(initial_weight) == 3 else array.isel(episode=0, drop=True)
        made["initial_weight"] = array
    for name in made.data_vars:
        made[name].attrs["units"] = str(units)
    made["recall"].attrs["units"] = "1"
    made.attrs |= {"kind": KIND, "network": "given weights"}
    return check(provenance.stamp(made, config={"weights": "given"}, seed=seed))


def from_answers(
    recall: np.ndarray | xr.DataArray,
    *,
    pre: int,
    units: str | Unit,
    initial_weight: float | np.ndarray | xr.DataArray | None = None,
    seed: int | None = None,
) -> xr.Dataset:
    """A Trace of answers to a Program's queries that came from elsewhere, of weights that nobody saw.

    Parameters
    ----------
    recall : W q of every event, (episode, event, post), or (event, post) of one episode; NaN where nothing was asked.
    pre : how many presynaptic cells there are. units : of the answers; of queries of norm one, that of the weights.
    initial_weight : as of `from_weights`.

    Raises
    ------
    InputError
        for other dims, or no unit.
    """
    own = _labelled(recall, SCHEMA.dims["recall"], "recall")
    latent = np.full((*own.shape, pre), np.nan)
    made = from_weights(latent, units=units, initial_weight=initial_weight, seed=seed)
    return check(made.assign(recall=own.assign_attrs(units=str(units))))


def _labelled(array: np.ndarray | xr.DataArray, dims: tuple[str, ...], name: str) -> xr.DataArray:
    """The array with all dims in their order; one that lacks the first, episode, is of one episode."""
    if isinstance(array, xr.DataArray):
        missing, extra = set(dims) - set(array.dims), set(array.dims) - set(dims)
        if missing - {"episode"} or extra:
            raise InputError(f"{name} must have the dims {', '.join(dims)}, not {', '.join(map(str, array.dims))}")
        full = array.expand_dims(list(missing)).transpose(*dims).astype(float)
        return full.drop_vars(list(full.coords))
    refuse_quantity(array, name, f"plain numbers and their unit, as in {name}/nS and units='nS'")
    values = np.asarray(array, dtype=float)
    values = values[None] if values.ndim == len(dims) - 1 else values
    if values.ndim != len(dims):
        raise InputError(f"{name} must have the dims {', '.join(dims)}, but has the shape {values.shape}")
    return xr.DataArray(values, dims=dims)


def of_condition(trace: xr.Dataset, condition: int | str) -> xr.Dataset:
    """The Trace of one condition, with its spikes: as the network would have left it without the others.

    Parameters
    ----------
    condition : its label, where the Trace has labels, else its number.

    Raises
    ------
    InputError
        for a Trace without conditions, or one that has no such condition.
    """
    if CONDITION not in trace.dims:
        raise InputError("this Trace has no conditions to choose from")
    known = trace[CONDITION].values.tolist()  # numbers, where there are no labels
    if condition not in known:
        raise InputError(f"this Trace has no condition {condition!r}; it has {', '.join(map(repr, known))}")
    number = known.index(condition)
    chosen = trace.isel({CONDITION: number})
    if "spike_condition" in trace:
        chosen = chosen.isel(spike=np.flatnonzero(trace["spike_condition"].values == number))
    return chosen.drop_vars("spike_condition", errors="ignore")


def only_condition(*several: xr.Dataset) -> None:
    """Refuse Traces of several conditions, for figures, which show one.

    Raises
    ------
    InputError
        which says how to choose.
    """
    for trace in several:
        if CONDITION in trace.dims:
            first = trace[CONDITION].values.tolist()[0]
            raise InputError(
                f"this Trace has {trace.sizes[CONDITION]} conditions, of which one can be shown: choose it with "
                f"neurofwp.trace.of_condition(trace, {first!r})"
            )


def tree(trace: xr.Dataset) -> xr.DataTree:
    """Weights and rates, spikes, and probes of a Trace, as groups: each has a table, ``tree["spikes"].to_dataframe()``.

    A table of the whole Trace would have a row for every spike at every synapse.
    """
    groups = {name or "weights": part for name, part in parts.take_apart(check(trace)).items()}
    return xr.DataTree.from_dict({f"/{name}": part for name, part in groups.items()}, name="trace")


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
