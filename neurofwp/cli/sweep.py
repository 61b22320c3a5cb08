"""`neurofwp sweep`: one experiment at many settings, on all cores or on a cluster."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import tyro

from neurofwp.cli import catalogue, choice, experiment_settings, output, results
from neurofwp.cli.experiment_settings import PARAMETERS
from neurofwp.cli.manifest import Manifest
from neurofwp.errors import InputError, unknown
from neurofwp.runtime import files, parallel, provenance, store
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.sweeps import Point, forget, sweep

if TYPE_CHECKING:
    import xarray as xr

    from neurofwp.synapses.parameters import Parameter

TOGETHER = 64  # points that run side by side in one network, at most

Settings = TypeVar("Settings")

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class _Sweep(Generic[Settings]):
    settings: tyro.conf.OmitArgPrefixes[Settings]
    over: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="NAME=V1,V2")]
    """A setting and its values; may be given several times. A value of several words has spaces between them. An
    experiment with the setting `parameters` sweeps those of its synapses and circuit too: tau_nmda=50ms,100ms."""
    seeds: int = 1
    """Every point runs with so many seeds, from --seed on."""
    seed: int = 0
    """The first seed."""
    workers: int | None = None
    """Processes on this machine; by default one per core."""
    scheduler: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None
    """A running dask scheduler instead, such as tcp://10.0.0.1:8786; its workers must see the output folder."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where tensors live; auto takes a GPU where there is one."""
    out: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: results/sweep-EXPERIMENT/<hash of the settings>)"),
    ] = None
    """Folder for the results; points that were finished there are not run again."""
    fresh: bool = False
    """Run all points again, also those that were finished in this folder."""
    overwrite: bool = False
    """Replace the table of another sweep in the folder; points that both have are not run again."""


@dataclass(frozen=True)
class _Task:
    """One run of an experiment."""

    experiment: str
    settings: Any
    seed: int
    device: str


def main(words: list[str]) -> int:
    """One experiment at many settings, from the command line."""
    flags = "--over NAME=V1,V2 [--over ...] [--seeds N] [--workers N] [--scheduler ADDRESS] [--out DIR]"
    named = choice.choose("sweep", "experiment", words, catalogue.experiments(), flags)
    if named is None:
        return 0
    name, rest = named
    experiment = catalogue.experiment(name)
    flags_of = _Sweep[experiment.settings]  # type: ignore[name-defined]  # known only now that the experiment is chosen
    chosen = tyro.cli(flags_of, prog=f"neurofwp sweep {name}", description=experiment.text, args=rest)
    _check_seeds(chosen)
    together = experiment.run_together is not None
    axes = dict(_axis(text, chosen.settings, parameters=together) for text in chosen.over)
    places = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    settings = [_at(chosen.settings, at) for at in places]
    for own in settings[:1]:  # a point that is refused later does not stop the others
        experiment_settings.check(experiment, own)
    folder = (chosen.out or Path("results", f"sweep-{name}", _digest(name, settings, chosen))).resolve()
    device = output.device(chosen.device)
    manifest = _manifest(folder, name, chosen, settings, device)
    if not chosen.fresh and manifest.is_complete():
        manifest.say_complete()
        return 0
    with output.results_folder(manifest, overwrite=chosen.overwrite, fresh=chosen.fresh):
        points = _points(folder, chosen, places, [_Task(name, own, chosen.seed, device) for own in settings])
        log.info("%s, %d points of %s and %d seeds, on %s", name, len(places), ", ".join(axes), chosen.seeds, device)
        if chosen.fresh:
            forget(points)
        workers = parallel.process_count(len(points), chosen.workers)
        units = _units(points, workers) if together else [[point] for point in points]
        made = sweep(_measure, units, workers=chosen.workers, scheduler=chosen.scheduler)
        good = _write(_describe(made, name, chosen, device), experiment, folder, manifest)
    print(folder, flush=True)
    return 0 if good else 1


def _write(made: xr.Dataset, experiment: Experiment, folder: Path, manifest: Manifest) -> bool:
    """Write the sweep, its figures and its report; whether all points and figures are there."""
    from neurofwp.cli import sweep_report  # brings pandas

    manifest.confirm()
    files.write_netcdf(made, folder / files.SWEEP)
    drawn = sweep_report.write(made, experiment, folder)
    failed = int((made["error"] != "").sum())
    if failed:
        log.error("%d of %d points failed; the others are in %s", failed, made["error"].size, folder / files.SWEEP)
    elif not drawn.failed:
        manifest.finish([files.SWEEP, *drawn.files])
    return not (failed or drawn.failed)


def _check_seeds(chosen: _Sweep[Any]) -> None:
    if chosen.seeds < 1:
        raise InputError(f"seeds must be 1 or more, not {chosen.seeds}")
    experiment_settings.check_seed(chosen.seed)


def _manifest(folder: Path, name: str, chosen: _Sweep[Any], settings: Sequence[Any], device: str) -> Manifest:
    """What makes this sweep this sweep."""
    about = {
        "command": f"sweep {name}",
        "over": list(chosen.over),
        "seeds": chosen.seeds,
        "settings": json.loads(experiment_settings.to_json(chosen.settings)),
        "seed": chosen.seed,
        "device": device,
    }
    return Manifest(folder, about, (files.SWEEP,), store.key(about, list(settings)))


def _digest(name: str, settings: Sequence[Any], chosen: _Sweep[Any]) -> str:
    """The name of the folder of a sweep that was given none."""
    what = json.dumps([name, [experiment_settings.to_json(own) for own in settings], chosen.seeds, chosen.seed])
    return hashlib.sha256(what.encode()).hexdigest()[:8]


def _points(folder: Path, chosen: _Sweep[Any], places: Sequence[dict[str, Any]], tasks: Sequence[_Task]) -> list[Point]:
    """A point for every place, whose task has the first seed, and every seed, each with a folder of its own."""
    points = []
    for at, first in zip(places, tasks, strict=True):
        labels = {name: _label(value) for name, value in at.items()}
        for seed in range(chosen.seed, chosen.seed + chosen.seeds):
            task = replace(first, seed=seed)
            points.append(Point(labels | {"seed": seed}, task, folder / "points" / store.key(task)))
    return points


def _axis(text: str, settings: Any, *, parameters: bool) -> tuple[str, list[Any]]:
    """A name and its values, in the type of the setting.

    Raises
    ------
    InputError
        for a name that the experiment does not have (nearest one offered), no values, or one that does not fit.
    """
    name, _, listed = text.partition("=")
    name = name.strip().removeprefix("--").replace("-", "_")
    values = [value.strip() for value in listed.split(",") if value.strip()]
    own = {field.name for field in fields(settings)}
    if not values:
        raise InputError(f"--over needs a name and values, like pairs=4,8, not {text!r}")
    if name in own:
        return name, [_setting(settings, name, value) for value in values]
    known = _parameters() if parameters else {}
    if name not in known:
        raise unknown("setting or parameter" if parameters else "setting", name, {*own, *known})
    return name, [known[name].number(value) for value in values]


def _parameters() -> dict[str, Parameter]:
    from neurofwp.spiking.network_parameters import parameters_by_name

    return parameters_by_name()


def _label(value: Any) -> Any:
    """A value as a coordinate."""
    return value if isinstance(value, (bool, int, float, str)) else " ".join(map(str, value)) if value else "none"


def _setting(settings: Any, name: str, value: str) -> Any:
    """A value as the flag of `neurofwp run` would be read."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(getattr(settings, name), bool):
        if value.lower() not in ("true", "false"):
            raise InputError(f"{name} is true or false, not {value!r}")
        return value.lower() == "true"
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            read = tyro.cli(type(settings), args=[flag, *value.split()], default=settings)
    except SystemExit:
        raise InputError(f"{name} cannot be {value!r}: {_sentence(said.getvalue())}") from None
    return getattr(read, name)


def _sentence(said: str) -> str:
    """What a parser of flags printed, without its frame."""
    words = said.split("Argument helptext")[0].replace("│", " ").split()
    return " ".join(word for word in words if not set(word) <= set("╭╮╰╯─-"))


def _at(settings: Any, at: dict[str, Any]) -> Any:
    """The settings of a point."""
    own = {field.name for field in fields(settings)}
    parameters = tuple(f"{name}={value!r}" for name, value in at.items() if name not in own)
    if parameters:
        at = {name: value for name, value in at.items() if name in own}
        at[PARAMETERS] = (*getattr(settings, PARAMETERS), *parameters)
    return replace(settings, **at)


def _units(points: Sequence[Point], workers: int) -> list[list[Point]]:
    """Points that differ by parameters alone run together, shared out among the workers."""
    alike: dict[tuple[str, int], list[Point]] = {}
    for point in points:
        same = experiment_settings.to_json(replace(point.task.settings, **{PARAMETERS: ()}))
        alike.setdefault((same, point.task.seed), []).append(point)
    units = []
    for group in alike.values():
        size = min(TOGETHER, -(-len(group) // max(1, workers // len(alike))))
        units += [group[first : first + size] for first in range(0, len(group), size)]
    return units


def _measure(tasks: Sequence[_Task], places: Sequence[Path]) -> list[dict[str, Any]]:
    """Run the experiment at some points, in a worker; all but the numbers goes into the folder of each."""
    experiment = catalogue.experiment(tasks[0].experiment)
    for place in places:
        files.output_folder(place)
    with _apart(places[0] / "log.txt"):
        first = tasks[0]
        together = {"seed": first.seed, "device": first.device, "folder": places[0] / "parts"}
        if len(tasks) > 1:
            assert experiment.run_together is not None  # points run together where it is there alone
            made = experiment.run_together([task.settings for task in tasks], **together)
        else:
            made = [experiment.run(first.settings, **together)]
        numbers = []
        for task, place, result in zip(tasks, places, made, strict=True):
            results.write(experiment, result, task.settings, task.seed, task.device, place)
            numbers.append(experiment.summary(result))
            files.write_json(numbers[-1], place / results.SUMMARY)
        return [files.read_json(place / results.SUMMARY) for place in places]


@contextlib.contextmanager
def _apart(path: Path) -> Iterator[None]:
    """One process for this point, whose progress goes to a file."""
    before = os.environ.get(parallel.LIMIT)
    os.environ[parallel.LIMIT] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    try:
        with path.open("a", encoding="utf-8") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for where, stream in enumerate(kept, start=1):
            os.dup2(stream, where)
            os.close(stream)
        os.environ.pop(parallel.LIMIT) if before is None else os.environ.update({parallel.LIMIT: before})


def _describe(made: xr.Dataset, name: str, chosen: _Sweep[Any], device: str) -> xr.Dataset:
    """The sweep with its provenance and its units: of parameters their own, of numbers those of tables."""
    made = made.assign_attrs(
        experiment=name,
        settings=experiment_settings.to_json(chosen.settings),
        over=json.dumps(list(chosen.over)),
        device=device,
        commit=provenance.commit(),
        versions=json.dumps(provenance.versions(), sort_keys=True),
    )
    own = {field.name for field in fields(chosen.settings)} | {"seed"}
    for dim in map(str, made.dims):
        made[dim].attrs["units"] = "1" if dim in own else _parameters()[dim].unit
    for variable in made.data_vars.values():
        variable.attrs.setdefault("units", "that of the table of the experiment")
    return made
