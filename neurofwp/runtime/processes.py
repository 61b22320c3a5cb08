"""Processes of this machine that make calls: what one of them had begun when it was lost, another does."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from queue import SimpleQueue
from typing import Any

TRIES = 3  # of a call whose process was lost
# threads of every worker would wait for those of the others; read when libraries load, so set before a worker starts
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

log = logging.getLogger("neurofwp")


class Processes:
    """So many processes, of one thread each. One that is lost takes no other with it: each is a pool of its own."""

    def __init__(self, count: int) -> None:
        self._waiting: SimpleQueue[_Call | None] = SimpleQueue()
        self._starting = threading.Lock()  # also of all below
        self._pools: dict[int, ProcessPoolExecutor] = {}
        self._ended = False
        self._turns = _Turns()
        self._threads = [threading.Thread(target=self._work, args=(own,), daemon=True) for own in range(count)]
        for thread in self._threads:
            thread.start()

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """As of `parallel.Executor`: calls have begun when this returns."""
        arrivals: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        for index, call in enumerate(calls):
            self._waiting.put(_Call(function, call, index, arrivals))
        return (arrivals.get() for _ in calls)

    def _work(self, own: int) -> None:
        """Make one call after the other, in a process of this thread's own."""
        while (call := self._waiting.get()) is not None:
            outcome: Any = CancelledError()
            for attempt in range(TRIES):
                if self._ended:
                    break
                with self._turns.alone() if attempt else self._turns.together():
                    outcome = self._make(own, call)
                if not isinstance(outcome, BrokenProcessPool):
                    break
                log.warning("a process was lost: what it had begun is done again")
            else:
                outcome = RuntimeError("the processes that did this were lost, one after the other: is memory short?")
            call.arrivals.put((call.index, outcome))

    def _make(self, own: int, call: _Call) -> Any:
        """What comes of a call."""
        try:
            with self._starting, _environment(ONE_THREAD):  # the first call of a pool starts its process
                if self._ended:
                    return CancelledError()
                if own not in self._pools:
                    self._pools[own] = _open()
                future = self._pools[own].submit(_make, call.function, *call.arguments)
            outcome = _outcome(future)
        except BaseException as error:  # which must not end a thread that others wait for
            outcome = error
        if isinstance(outcome, BrokenProcessPool):
            with self._starting:
                if (broken := self._pools.pop(own, None)) is not None:
                    broken.shutdown(wait=False)
        return outcome

    def close(self) -> None:
        """Finish what has begun, and nothing else."""
        self._ended = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        for pool in self._pools.values():
            pool.shutdown()

    def kill(self) -> None:
        """End all processes at once; what they had begun is lost, and done again when the work is resumed."""
        self._ended = True
        with self._starting:
            for pool in self._pools.values():
                for process in list((pool._processes or {}).values()):
                    process.kill()
        self.close()


@dataclass(frozen=True)
class _Call:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    index: int
    arrivals: SimpleQueue[tuple[int, Any]]


class _Turns:
    """Calls are made side by side, but alone where their process was lost before: memory may be short."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._at_work = self._want = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        yield from self._turn(lambda: self._want == 0)

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._want += 1
        try:
            yield from self._turn(lambda: self._at_work == 0)
        finally:
            with self._changed:
                self._want -= 1
                self._changed.notify_all()

    def _turn(self, comes: Callable[[], bool]) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(comes)
            self._at_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()


def _open() -> ProcessPoolExecutor:
    # spawn: a fork would copy the state of libraries that run threads
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=begin_worker)


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


def begin_worker() -> None:
    """Leave interrupts to the process that started this one, and end as soon as it is gone: killed, it tells nobody."""
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
