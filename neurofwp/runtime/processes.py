"""Independent work in parallel processes, one per core."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

LIMIT = "NEUROFWP_PROCESSES"  # the environment variable that a worker among others is told how many it may have with


def at_a_time(tasks: int, workers: int | None = None) -> int:
    """How many processes run that many tasks: `workers`, or one per core, and no more than there are tasks."""
    return max(1, min(tasks, workers or int(os.environ.get(LIMIT) or 0) or os.cpu_count() or 1))


@contextmanager
def pool(
    tasks: int,
    workers: int | None = None,
    *,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
) -> Iterator[Executor]:
    """An executor for that many tasks; on the way out, also after an error, what has not begun is dropped.

    One task alone, and all of a worker that may have one process, are done in this process: another takes seconds to
    start.
    """
    if tasks == 1 or os.environ.get(LIMIT) == "1":
        yield _Here()
        return
    # spawn: a fork would copy the state of libraries that run threads
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(at_a_time(tasks, workers), context, initializer, initargs)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


class _Here(Executor):
    """Does at once what it is given."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
