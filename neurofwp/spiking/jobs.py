"""Several simulations at once, one per core, each kept as soon as it is finished."""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurofwp import provenance, trace
from neurofwp.errors import InputError
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

    def run(self, progress: bool = False) -> xr.Dataset:
        """The Trace."""
        return SpikingNetwork(**self.network).run(self.program, seed=self.seed, probes=self.probes, progress=progress)

    def digest(self) -> str:
        """A name for the result: whatever could change a number changes it."""
        what = [SpikingNetwork(**self.network).config(), self.seed, list(self.probes), provenance.versions(), provenance.commit()]
        sha = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode())
        for name in sorted(map(str, self.program.data_vars)):
            sha.update(np.ascontiguousarray(self.program[name].values).tobytes())
        return sha.hexdigest()[:16]


def run_all(jobs: Sequence[Job], *, folder: Path | None = None, workers: int | None = None) -> list[xr.Dataset]:
    """Run jobs in parallel processes; the longest one reports its progress.

    Parameters
    ----------
    folder : where each Trace is kept when it is finished. A job whose Trace lies there already, from the same commit of
        an unmodified source tree, is not run again: an interrupted experiment goes on where it stopped.
    workers : processes; by default one per core.

    Returns
    -------
    Traces, in the order of `jobs`.
    """
    paths = [folder / f"{job.name}-{job.digest()}.nc" if folder and _reproducible() else None for job in jobs]
    traces = [_kept(path) for path in paths]
    waiting = sorted((i for i, found in enumerate(traces) if found is None), key=lambda i: -_length(jobs[i]))
    for job, found in zip(jobs, traces, strict=True):
        log.info("%s: %s", job.name, "to be simulated" if found is None else "kept from before")
    if not waiting:
        return [found for found in traces if found is not None]
    processes = min(len(waiting), workers or os.cpu_count() or 1)
    # spawn: a fork would copy the state of libraries that run threads
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = {i: pool.submit(_run, jobs[i], paths[i], i == waiting[0]) for i in waiting}
        try:
            for i, future in futures.items():
                traces[i] = future.result()
                log.info("%s: done (%s: %s)", jobs[i].name, traces[i].attrs["target"], traces[i].attrs["target_reason"])
        except BaseException:
            for future in futures.values():
                future.cancel()
            raise
    return [found for found in traces if found is not None]


def _run(job: Job, path: Path | None, progress: bool) -> xr.Dataset:
    result = job.run(progress)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        trace.save(result, path)
    return result


def _kept(path: Path | None) -> xr.Dataset | None:
    try:
        return trace.load(path) if path is not None and path.is_file() else None
    except InputError:
        return None  # damaged: run it again


def _reproducible() -> bool:
    """Whether the commit names the code that runs."""
    return provenance.commit() != "unknown" and not provenance.commit().endswith("+")


def _length(job: Job) -> float:
    return job.program.sizes["episode"] * float(job.program["duration"].sum())
