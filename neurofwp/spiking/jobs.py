"""Several simulations at once, one per core, each kept as soon as it is finished."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr
from brian2 import second

from neurofwp.brian import backends
from neurofwp.errors import InputError
from neurofwp.program import CONDITION
from neurofwp.runtime import parallel
from neurofwp.spiking import room_needed
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.spiking.recording import Probe
from neurofwp.trace import of_condition

# Seconds of computing for one simulated second of a small network, and for one synapse in one step of plasticity.
SECOND = {"cpp_standalone": 0.1, "cython": 5.0, "numpy": 10.0}
UPDATE = 0.5e-9

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Job:
    """One run of one network: the arguments of `SpikingNetwork` and of its `run`, or, where `recorded`, `record`."""

    name: str
    program: xr.Dataset
    network: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    recorded: bool = False
    probes: Sequence[Probe] = ()
    conditions: xr.Dataset | None = None
    spikes: xr.Dataset | None = None
    teaching: xr.Dataset | None = None

    def run(self, progress: bool = False) -> xr.Dataset | xr.DataTree:
        """The Trace, or the recording."""
        if not self.recorded:
            return self.trace(progress)
        network = SpikingNetwork(**self.network)
        return network.record(self.program, probes=self.probes, progress=progress, **self._given())

    def trace(self, progress: bool = False) -> xr.Dataset:
        """The Trace alone."""
        return SpikingNetwork(**self.network).run(self.program, progress=progress, **self._given())

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("seed", "conditions", "spikes", "teaching")}

    def depends_on(self) -> list[Any]:
        """All that the Trace depends on beside the code: parameters as they are, not the name of the model's file."""
        return [
            SpikingNetwork(**self.network).config(),
            self.seed,
            self.recorded,
            list(self.probes),
            self.conditions,
            self.spikes,
            self.teaching,
            backends.choose(self.network.get("backend", "auto")),
            self.program,
        ]

    def room(self) -> room_needed.Room:
        """Memory and disk that it needs, at least."""
        network = SpikingNetwork(**self.network)
        return room_needed.needed(network, self.program, self.conditions, len(self.probes))

    def seconds(self) -> float:
        """About how long it takes: what every simulated second and every update of a synapse cost.

        Compiling does not count: it uses all cores by itself.
        """
        network = SpikingNetwork(**self.network)
        size = self.program.sizes
        others = [dim for dim in self.program["key"].dims if dim != "event"]
        written, read = ((self.program[name] > 0).any(others) for name in ("key", "query"))
        phases = max(
            1, int((written.astype(int) + read).max())
        )  # an event that is written and read takes twice its duration
        longest = float(self.program["duration"].max()) / 1000 + float(network.circuit["pause"] / second)
        simulated = size["event"] * phases * longest
        conditions = size.get("condition", 1) if self.conditions is None else self.conditions.sizes["condition"]
        replicas = size["episode"] * conditions
        synapses = replicas * size["pre"] * 2 * size["post"] * network.cells_per_pool
        steps = simulated * float(second / network.plasticity_step)
        backend, _ = backends.choose(network.backend)
        return simulated * SECOND[backend] + steps * synapses * UPDATE


@dataclass(frozen=True)
class Traces:
    """What jobs leave, by their names; waits for it if need be."""

    found: Callable[[str], xr.Dataset | xr.DataTree]

    def __call__(self, name: str) -> xr.Dataset:
        """The Trace of a job."""
        done = self.found(name)
        return done["trace"].to_dataset() if isinstance(done, xr.DataTree) else done

    def recording(self, name: str) -> xr.DataTree:
        """Trace, spikes and probes of a job with `recorded`."""
        done = self.found(name)
        assert isinstance(done, xr.DataTree)
        return done

    def of_condition(self, number: int) -> Traces:
        """The same of one condition, where jobs have several."""

        def find(name: str) -> xr.Dataset | xr.DataTree:
            every = self.found(name)
            trace = every["trace"] if isinstance(every, xr.DataTree) else every
            return of_condition(every, number) if CONDITION in trace.dims else every

        return Traces(find)


@contextmanager
def start(
    jobs: Sequence[Job],
    *,
    folder: Path | None = None,
    workers: int | None = None,
    executor: parallel.Executor | None = None,
) -> Iterator[Traces]:
    """Run jobs in their order, in parallel processes where that pays; the first one reports its progress.

    Parameters
    ----------
    folder, workers, executor : as of `neurofwp.runtime.parallel.start`.

    Yields
    ------
    A function from the name of a job to its Trace, and its recording: other work can go on until it waits for these.

    Raises
    ------
    InputError
        if two jobs have the same name, or there is no room for what they leave.
    """
    if len({job.name for job in jobs}) < len(jobs):
        raise InputError(f"jobs need different names, not {', '.join(job.name for job in jobs)}")
    if jobs:
        who = f"{len(jobs)} simulations together need" if len(jobs) > 1 else "this simulation needs"
        room_needed.check(who, *(job.room() for job in jobs))
    cases = {job.name: (job,) for job in jobs}
    with parallel.start(
        _run, cases, folder=folder, workers=workers, seconds=Job.seconds, executor=executor, follow=True
    ) as traces:
        told = set(traces.kept)
        waiting = ", ".join(job.name for job in jobs if job.name not in told)
        log.info("simulating %s", waiting or "nothing: all traces were kept")

        def find(name: str) -> xr.Dataset | xr.DataTree:
            found = traces[name]
            if name not in told:
                told.add(name)
                about = found["trace"].attrs if isinstance(found, xr.DataTree) else found.attrs
                log.info("%s: simulated (%s: %s)", name, about["backend"], about["backend_reason"])
            return found

        yield Traces(find)


def run_all(jobs: Sequence[Job], *, folder: Path | None = None, workers: int | None = None) -> list[xr.Dataset]:
    """The Traces of all jobs, in their order; see `start`."""
    with start(jobs, folder=folder, workers=workers) as trace:
        return [trace(job.name) for job in jobs]


def _run(job: Job, progress: bool = False) -> xr.Dataset | xr.DataTree:
    return job.run(progress)
