"""Many points on many cores, or on a cluster of dask workers: each is kept as soon as it is finished.

A point that fails is reported with its error, in the log and in the Dataset, and does not stop the others. One whose
worker is lost runs again on another.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofwp.errors import InputError
from neurofwp.runtime import parallel
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.progress import progress_bar
from neurofwp.runtime.store import Entry, clear

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 10  # seconds until a scheduler must have answered
POINT = "point"  # the name of what a point leaves, in its folder

log = logging.getLogger("neurofwp")

Numbers = Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """Where it lies in the sweep, by dimension; what is done there; and where that is kept."""

    at: Mapping[str, Any]
    task: Any
    place: Path


@dataclass(frozen=True)
class _Outcome:
    numbers: Numbers
    error: str = ""
    seconds: float = 0.0


def sweep(
    work: Callable[[Sequence[Any], Sequence[Path]], Sequence[Numbers]],
    units: Sequence[Sequence[Point]],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> xr.Dataset:
    """Do the work of all points that have not been done.

    Parameters
    ----------
    work : from the tasks of some points, and the folder of each, to the numbers of each, flat and by name; a function
        that can be imported, where the workers are too.
    units : points that are done together. If they cannot be, each of them is done alone.
    workers : processes on this machine, by default one per core; or
    scheduler : the address of a running dask scheduler, whose workers see the same files.

    Returns
    -------
    Dataset with a dimension for each of `Point.at`; numbers by name, NaN where there is none; ``error``, empty where
    all is well; ``folder``, the name of the point's own; ``seconds`` of each point.

    Raises
    ------
    InputError
        if no scheduler answers at the address, or workers are below 1.
    """
    points = [point for unit in units for point in unit]
    outcomes = {point.place: done for point in points if (done := _read_outcome(point.place)) is not None}
    waiting = [[point for point in unit if point.place not in outcomes] for unit in units]
    cases = {index: (work, unit) for index, unit in enumerate(waiting) if unit}
    log.info("%d of %d points were kept", len(outcomes), len(points))
    with (
        progress_bar(total=len(points), initial=len(outcomes), desc="points") as bar,
        _start(cases, workers, scheduler) as results,
    ):
        for index, made in results.as_completed():
            unit = waiting[index]
            if isinstance(made, Exception):  # the workers that took it were lost, one after the other
                made = [_read_outcome(point.place) or _Outcome({}, _sentence(made)) for point in unit]
            for point, outcome in zip(unit, made, strict=True):
                outcomes[point.place] = outcome
                if outcome.error:
                    where = ", ".join(f"{name}={value}" for name, value in point.at.items())
                    log.warning("the point %s failed: %s", where, outcome.error)
            bar.update(len(unit))
    return _gather(points, outcomes)


@contextmanager
def _start(
    cases: Mapping[int, tuple[Any, ...]], workers: int | None, scheduler: str | None
) -> Iterator[parallel.Results[int, Any]]:
    """The map over all units: in processes of this machine, or on the workers of a scheduler."""
    if workers is not None and workers < 1:
        raise InputError(f"workers must be 1 or more, not {workers}")
    with ExitStack() as stack:
        executor = _Dask(stack.enter_context(_client(scheduler))) if cases and scheduler else None
        made = parallel.start(_do, cases, workers=workers, executor=executor, return_exceptions=True)
        yield stack.enter_context(made)


class _Dask:
    """Makes the calls of a map on the workers of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        from distributed import as_completed

        # all submitted at once, and results fetched as they come: a message for each would double what a point costs
        submitted = self._client.map(function, *zip(*calls, strict=True), pure=False)
        futures = {future: index for index, future in enumerate(submitted)}
        for future, made in as_completed(submitted, with_results=True, raise_errors=False):
            failed = future.status != "finished"
            # an error comes like sys.exc_info, as a tuple
            yield futures.pop(future), made[1] if failed and isinstance(made, tuple) else made


def _do(work: Callable[..., Sequence[Numbers]], unit: Sequence[Point]) -> list[_Outcome]:
    """What comes of the points of a unit, on a worker, which keeps it: a result that is lost with its worker is not."""
    if all(kept := [_read_outcome(point.place) for point in unit]):
        return [outcome for outcome in kept if outcome]
    started = time.perf_counter()
    try:
        numbers = work([point.task for point in unit], [point.place for point in unit])
    except Exception as error:
        if len(unit) == 1:
            return [_Outcome({}, _sentence(error))]
        return [outcome for point in unit for outcome in _do(work, [point])]
    each = (time.perf_counter() - started) / len(unit)
    return [_keep(point, _Outcome(own, seconds=each)) for point, own in zip(unit, numbers, strict=True)]


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    """A client of the scheduler at an address."""
    from distributed import Client

    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no dask scheduler answers at {scheduler!r} ({error}); start one with `dask scheduler`, or leave "
            "--scheduler out to use the cores of this machine"
        ) from error
    with client:
        _prepare(client)
        yield client


def _prepare(client: Client) -> None:
    """Let every worker import Brian2 in its main thread: it sets a signal handler, and points run in another thread."""
    from distributed.diagnostics.plugin import WorkerPlugin

    class ImportBrian2(WorkerPlugin):
        name = "import-brian2"

        def setup(self, worker: object) -> None:
            import brian2  # noqa: F401

    client.register_plugin(ImportBrian2())


def _keep(point: Point, outcome: _Outcome) -> _Outcome:
    kept = {"at": dict(point.at), "numbers": dict(outcome.numbers), "seconds": outcome.seconds}
    Entry(point.place / POINT).write(kept)
    return outcome


def _read_outcome(place: Path) -> _Outcome | None:
    found = Entry(place / POINT).read()
    return None if found is None else _Outcome(found["numbers"], seconds=found["seconds"])


def forget(points: Iterable[Point]) -> None:
    """Remove what points left to be resumed: they are done anew."""
    for point in points:
        Entry(point.place / POINT).remove()
        clear(point.place)


def _gather(points: Sequence[Point], outcomes: Mapping[Path, _Outcome]) -> xr.Dataset:
    """All points as one Dataset."""
    dims = list(points[0].at)
    coords = {dim: list(dict.fromkeys(point.at[dim] for point in points)) for dim in dims}
    shape = tuple(map(len, coords.values()))
    index = {point.place: tuple(coords[dim].index(point.at[dim]) for dim in dims) for point in points}
    names = list(dict.fromkeys(name for point in points for name in outcomes[point.place].numbers))
    data: dict[str, np.ndarray] = {}
    for name in names:
        values = {index[place]: outcome.numbers.get(name) for place, outcome in outcomes.items()}
        number = all(value is None or isinstance(value, (bool, int, float)) for value in values.values())
        column = np.full(shape, np.nan) if number else np.full(shape, "", dtype=object)
        for where, value in values.items():
            if value is not None:
                column[where] = ", ".join(map(str, value)) if isinstance(value, list) else value
        data[name] = column
    error, folder = (np.full(shape, "", dtype=object) for _ in range(2))
    seconds = np.full(shape, np.nan)
    for place, outcome in outcomes.items():
        where = index[place]
        error[where], folder[where], seconds[where] = outcome.error, place.name, outcome.seconds or np.nan
    made = xr.Dataset({name: (dims, values) for name, values in data.items()}, coords=coords)
    return made.assign(error=(dims, error), folder=(dims, folder), seconds=(dims, seconds, {"units": "s"}))
