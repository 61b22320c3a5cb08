"""Processes of this machine that make calls: what one of them had begun when it was lost, another does."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from multiprocessing.synchronize import Event
from typing import Any

TRIES = 2  # of a call alone, after the process was lost that had begun it
# threads of every worker would wait for those of the others; read when libraries load, so set before a worker starts
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

UNGUARDED = (
    "the processes that were to do this ended while they started: each runs the script again that started it, so that "
    'this must do its work below `if __name__ == "__main__":`; if it does, is memory short?'
)
_starting = threading.Lock()  # of threads that start processes, of which each sets the environment for a while

log = logging.getLogger("neurofwp")

Calls = Mapping[int, tuple[Any, ...]]


class Processes:
    """A pool of so many processes, of one thread each."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._open(count)

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """As of `parallel.Executor`: calls have begun when this returns."""
        waiting = dict(enumerate(calls))
        return self._arrivals(function, waiting, self._submit(function, waiting))

    def _arrivals(
        self, function: Callable[..., Any], waiting: dict[int, tuple[Any, ...]], futures: dict[Future[Any], int]
    ) -> Iterator[tuple[int, Any]]:
        """What comes of the calls that wait. When a process is lost, so is the pool: calls that it may have been making
        are made one by one, which shows the one that ends processes, and all others in another pool."""
        while True:
            for future in as_completed(futures):
                outcome = _outcome(future)
                if not isinstance(outcome, BrokenProcessPool):
                    del waiting[futures[future]]
                    yield futures[future], outcome
            if not waiting:
                return
            if not self._began.is_set():
                yield from ((index, RuntimeError(UNGUARDED)) for index in waiting)
                return
            log.warning("a process was lost: what it had begun is done again")
            for index in list(waiting)[: self._count]:  # calls begin in order
                yield index, self._alone(function, waiting.pop(index))
            self._replace(self._count)
            futures = self._submit(function, waiting)

    def _alone(self, function: Callable[..., Any], call: tuple[Any, ...]) -> Any:
        for _ in range(TRIES):
            self._replace(1)
            futures = self._submit(function, {0: call})
            outcome = next((_outcome(future) for future in futures), BrokenProcessPool())
            if not isinstance(outcome, BrokenProcessPool):
                return outcome
        return RuntimeError("the processes that did this were lost, one after the other: is memory short?")

    def _replace(self, count: int) -> None:
        self._pool.shutdown()
        self._open(count)

    def _open(self, count: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy the state of libraries that run threads
        self._began = context.Event()  # whether any process has
        self._pool = ProcessPoolExecutor(count, context, initializer=begin_worker, initargs=(self._began,))

    def _submit(self, function: Callable[..., Any], calls: Calls) -> dict[Future[Any], int]:
        """Futures of all calls, or of those before which the pool broke."""
        futures: dict[Future[Any], int] = {}
        with _starting, _environment(ONE_THREAD):  # submitting starts the processes
            for index, call in calls.items():
                try:
                    futures[self._pool.submit(_make, function, *call)] = index
                except BrokenProcessPool:
                    break
        return futures

    def close(self) -> None:
        """Finish what has begun, and nothing else."""
        self._pool.shutdown(cancel_futures=True)

    def kill(self) -> None:
        """End all processes at once; what they had begun is lost, and done again when the work is resumed."""
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(cancel_futures=True)


def _make(function: Callable[..., Any], *call: Any) -> Any:
    """A call in a process. What it raises can be sent, and ends no other."""
    try:
        return function(*call)
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"what was called ended its process: {type(error).__name__} {error}") from None
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # then nobody could read it, and the process would count as lost
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise


def _outcome(future: Future[Any]) -> Any:
    error = future.exception()
    return future.result() if error is None else error


def begin_worker(began: Event | None = None) -> None:
    """Leave interrupts to the process that started this one, and end as soon as it is gone: killed, it tells nobody."""
    if began is not None:
        began.set()
    signal.signal(signal.SIGINT, lambda *_: None)  # a function: Brian2 calls whatever was there before
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
