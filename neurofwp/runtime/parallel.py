"""The one way to do work that takes long: cases in, results out, in parallel processes, kept and resumed.

`parallel_map` returns all results; `start` lets the caller do other work while they come. A result is kept as soon as
it is there (see `store`), and a case whose result lies in the folder is not computed again. After an error or an
interrupt what has not begun is dropped.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from neurofwp.errors import InputError
from neurofwp.runtime import registry, source, store
from neurofwp.runtime.processes import Processes
from neurofwp.runtime.progress import progress_bar, watch

LIMIT = "NEUROFWP_PROCESSES"  # the environment variable that a worker among others is told how many it may have with
WORKER_START = 3.0  # seconds until a worker has imported Brian2 and torch

Name = TypeVar("Name", bound=Hashable)
Result = TypeVar("Result")

log = logging.getLogger("neurofwp")


class Executor(Protocol):
    """Where calls are made: here, in processes of this machine, or elsewhere (`sweeps`)."""

    def run(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Any | BaseException]]:
        """Begin `function(*call)` for every call; index of each, and its result or the exception it raised, as they
        finish."""


class Results(Generic[Name, Result]):
    """Results of a map by name, which may still be at work."""

    def __init__(
        self, kept: Mapping[Name, Result], coming: Iterator[tuple[Name, Any]], return_exceptions: bool
    ) -> None:
        self.kept = tuple(kept)
        self._found: dict[Name, Any] = dict(kept)
        self._arriving = self._arrivals(coming, return_exceptions)

    def __getitem__(self, name: Name) -> Result:
        """The result of a case, waited for if need be.

        Raises
        ------
        Exception
            that this or another case raised meanwhile.
        """
        if name not in self._found:
            for arrived in self._arriving:
                if arrived == name:
                    break
        result: Result = self._found[name]
        return result

    def as_completed(self) -> Iterator[tuple[Name, Result]]:
        """Every name and its result: those that are there at once, the others as they finish."""
        yield from list(self._found.items())
        for name in self._arriving:
            yield name, self._found[name]

    def _arrivals(self, coming: Iterator[tuple[Name, Any]], return_exceptions: bool) -> Iterator[Name]:
        for name, outcome in coming:
            returned = return_exceptions and isinstance(outcome, Exception)
            if isinstance(outcome, BaseException) and not returned:
                raise outcome
            self._found[name] = outcome
            yield name


def parallel_map(
    work: Callable[..., Result],
    cases: Mapping[Name, tuple[Any, ...]],
    *,
    folder: Path | None = None,
    description: str = "done",
    workers: int | None = None,
    executor: Executor | None = None,
    report: Callable[[Name, Result], str] | None = None,
) -> dict[Name, Result]:
    """`work(*arguments)` of every case, in their order, with a progress bar.

    Parameters
    ----------
    work, cases, folder, workers, executor : as of `start`.
    description : of the progress bar.
    report : in place of the bar, what to log when a case is done; the first one shows its own progress.
    """
    follow = report is not None
    with start(work, cases, folder=folder, workers=workers, executor=executor, follow=follow) as results:
        kept = f", of which {len(results.kept)} were kept" if folder else ""
        log.info("%s: %d%s", description, len(cases), kept)
        with progress_bar(total=len(cases), desc=description, disable=follow) as bar:
            for name, result in results.as_completed():
                bar.update()
                if report:
                    log.info("%s", report(name, result))
        return {name: results[name] for name in cases}


@contextmanager
def start(
    work: Callable[..., Result],
    cases: Mapping[Name, tuple[Any, ...]],
    *,
    folder: Path | None = None,
    workers: int | None = None,
    seconds: Callable[..., float] | None = None,
    executor: Executor | None = None,
    follow: bool = False,
    return_exceptions: bool = False,
) -> Iterator[Results[Name, Result]]:
    """Begin `work(*arguments)` of every case that was not kept; what has not begun on the way out is dropped.

    Parameters
    ----------
    work : a function that can be imported. cases : its arguments, by name.
    folder : where results are kept, and found again.
    workers : processes; by default one per core, or none where `seconds` says that they would not pay.
    seconds : how long a case takes, from its arguments; without it, longer than a worker takes to start.
    executor : an open one, in place of processes of its own.
    follow : the first case that is computed shows its progress: `work` is called with progress=True.
    return_exceptions : an exception of a case is its result, and stops no other.
    """
    places = store.entries(folder, work, cases)
    kept = {name: found for name, place in places.items() if (found := place.read()) is not None}
    waiting = [name for name in cases if name not in kept]
    code, registered = source.package_hash(), registry.registered_modules()
    calls = [
        (work, cases[name], places.get(name), code, registered, follow and watch() and name == waiting[0])
        for name in waiting
    ]
    # an open executor has decided already
    estimates = [seconds(*cases[name]) for name in waiting] if seconds and not executor else None
    own: AbstractContextManager[Executor] = (
        nullcontext(executor) if executor else open_executor(len(calls), workers, estimates)
    )
    with own as running:
        coming = ((waiting[index], outcome) for index, outcome in running.run(_compute, calls))
        yield Results(kept, coming, return_exceptions)


def _compute(
    work: Callable[..., Result],
    arguments: tuple[Any, ...],
    place: store.Entry | None,
    code: str,
    registered: Sequence[str],
    follow: bool,
) -> Result:
    """One case, wherever it is computed.

    Raises
    ------
    InputError
        if other code runs here than where the map was started.
    """
    if source.package_hash() != code:
        raise InputError("the source of neurofwp changed while this ran, or differs between machines: start again")
    registry.restore(registered)
    result = work(*arguments, progress=True) if follow else work(*arguments)
    if place is not None:
        place.write(result)
    return result


def process_count(tasks: int, workers: int | None = None) -> int:
    """How many processes do that many tasks: `workers`, or one per core, and no more than there are tasks."""
    return max(1, min(tasks, workers or int(os.environ.get(LIMIT) or 0) or os.cpu_count() or 1))


@contextmanager
def open_executor(tasks: int, workers: int | None = None, seconds: Sequence[float] | None = None) -> Iterator[Executor]:
    """Processes for that many tasks, or this process alone where others would not pay.

    Parameters
    ----------
    workers : processes, by default one per core. seconds : how long each task takes, where that is known.
    """
    count = process_count(tasks, workers)
    pays = workers is not None or seconds is None or processes_pay(seconds, count)
    if tasks <= 1 or os.environ.get(LIMIT) == "1" or not pays:
        yield _Here()
        return
    processes = Processes(count)
    try:
        yield processes
    except Exception:
        processes.close()  # what has begun is finished, and kept
        raise
    except BaseException:
        processes.kill()
        raise
    processes.close()


def processes_pay(seconds: Sequence[float], count: int) -> bool:
    """Whether so many processes finish tasks of such lengths sooner than this one, their start included."""
    in_processes = max(sum(seconds) / count, max(seconds, default=0.0))
    return WORKER_START + in_processes < sum(seconds)


class _Here:
    """Makes each call when its result is asked for."""

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        for index, call in enumerate(calls):
            try:
                outcome = function(*call)
            except Exception as error:
                outcome = error
            yield index, outcome
