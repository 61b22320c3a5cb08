"""Many protocols on one synapse model: in few simulations, in parallel, each kept as soon as it is done.

Protocols of similar duration run side by side in one simulation, so that many short ones do not wait for long ones;
simulations run one per core. Protocols that differ by name alone are one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from neurofwp.brian import backends
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.protocol import Protocol
from neurofwp.runtime.parallel import parallel_map

LONGER = 2.0  # times the shortest: the longest protocol of a group
FEW = 10  # protocols: below that they are no group of their own

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class _Simulation:
    """What all simulations have in common; a model in a file counts by what the file holds."""

    model: str | Path
    repeats: int
    backend: str

    def change(self, protocols: Sequence[Protocol], seed: int) -> xr.Dataset:
        changed = Laboratory(self.model, backend=self.backend).change(protocols, repeats=self.repeats, seed=seed)
        return changed[["ratio", "sem"]].reset_coords(drop=True)


def changes(
    model: str | Path,
    protocols: Sequence[Protocol],
    *,
    repeats: int,
    seed: int,
    backend: str = "auto",
    folder: Path | None = None,
) -> xr.Dataset:
    """``ratio`` and ``sem`` (protocol) of each protocol, as of `Laboratory.change`, from simulations in parallel.

    Simulations that were kept in `folder` are not run again.

    Raises
    ------
    InputError
        as `Laboratory` and its `change`.
    """
    simulation = _Simulation(model, repeats, backends.choose(backend)[0])
    means = {protocol.name: replace(protocol, name="", coordinates={}) for protocol in protocols}
    first = {repr(same): name for name, same in reversed(means.items())}
    unique = [protocol for protocol in protocols if protocol.name in first.values()]
    groups = group_by_duration(unique)
    seeds = np.random.SeedSequence(seed).generate_state(len(groups)).tolist()
    cases = {
        f"{index}-{len(group)}-protocols": (simulation, group, own)
        for index, (group, own) in enumerate(zip(groups, seeds, strict=True))
    }
    log.info("%d protocols in %d simulations", len(unique), len(groups))
    done = parallel_map(_Simulation.change, cases, folder=folder, description="simulating protocols")
    found = xr.concat(list(done.values()), dim="protocol")
    every = found.sel(protocol=[first[repr(same)] for same in means.values()])
    return every.assign_coords(protocol=list(means))


def group_by_duration(protocols: Sequence[Protocol], few: int = FEW) -> list[list[Protocol]]:
    """Protocols whose durations differ by less than a factor, `LONGER`, together; the longest group first.

    A group of fewer than `few` joins the one before it: to compile another program takes longer than to let few
    synapses wait.
    """
    groups: list[list[Protocol]] = []
    for protocol in sorted(protocols, key=lambda protocol: -protocol.duration):
        if groups and groups[-1][0].duration < LONGER * protocol.duration:
            groups[-1].append(protocol)
        else:
            groups.append([protocol])
    joined = groups[:1]
    for group in groups[1:]:
        if len(group) < few:
            joined[-1] += group
        else:
            joined.append(group)
    return joined
