"""What a fit needs from a Program and a Trace, as tensors: the signals of every event and the weights after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofwp import errors, program as programs, trace as traces
from neurofwp.errors import InputError
from neurofwp.rate import choose_device

DRIVES = {
    "nominal": "keys and values as the Program says",
    "measured": "keys as key cells fired, values as the Program says",
    "measured-both": "keys as key cells fired, values as dendrites were depolarised",
}


@dataclass(frozen=True)
class Records:
    """Signals and weights of some episodes.

    key (episode, 1, event, pre), value (episode, pool, event, post), gate and retention (episode, 1, event),
    weight (episode, pool, event, post, pre). Pools are ON and OFF where the Trace has conductances, else one.
    initial is the weight before the first event, the same for all synapses.
    readout, activity and teaching are the typical W k after a write, key of one active cell, and norm of a value:
    they turn the bounds of parameters, which are stated for values of one, into the units of this Trace.
    """

    key: Tensor
    value: Tensor
    gate: Tensor
    retention: Tensor
    weight: Tensor
    initial: float
    nonnegative: bool
    readout: float
    activity: float
    teaching: float

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """key, value, gate, retention, weight."""
        return self.key, self.value, self.gate, self.retention, self.weight

    def with_tensors(self, tensors: Sequence[Tensor]) -> Records:
        """The same with others in their place, in the order of `tensors`."""
        key, value, gate, retention, weight = tensors
        return replace(self, key=key, value=value, gate=gate, retention=retention, weight=weight)

    def episodes(self, chosen: Sequence[int]) -> Records:
        index = torch.as_tensor(list(chosen), device=self.key.device)
        return self.with_tensors([each[index] for each in self.tensors])

    def posts(self, index: Tensor) -> Records:
        return replace(self, value=self.value[..., index], weight=self.weight[..., index, :])

    def pres(self, index: Tensor) -> Records:
        return replace(self, key=self.key[..., index], weight=self.weight[..., index])

    def without_silent(self) -> Records:
        """Without the synapses whose presynaptic cell is silent in a whole episode: no rule moves them from zero.

        Episodes keep different cells; those with fewer are filled up with silent cells whose weight is zero, so
        that residuals of all rules change by the same constant.
        """
        active = (self.key != 0).any(dim=2)[:, 0]  # (episode, pre)
        if self.initial != 0 or bool(active.all()):
            return self
        width = int(active.sum(-1).max())
        order = active.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[:, :width]
        kept = active.gather(-1, order)[:, None, None]  # (episode, 1, 1, width)
        of_key = order[:, None, None].expand(*self.key.shape[:-1], -1)
        of_weight = order[:, None, None, None].expand(*self.weight.shape[:-1], -1)
        weight = self.weight.gather(-1, of_weight) * kept[:, :, :, None]
        return replace(self, key=self.key.gather(-1, of_key), weight=weight)


def observed_weights(trace: xr.Dataset) -> xr.DataArray:
    """The weights that a fit explains: pool conductances where the Trace has them, else the signed weights."""
    return trace["conductance"] if "conductance" in trace else trace["weight"]


def prepare(
    program: xr.Dataset,
    trace: xr.Dataset,
    *,
    drive: str = "nominal",
    nonnegative: bool = True,
    device: str = "cpu",
) -> Records:
    """Records of all episodes of a Trace of that Program.

    Keys are divided by the Euclidean norm of the Program's key. With drive "measured" they are the presynaptic rates
    of the Trace, divided by the one constant that makes them fit the Program's keys best in least squares, and by the
    norm of the *Program's* key: dividing by their own would remove the noise of their size, which the synapses saw.
    With "measured-both" values are the voltage of the dendrites while the gate was open as well, taken to the scale of
    the Program's values by the one gain and offset that make them fit best. Where inhibition takes the answer off the
    teaching signal, such a value is an error already.
    Weights start at the Trace's coordinate or attribute "initial_weight", in the Trace's unit, or at zero where it does
    not say.

    Raises
    ------
    InputError
        for an invalid Program or Trace, dims that do not match, an unknown drive, measured activity that is not there,
        weights that are not finite or do not vary, several conditions, or fewer than two episodes.
    """
    programs.check(program)
    traces.check(trace)
    if programs.CONDITION in program.dims or programs.CONDITION in trace.dims:
        raise InputError(
            "a fit is of one condition: choose it with neurofwp.trace.of_condition, and neurofwp.program.nth_condition "
            "where Programs differ"
        )
    weight = observed_weights(trace)
    for dim in programs.SCHEMA.dims["key"] + ("post",):
        if program.sizes[dim] != weight.sizes[dim]:
            raise InputError(
                f"the Trace has {weight.sizes[dim]} along {dim!r}, but its Program has {program.sizes[dim]}"
            )
    if program.sizes["episode"] < 2:
        raise InputError("a fit needs 2 episodes or more, to train on some and judge on others; the Program has 1")
    if not np.isfinite(weight.values).all():
        raise InputError(f"{weight.name} of the Trace must be finite, but holds NaN or infinity")
    if np.ptp(weight.values) == 0:
        raise InputError(f"{weight.name} of the Trace is {weight.values.flat[0]:g} everywhere: nothing was learned")

    where = choose_device(device)

    def tensor(array: xr.DataArray | np.ndarray) -> Tensor:
        return torch.as_tensor(np.asarray(array, dtype=np.float64)).to(where)

    pools = "conductance" in trace
    value = _values(program, trace, drive, pools)
    after = weight.values if pools else weight.values[:, :, None]
    key = _keys(program, trace, drive)
    gate = program["write_gate"].values
    readout = np.einsum("etpij,etj->etpi", after, key)[gate > 0]
    taught = np.linalg.norm(value, axis=-1)[gate > 0]
    return Records(
        key=tensor(key)[:, None],
        value=tensor(value).transpose(1, 2),
        gate=tensor(gate)[:, None],
        retention=tensor(program["retention"])[:, None],
        weight=tensor(after).transpose(1, 2).contiguous(),
        initial=float(trace.coords.get("initial_weight", trace.attrs.get("initial_weight", 0.0))),
        nonnegative=nonnegative and pools,
        readout=_rms(readout),
        activity=_active_size(program["key"].values),
        teaching=_rms(taught),
    )


def _keys(program: xr.Dataset, trace: xr.Dataset, drive: str) -> np.ndarray:
    key = program["key"].values
    norm = np.linalg.norm(key, axis=-1, keepdims=True)
    norm[norm == 0] = 1.0
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


def _active_size(key: np.ndarray) -> float:
    """The root mean square, over writes, of an active cell's key once that has unit norm."""
    active = (key > 0).sum(-1)
    return float(np.sqrt(np.mean(1 / active[active > 0]))) if active.any() else 1.0
