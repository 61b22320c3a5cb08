"""Several simulations at once, one per core, each kept as soon as it is finished."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xarray as xr

from neurofwp.brian import backends
from neurofwp.errors import InputError
from neurofwp.runtime import parts, processes, provenance
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.spiking.recording import Probe

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Job:
    """One run of one network: the arguments of `SpikingNetwork` and of its `run`."""

    name: str
    program: xr.Dataset
    network: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    probes: Sequence[Probe] = ()
    conditions: xr.Dataset | None = None

    def run(self, progress: bool = False) -> xr.Dataset:
        """The Trace."""
        return SpikingNetwork(**self.network).run(
            self.program, seed=self.seed, probes=self.probes, conditions=self.conditions, progress=progress
        )

    def place(self, folder: Path | None) -> Path | None:
        """Where its Trace is kept: whatever could change a number changes the name."""
        return parts.place(
            folder,
            self.name,
            SpikingNetwork(**self.network).config(),
            self.seed,
            list(self.probes),
            self.conditions,
            backends.choose(self.network.get("target", "auto")),
            self.program,
        )


@contextmanager
def running(
    jobs: Sequence[Job], *, folder: Path | None = None, workers: int | None = None
) -> Iterator[Callable[[str], xr.Dataset]]:
    """Run jobs in parallel processes, in their order; the first one reports its progress.

    Parameters
    ----------
    folder : where each Trace is kept when it is finished. A job whose Trace lies there already, from the same commit of
        an unmodified source tree, is not run again: an interrupted experiment goes on where it stopped.
    workers : processes; by default one per core.

    Yields
    ------
    A function from the name of a job to its Trace, which waits for it if need be: other work can go on meanwhile.

    Raises
    ------
    InputError
        if two jobs have the same name.
    """
    if len({job.name for job in jobs}) < len(jobs):
        raise InputError(f"jobs need different names, not {', '.join(job.name for job in jobs)}")
    paths = {job.name: job.place(folder) for job in jobs}
    found = {name: part for name, path in paths.items() if (part := parts.kept(path)) is not None}
    waiting = [job for job in jobs if job.name not in found]
    if folder and not provenance.reproducible():
        log.info(
            "traces are not kept: the source tree has changes, or is no git checkout, so no commit names this code"
        )
    log.info("simulating %s", ", ".join(job.name for job in waiting) or "nothing: all traces were kept")
    with processes.pool(len(waiting), workers) as pool:
        futures = {job.name: pool.submit(_run, job, paths[job.name], job is waiting[0]) for job in waiting}

        def trace(name: str) -> xr.Dataset:
            if name not in found:
                found[name] = futures[name].result()
                log.info(
                    "%s: simulated (%s: %s)", name, found[name].attrs["target"], found[name].attrs["target_reason"]
                )
            return found[name]

        yield trace


def run_all(jobs: Sequence[Job], *, folder: Path | None = None, workers: int | None = None) -> list[xr.Dataset]:
    """The Traces of all jobs, in their order; see `running`."""
    with running(jobs, folder=folder, workers=workers) as trace:
        return [trace(job.name) for job in jobs]


def _run(job: Job, path: Path | None, progress: bool) -> xr.Dataset:
    return parts.keep(job.run(progress), path)
