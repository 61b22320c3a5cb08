"""What a synapse model predicts of measurements, simulated for many sets of parameters at once.

The same function of parameters as a closed form (`neurofwp.laboratory.closed_form`). Protocols of similar duration
share a bench, with every set beside the others; each simulation is kept as soon as it is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import xarray as xr
from brian2 import ms
from numpy.typing import NDArray

from neurofwp.brian import backends
from neurofwp.laboratory.one_pair import EMPTY, mean_weight
from neurofwp.laboratory.protocol import Protocol
from neurofwp.laboratory.responses import noisy
from neurofwp.laboratory.side_by_side import group_by_duration
from neurofwp.laboratory.variants import change_variants, declared_values
from neurofwp.runtime import parallel
from neurofwp.synapses.model import SynapseModel, load

Floats = NDArray[np.float64]

# Ratios of the shipped models differ by .003 at most from those with steps of 0.1 ms, in half of the time.
STEP = 0.2  # ms
REPEATS = 100  # of every protocol, where a model has noise: with 60 it is as large as SEMs


@dataclass(frozen=True)
class _Bench:
    """What all simulations have in common; a model in a file counts by what the file holds."""

    model: str | Path
    repeats: int
    step: float
    backend: str

    def changes(self, protocols: Sequence[Protocol], numbers: Mapping[str, Floats], seed: int) -> xr.Dataset:
        """``ratio`` and ``sem`` (set, protocol)."""
        return change_variants(
            load(self.model),
            numbers,
            protocols,
            repeats=self.repeats,
            seed=seed,
            step=self.step * ms,
            backend=self.backend,
        )


@dataclass
class Simulated:
    """Ratios (sets, protocols) as a function of parameters: numbers (sets,) in declared units, by name.

    Noise differs between calls: the seeds of each follow from `seed` and from how many were before it.

    model : name or path. repeats : of each protocol, where the model has noise; by default `REPEATS`, else once.
    step : of everything, ms. folder : where simulations are kept, and found again. executor : where they run; by
        default in processes that each call starts.
    """

    model: str | Path
    protocols: Sequence[Protocol]
    repeats: int | None = None
    seed: int = 0
    step: float = STEP
    backend: str = "auto"
    folder: Path | None = None
    executor: parallel.Executor | None = None
    calls: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.synapse: SynapseModel = load(self.model)
        self.noisy = noisy(self.synapse)
        before = None if mean_weight(self.synapse) > 0 else EMPTY
        same = [
            replace(each, name="", coordinates={}, initial=before if each.initial is None else each.initial)
            for each in self.protocols
        ]
        unique = {repr(each): replace(each, name=str(index)) for index, each in reversed(list(enumerate(same)))}
        self.place = [list(unique).index(repr(each)) for each in same]
        self.groups = group_by_duration(list(unique.values()), few=1)
        order = [protocol.name for group in self.groups for protocol in group]
        self.order = [order.index(each.name) for each in unique.values()]

    def __call__(self, numbers: Mapping[str, Floats]) -> Floats:
        """All of them, simulated, but for those that were kept."""
        sets = max((np.size(each) for each in numbers.values()), default=1)
        own = {name: np.broadcast_to(np.asarray(each, float).reshape(-1), sets) for name, each in numbers.items()}
        if not own:  # a bench of variants needs a parameter in which they differ
            own = {name: np.array([value]) for name, value in list(declared_values(self.synapse).items())[:1]}
        repeats = (self.repeats or REPEATS) if self.noisy else 1
        bench = _Bench(self.model, repeats, self.step, backends.choose(self.backend)[0])
        sequence = np.random.SeedSequence([self.seed, self.calls if self.noisy else 0])
        seeds = sequence.generate_state(len(self.groups)).tolist()
        cases = {
            f"{self.calls}-{index}": (bench, group, own, seed)
            for index, (group, seed) in enumerate(zip(self.groups, seeds, strict=True))
        }
        self.calls += 1
        with parallel.start(_Bench.changes, cases, folder=self.folder, executor=self.executor) as done:
            found = [done[name]["ratio"].values for name in cases]
        return np.asarray(np.concatenate(found, axis=1)[:, self.order][:, self.place])
