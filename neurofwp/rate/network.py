"""The rate network: runs a Program under an update rule."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofwp import errors, rules, trace
from neurofwp.errors import InputError
from neurofwp.program import CONDITION, check, on_off, over_conditions, typical_key
from neurofwp.rate.arguments import check_bounds
from neurofwp.rate.drive import relative_keys
from neurofwp.rate.scan import Bounds, scan
from neurofwp.rules import Rule
from neurofwp.runtime import provenance


class RateNetwork:
    """A fast weight memory without spikes: W follows `rule`, a read returns W q.

    Parameters
    ----------
    rule : id of a rule (see `neurofwp.rules.RULES`), or a Rule.
    parameters : values that replace the rule's defaults, or that a fit adds to them, `Rule.fitted_with`.
    on_off : two pools of weights, for (1 + v)/2 and (1 - v)/2, read as their difference: the code of a network
        whose weights and rates cannot be negative. The Trace then has `conductance`.
    bounds : (low, high), to which weights are clamped after every event; (0, inf) for conductances.
    unit_keys : keys and queries are divided by their Euclidean norm (Yang et al. 2024, DeltaNet), so that a delta
        rule with gate 1 recalls exactly; a silent key stays zero. False takes them as they are.
    value_offset : teaching bias that is added to every value, as in the fits.
    units : of the weights: "nS" with parameters that were fitted to conductances.
    device : "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises
    ------
    InputError
        for an unknown rule or parameter, a rule that takes more than a Program has or no bounds, a parameter that is
        not finite, bounds that are not (low, high), or a device that is not there.
    """

    def __init__(
        self,
        rule: str | Rule,
        *,
        parameters: Mapping[str, float] | None = None,
        on_off: bool = False,
        bounds: Bounds | None = None,
        unit_keys: bool = True,
        value_offset: float = 0.0,
        units: str = "1",
        device: str = "cpu",
        dtype: torch.dtype = torch.float64,
    ) -> None:
        self.rule = rules.get(rule)
        if not (self.rule.runs_programs or self.rule.driven_by_programs):
            takes = ", ".join(argument.name for argument in self.rule.arguments) or "an initial weight"
            raise InputError(
                f"rule {self.rule.id!r} takes other signals than a Program has ({takes}): run it with neurofwp.rate.run"
            )
        self.parameters = {name: each for name, each in self.rule.defaults().items() if name != self.rule.timed_by}
        known = [*self.parameters, *(each.name for each in self.rule.fitted_with)]
        for name, number in (parameters or {}).items():
            if name not in known:
                raise errors.unknown(f"parameter of rule {self.rule.id!r},", name, known)
            if not np.isfinite(number):
                raise InputError(f"{name} of rule {self.rule.id!r} must be finite, but is {number}")
            self.parameters[name] = float(number)
        self.on_off = on_off
        check_bounds(self.rule, bounds)
        self.bounds = bounds
        self.unit_keys = unit_keys
        self.value_offset = value_offset
        self.units = units
        self.device = choose_device(device)
        self.dtype = dtype

    def run(self, program: xr.Dataset, seed: int | None = None) -> xr.Dataset:
        """Run every event of every episode.

        The network is deterministic; `seed` is only written into the provenance.

        Returns
        -------
        Trace with `weight` and `recall` (NaN where the query is silent), and `conductance` if `on_off`, in `units`.

        Raises
        ------
        InputError
            if `program` is not a Program, or the weights overflow.
        """
        check(program)
        if CONDITION in program.dims:
            return over_conditions(lambda one: self.run(one, seed), program)
        key, query = (self._keys(program[name]) for name in ("key", "query"))
        if relative_keys(self.rule):
            key = key / typical_key(program, unit_keys=self.unit_keys)
        coded = on_off(program) if self.on_off else program["value"].expand_dims(polarity=1, axis=2)
        value = self._tensor(coded).transpose(1, 2) + self.value_offset  # (episode, polarity, event, post)
        gate, retention = (self._tensor(program[name])[:, None] for name in ("write_gate", "retention"))
        parameters = {name: value.new_tensor(number) for name, number in self.parameters.items()}
        with torch.no_grad():
            # (episode, polarity, event, post, pre)
            duration = self._tensor(program["duration"] / 1000)[:, None]
            pools = scan(self.rule, parameters, key[:, None], value, gate, retention, None, self.bounds, duration)
            self._refuse_lost(pools)
            weight = pools[:, 0] - pools[:, 1] if self.on_off else pools[:, 0]
            recall = (weight @ query[..., None])[..., 0]
            recall[~query.any(-1)] = torch.nan
        return self._trace(program, pools, weight, recall, seed)

    def _refuse_lost(self, pools: Tensor) -> None:
        """
        Raises
        ------
        InputError
            for weights (episode, polarity, event, post, pre) that are not finite: the first event of which.
        """
        lost = ~pools.isfinite()
        if bool(lost.any()):
            event = int(lost.any(-1).any(-1).any(1).any(0).nonzero()[0])
            episode, _, post, pre = (int(each) for each in lost[:, :, event].nonzero()[0])
            number = float(pools[:, :, event][lost[:, :, event]][0])
            raise InputError(
                f"a weight of rule {self.rule.id!r} is {number:g} after event {event} of episode {episode} (post "
                f"{post}, pre {pre}), and was finite before: {self.rule.finite_with} would keep it so"
            )

    def _trace(
        self, program: xr.Dataset, pools: Tensor, weight: Tensor, recall: Tensor, seed: int | None
    ) -> xr.Dataset:
        made = {"weight": weight, "recall": recall}
        if self.on_off:
            made["conductance"] = pools.transpose(1, 2)
        result = xr.Dataset(
            {
                name: (trace.SCHEMA.dims[name], array.cpu().numpy(), {"units": self.units})
                for name, array in made.items()
            },
            coords=program.coords,
            attrs={"kind": trace.KIND, "network": "rate"},
        )
        if self.on_off:
            result = result.assign_coords(polarity=["on", "off"])
        config = {
            "rule": self.rule.id,
            "parameters": self.parameters,
            "on_off": self.on_off,
            "bounds": None if self.bounds is None else list(map(str, self.bounds)),  # JSON has no infinity
            "unit_keys": self.unit_keys,
            "value_offset": self.value_offset,
            "device": str(self.device),
            "dtype": str(self.dtype),
        }
        return trace.check(provenance.stamp(result, config=config, seed=seed))

    def _keys(self, array: xr.DataArray) -> Tensor:
        keys = self._tensor(array)
        return unit(keys) if self.unit_keys else keys

    def _tensor(self, array: xr.DataArray) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(array.values)).to(self.device, self.dtype)


def unit(keys: Tensor) -> Tensor:
    """Keys (..., pre) divided by their Euclidean norm; a silent key stays zero."""
    norm = torch.linalg.vector_norm(keys, dim=-1, keepdim=True)
    return keys / torch.where(norm > 0, norm, 1.0)


def choose_device(name: str) -> torch.device:
    """The torch device of that name; "auto" is a GPU where there is one.

    Raises
    ------
    InputError
        for a name that torch does not know, or a GPU that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise errors.unknown("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device 'cuda' was asked for, but torch sees no GPU; use 'cpu' or 'auto'")
    return torch.device(name)
