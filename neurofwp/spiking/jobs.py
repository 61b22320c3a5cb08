"""Several simulations at once, one per core, each kept as soon as it is finished."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurofwp import processes, provenance
from neurofwp import trace as traces
from neurofwp.errors import InputError
from neurofwp.spiking import targets
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
    varied: Mapping[str, Any] = field(default_factory=dict)

    def run(self, progress: bool = False) -> xr.Dataset:
        """The Trace."""
        return SpikingNetwork(**self.network).run(
            self.program, seed=self.seed, probes=self.probes, varied=self.varied, progress=progress
        )

    def digest(self) -> str:
        """A name for the result: whatever could change a number changes it."""
        what = [
            SpikingNetwork(**self.network).config(),
            self.seed,
            list(self.probes),
            {name: np.asarray(values).tolist() for name, values in self.varied.items()},
            targets.choose(self.network.get("target", "auto")),
            provenance.versions(),
            provenance.commit(),
            {str(name): variable.shape for name, variable in self.program.data_vars.items()},
        ]
        sha = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode())
        for name in sorted(map(str, self.program.data_vars)):
            sha.update(np.ascontiguousarray(self.program[name].values).tobytes())
        return sha.hexdigest()[:16]


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
    paths = {
        job.name: folder / f"{job.name}-{job.digest()}.nc" if folder and provenance.reproducible() else None
        for job in jobs
    }
    found = {name: kept for name, path in paths.items() if (kept := _kept(path)) is not None}
    waiting = [job for job in jobs if job.name not in found]
    if folder and not provenance.reproducible():
        log.info(
            "traces are not kept: the source tree has changes, or is no git checkout, so no commit names this code"
        )
    log.info("simulating %s", ", ".join(job.name for job in waiting) or "nothing: all traces were kept")
    with processes.pool(processes.at_a_time(len(waiting), workers)) as pool:
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
    result = job.run(progress)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        traces.save(result, path)
    return result


def _kept(path: Path | None) -> xr.Dataset | None:
    try:
        return traces.load(path) if path is not None and path.is_file() else None
    except InputError:
        return None  # damaged: run it again
