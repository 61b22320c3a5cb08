"""Records made from a Program and a Trace: checked, keys and values as a fit takes them, and what was not seen."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofwp import errors, program as programs, trace as traces
from neurofwp.errors import InputError
from neurofwp.identification.answers import answers, asked, queries
from neurofwp.identification.records import Records
from neurofwp.rate import choose_device

DRIVES = {
    "nominal": "keys and values as the Program says",
    "measured": "keys as key cells fired, values as the Program says",
    "measured-both": "keys as key cells fired, values as dendrites were depolarised",
}
UNEQUAL = 0.01  # norms of keys that differ by more than this share matter
INITIAL = ("given", "first")


def observed_weights(trace: xr.Dataset) -> xr.DataArray:
    """The weights that a fit explains: pool conductances where the Trace has them, else the signed weights."""
    return trace["conductance"] if "conductance" in trace else trace["weight"]


def unit_of(trace: xr.Dataset, observed: str) -> str:
    """The unit of what a fit explains, and of W in it: of a query of norm one, an answer has the unit of a weight."""
    return str((trace["recall"] if observed == "reads" else observed_weights(trace)).attrs["units"])


def prepare(
    program: xr.Dataset,
    trace: xr.Dataset,
    *,
    drive: str = "nominal",
    observed: str = "weights",
    unit_keys: bool | None = None,
    initial: str = "given",
    nonnegative: bool = True,
    device: str = "cpu",
) -> Records:
    """Records of all episodes of a Trace of that Program.

    What was observed are the weights, or "reads": the answers W q of the Trace's ``recall``, in its unit, as spikes of
    value cells give them while weights are latent. Pools of a Trace that has conductances are those of the rules then
    too, and its weights are not looked at.

    Keys are divided by the Euclidean norm of the Program's key where `keys_of_norm_one` says so. With drive "measured"
    they are the presynaptic rates of the Trace, divided by the one constant that makes them fit the Program's keys best
    in least squares, and by the norm of the *Program's* key: dividing by their own would remove the noise of their
    size, which the synapses saw. With "measured-both" values are the voltage of the dendrites while the gate was open
    as well, taken to the scale of the Program's values by the one gain and offset that make them fit best. Where
    inhibition takes the answer off the teaching signal, such a value is an error already.
    Weights start at the Trace's variable or attribute "initial_weight", in the Trace's unit, or at zero where it does
    not say; with `initial` "first", at the first weights that were seen, and the events after them are fitted.
    Weights that were not seen are NaN: whole events, or synapses in a whole episode. Rules run on all of them.

    Raises
    ------
    InputError
        for an invalid Program or Trace, dims that do not match, an unknown drive, measured activity that is not there,
        weights that are not finite or do not vary, a Program that writes nothing, or several conditions.
    """
    _check(program, trace, initial)
    weight, pools = observed_weights(trace), "conductance" in trace
    reads = answers(program, trace, observed, initial)
    after, seen, synapses = _seen(weight if pools else weight.expand_dims("polarity", 2)) if reads is None else reads
    where = choose_device(device)
    tensor = partial(_tensor, where)
    value = _values(program, trace, drive, pools)
    unit_keys = keys_of_norm_one(program, trace, unit_keys)
    key = _keys(program, trace, drive, unit_keys)
    gate = program["write_gate"].values
    readout = _readout(after, key, seen, synapses)[gate > 0] if reads is None else after[asked(program)]
    records = Records(
        key=tensor(key)[:, None],
        value=tensor(value).transpose(1, 2),
        gate=tensor(gate)[:, None],
        retention=tensor(program["retention"])[:, None],
        weight=tensor(after).transpose(1, 2).contiguous(),
        initial=tensor(_initial(trace, pools)),
        observed=torch.as_tensor(seen, device=where),
        synapses=torch.as_tensor(synapses, device=where),
        nonnegative=nonnegative and pools,
        unit_keys=unit_keys,
        readout=_rms(readout[np.isfinite(readout)]),
        activity=programs.typical_key(program, unit_keys=unit_keys),
        teaching=_rms(np.linalg.norm(value, axis=-1)[gate > 0]),
        duration=tensor(program["duration"] / 1000)[:, None],
        query=None if reads is None else tensor(queries(program, unit_keys))[:, None],
    )
    return _from_first(records) if initial == "first" else records


def _tensor(device: torch.device, array: xr.DataArray | np.ndarray) -> Tensor:
    return torch.as_tensor(np.require(array, dtype=np.float64, requirements="W")).to(device)


def _check(program: xr.Dataset, trace: xr.Dataset, initial: str) -> None:
    """Refuse what is no recording of one condition of a Program that writes."""
    programs.check(program)
    traces.check(trace)
    if initial not in INITIAL:
        raise errors.unknown("initial", initial, INITIAL)
    if programs.CONDITION in program.dims or programs.CONDITION in trace.dims:
        raise InputError(
            "a fit is of one condition: choose it with neurofwp.trace.of_condition, and neurofwp.program.nth_condition "
            "where Programs differ"
        )
    if not ((program["write_gate"] > 0) & (program["key"] != 0).any("pre")).any():
        raise InputError("the Program writes nothing: its write gate is 0 wherever a key is active")
    weight = observed_weights(trace)
    for dim in programs.SCHEMA.dims["key"] + ("post",):
        if program.sizes[dim] != weight.sizes[dim]:
            raise InputError(
                f"the Trace has {weight.sizes[dim]} along {dim!r}, but its Program has {program.sizes[dim]}"
            )


def _seen(weight: xr.DataArray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (episode, event, pool, post, pre), 0 where they were not seen; which events, and which synapses
    (episode, pool, post, pre), were.

    NaN stands for what was not seen: whole events, and whole synapses in an episode.
    """
    values = weight.transpose("episode", "event", "polarity", "post", "pre").values
    missing = np.isnan(values)
    if np.isinf(values).any() or missing.all():
        raise InputError(f"{weight.name} of the Trace must be finite where it was seen, and NaN where it was not")
    observed = ~missing.all(axis=(0, 2, 3, 4))
    synapses = ~missing[:, observed].all(axis=1)
    expected = ~(observed[None, :, None, None, None] & synapses[:, None])
    if not np.array_equal(missing, expected):
        where = tuple(int(each) for each in np.argwhere(missing != expected)[0])
        raise InputError(
            f"{weight.name} of the Trace is NaN at episode {where[0]}, event {where[1]}, post {where[3]}, pre "
            f"{where[4]}: NaN may stand for whole events, or for synapses that were not seen in a whole episode"
        )
    if np.ptp(values[~missing]) == 0:
        raise InputError(f"{weight.name} of the Trace is {values[~missing][0]:g} everywhere: nothing was learned")
    if synapses.all():
        synapses = np.ones((1, 1, 1, 1), dtype=bool)
    return np.nan_to_num(values), observed, synapses


def _readout(weight: np.ndarray, key: np.ndarray, observed: np.ndarray, synapses: np.ndarray) -> np.ndarray:
    """W k after every event, (episode, event, pool, post), of the weights that were seen then or next.

    NaN where none were seen from then on, nor any synapse of an active cell. Of cells some of whose synapses were seen,
    what these add up to over the share of |k|^2 that they carry.
    """
    if observed.all() and synapses.all():
        found: np.ndarray = np.einsum("etpij,etj->etpi", weight, key)
        return found
    times = np.arange(len(observed))
    following = np.where(observed, times, len(times))
    following = np.minimum.accumulate(following[::-1])[::-1]  # the event itself, or the next that was seen
    known = following < len(times)
    found = np.full((*key.shape[:2], *weight.shape[2:4]), np.nan)
    found[:, known] = np.einsum("etpij,etj->etpi", weight[:, following[known]], key[:, known])
    squares = key**2
    seen = np.einsum("epij,etj->etpi", np.broadcast_to(synapses, weight[:, 0].shape).astype(float), squares)
    total = squares.sum(axis=-1)[:, :, None, None]
    whole: np.ndarray = np.divide(found * total, seen, out=np.full_like(found, np.nan), where=seen > 0)
    return whole


def _from_first(records: Records) -> Records:
    """Records that begin with the first observation, whose weights are then the initial ones.

    Raises
    ------
    InputError
        if weights were seen only once.
    """
    seen = torch.nonzero(records.observed)[:, 0]
    if len(seen) < 2:
        raise InputError("initial weights are taken from the first observation, but weights were seen only once")
    first = int(seen[0])
    return replace(records.since(first + 1), initial=records.weight[:, :, first], initial_seen=True)


def _initial(trace: xr.Dataset, pools: bool) -> np.ndarray:
    """(episode, pool, post, pre), each dim 1 where weights do not differ along it; zero where a Trace does not say.

    Raises
    ------
    InputError
        for another dim, or weights that are not finite.
    """
    given = trace.get("initial_weight", xr.DataArray(trace.attrs.get("initial_weight", 0.0)))
    dims = ("episode", *(("polarity",) if pools else ()), "post", "pre")
    if not set(given.dims) <= set(dims):
        raise InputError(f"initial_weight may have the dims {', '.join(dims)}, not {', '.join(map(str, given.dims))}")
    if not np.isfinite(given.values).all():
        raise InputError("initial_weight of the Trace must be finite, but holds NaN or infinity")
    present = given.expand_dims([dim for dim in dims if dim not in given.dims]).transpose(*dims)
    return np.asarray(present.values if pools else present.values[:, None])


def keys_of_norm_one(program: xr.Dataset, trace: xr.Dataset, unit_keys: bool | None) -> bool:
    """Whether keys are divided by their norms: as asked for, else as the network that made the Trace did, else yes.

    Where nothing says and norms differ by more than `UNEQUAL`, a warning names them.
    """
    if unit_keys is not None:
        return unit_keys
    if trace.attrs["network"] != "given weights":
        return bool(json.loads(trace.attrs["config"]).get("unit_keys", True))
    norm = np.linalg.norm(program["key"].values, axis=-1)
    written = norm[norm > 0]
    if np.ptp(written) > UNEQUAL * written.max():
        errors.warn(
            f"keys have norms from {written.min():.3g} to {written.max():.3g}: they are divided by them, unless "
            "unit_keys=False says that the size of a key counts"
        )
    return True


def _keys(program: xr.Dataset, trace: xr.Dataset, drive: str, unit_keys: bool) -> np.ndarray:
    """Keys (episode, event, pre)."""
    key = program["key"].values
    norm = np.linalg.norm(key, axis=-1, keepdims=True)
    norm = np.where(norm > 0, norm, 1.0) if unit_keys else np.ones_like(norm)
    if drive == "nominal":
        return np.asarray(key / norm)
    if drive not in DRIVES:
        raise errors.unknown("drive", drive, DRIVES)
    _needs(trace, "pre_rate", drive)
    rate = np.nan_to_num(trace["pre_rate"].values)  # NaN: an event without a write
    if not (key * rate).sum() > 0:
        raise InputError("pre_rate of the Trace is zero wherever the Program's key is active")
    return np.asarray(rate * ((key**2).sum() / (key * rate).sum()) / norm)


def _values(program: xr.Dataset, trace: xr.Dataset, drive: str, pools: bool) -> np.ndarray:
    """(episode, event, pool, post)."""
    value = programs.on_off(program).values if pools else program["value"].values[:, :, None]
    if drive != "measured-both":
        return np.asarray(value)
    _needs(trace, "dendrite", drive)
    voltage = trace["dendrite"].values
    taught = np.isfinite(voltage) & (program["key"] > 0).any("pre").values[:, :, None, None]
    if not taught.any() or np.ptp(voltage[taught]) == 0:
        raise InputError("the dendritic voltage of the Trace does not vary over the Program's writes")
    gain, offset = np.polyfit(voltage[taught], value[taught], 1)
    return np.where(taught, gain * np.nan_to_num(voltage) + offset, value)


def _needs(trace: xr.Dataset, name: str, drive: str) -> None:
    if name not in trace:
        raise InputError(f"drive {drive!r} needs {name}, which this Trace does not have; use drive 'nominal'")


def _rms(numbers: np.ndarray) -> float:
    """Root mean square, or 1 where that is no scale to measure by."""
    return float(np.sqrt(np.mean(numbers**2))) or 1.0 if numbers.size else 1.0
