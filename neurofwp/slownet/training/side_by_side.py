"""Many small networks trained at once, one process per core."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import as_completed
from typing import Any, TypeVar

import torch

from neurofwp.runtime import processes

Name = TypeVar("Name", bound=Hashable)
Result = TypeVar("Result")

log = logging.getLogger("neurofwp")


def side_by_side(
    work: Callable[..., Result], jobs: Mapping[Name, tuple[Any, ...]], say: Callable[[Name, Result], str]
) -> dict[Name, Result]:
    """`work(*arguments, progress=...)` for every job, in parallel processes; the first job shows its progress.

    Parameters
    ----------
    work : a function that can be imported. jobs : the arguments of each, by name; started in this order.
    say : what to log when a job is done.

    Returns
    -------
    What came of every job, in their order.
    """
    log.info("training %d networks, %d at a time", len(jobs), processes.at_a_time(len(jobs)))
    found: dict[Name, Result] = {}
    # small matrices gain nothing from threads
    with processes.pool(len(jobs), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = {
            pool.submit(work, *arguments, progress=number == 0): name
            for number, (name, arguments) in enumerate(jobs.items())
        }
        for future in as_completed(futures):
            name = futures[future]
            found[name] = future.result()
            log.info("%s", say(name, found[name]))
    return {name: found[name] for name in jobs}
