"""Conditions and episodes of a Program as replicas: the parts of one network that nothing connects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from brian2 import Quantity

from neurofwp import program as programs
from neurofwp.program import CONDITION
from neurofwp.spiking import conditions as differing
from neurofwp.spiking.recording import Probe
from neurofwp.synapses.parameters import Parameter


@dataclass(frozen=True)
class Replicas:
    """Replicas are ordered by condition, then by episode.

    program : its episodes are the replicas.
    parameters : quantities (condition,) that differ between conditions, by name.
    own_seeds : (condition,) of conditions that have seeds of their own.
    conditions : how many there are; None where run and Trace have no such dimension.
    coords : of the dimension ``condition``.
    """

    program: xr.Dataset
    parameters: Mapping[str, Quantity]
    own_seeds: tuple[int, ...]
    conditions: int | None
    coords: Mapping[str, xr.DataArray]

    @classmethod
    def of(cls, program: xr.Dataset, conditions: xr.Dataset | None, declared: Mapping[str, Parameter]) -> Replicas:
        """From a Program, with ``condition`` or without, and conditions as `SpikingNetwork.run` takes them.

        Raises
        ------
        InputError
            for conditions that `neurofwp.spiking.conditions` refuses, or that are not those of the Program.
        """
        parameters = {} if conditions is None else differing.parameters(conditions, declared)
        seeds = () if conditions is None else differing.seeds(conditions)
        given = [each for each in (program, conditions) if each is not None and CONDITION in each.dims]
        if not given:
            return cls(program, parameters, seeds, None, {})
        count = programs.check_conditions(*given)
        coords = {str(name): each for one in given for name, each in one.coords.items() if each.dims == (CONDITION,)}
        names = [name for name in programs.SCHEMA.dims if name in program]
        plain = program[names].drop_vars(coords, errors="ignore")
        if conditions is not None:
            coords |= {str(name): each for name, each in conditions.data_vars.items()}
        each = [programs.nth_condition(plain, number) for number in range(count)]
        return cls(xr.concat(each, dim="episode", combine_attrs="override"), parameters, seeds, count, coords)

    @property
    def episodes(self) -> int:
        """Episodes of each condition."""
        return int(self.program.sizes["episode"]) // (self.conditions or 1)

    @property
    def numbers(self) -> list[int]:
        """(replica,): which episode of its condition it is."""
        return list(range(self.episodes)) * (self.conditions or 1)

    def seeds(self, seed: int) -> list[int]:
        """(replica,): of its condition, where that has one, else that of the run."""
        return [each for each in self.own_seeds or [seed] * (self.conditions or 1) for _ in range(self.episodes)]

    @property
    def varied(self) -> dict[str, Quantity]:
        """Parameters that differ, as quantities (replica,)."""
        return {name: np.repeat(values, self.episodes) for name, values in self.parameters.items()}

    def probes(self, probes: Sequence[Probe]) -> list[Probe]:
        """The probes in every condition, by replica."""
        return [
            (number * self.episodes + episode, polarity, post, pre)
            for number in range(self.conditions or 1)
            for episode, polarity, post, pre in probes
        ]

    def by_condition(self, recorded: xr.Dataset) -> xr.Dataset:
        """A Trace, or probes, whose episodes are the replicas, over ``condition`` and what is left."""
        if self.conditions is None:
            return recorded
        own = {str(name): self._unpack(each) for name, each in recorded.variables.items()}
        coords = {name: own.pop(name) for name in map(str, recorded.coords)}
        if "probe_episode" in coords:
            coords["probe_episode"] = coords["probe_episode"] % self.episodes
        return xr.Dataset(own, coords, recorded.attrs).assign_coords(self.coords)

    def spikes_by_condition(self, spikes: xr.Dataset) -> xr.Dataset:
        """Spikes whose episodes are the replicas, each with its condition."""
        if self.conditions is None:
            return spikes
        replica = spikes["spike_episode"].variable
        own = {
            f"spike_{name}": xr.Variable("spike", part.values, replica.attrs)
            for name, part in (("condition", replica // self.episodes), ("episode", replica % self.episodes))
        }
        return spikes.assign(own).assign_attrs(episodes=self.episodes, conditions=self.conditions)

    def _unpack(self, variable: xr.Variable) -> xr.Variable:
        """A variable over replicas, or over the probes of all conditions, over ``condition`` and what is left."""
        for dim in {"episode", "probe"} & set(variable.dims):
            if variable.dims == ("probe",):  # where a probe is: the same in all conditions
                return variable[: variable.sizes[dim] // (self.conditions or 1)]
            place = variable.dims.index(dim)
            shape = (*variable.shape[:place], self.conditions or 1, -1, *variable.shape[place + 1 :])
            unpacked = np.moveaxis(variable.values.reshape(shape), place, 0)
            return xr.Variable((CONDITION, *variable.dims), unpacked, variable.attrs)
        return variable
