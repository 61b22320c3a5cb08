"""What is shown of a sweep: its report, with an index of points, its figures, and its table."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from neurofwp.cli import catalogue, experiment_settings, figures, printing, report
from neurofwp.cli.figures import Drawn
from neurofwp.errors import InputError, unknown
from neurofwp.report.page import Page, Table
from neurofwp.runtime import files
from neurofwp.runtime.experiment import Experiment

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SHOWN = 6  # numbers, where none are chosen
OWN = ("error", "seconds", "folder")  # variables of every sweep


def open_sweep(path: Path) -> tuple[Path, xr.Dataset] | None:
    """The file and the Dataset in it, given the folder of a sweep or the file; None where it is of no sweep."""
    file = path / files.SWEEP if path.is_dir() else path
    if file.name != files.SWEEP or not file.is_file():
        return None
    data = files.read_netcdf(file)
    if "experiment" not in data.attrs:
        raise InputError(f"{str(file)!r} is not a sweep of an experiment: it does not say of which")
    return file, data


def write(
    data: xr.Dataset, experiment: Experiment, folder: Path, patterns: Sequence[str] = (), *, pdf: bool = False
) -> Drawn:
    """Figures and report of a sweep, into a folder."""
    names = choose_numbers(data, experiment, patterns)
    otherwise = f"the numbers are safe, and `neurofwp plot {folder}` tries again"
    drawn = figures.draw(lambda: drawings(data, names), folder, otherwise=otherwise, pdf=pdf)
    drawn.files.append(report.write(page(data, experiment, names, drawn), folder))
    return drawn


def choose_numbers(data: xr.Dataset, experiment: Experiment, patterns: Sequence[str] = ()) -> list[str]:
    """Names of what is shown of every point: what fits the patterns, as recall.*.r2.

    Without patterns those of the answer of the experiment, or else the first that differ between points.

    Raises
    ------
    InputError
        for a pattern that nothing fits.
    """
    names = [str(name) for name in data.data_vars if name not in OWN]
    found = {pattern: [name for name in names if fnmatchcase(name, pattern)] for pattern in patterns}
    for pattern, fit in found.items():
        if not fit:
            raise unknown("number of this sweep", pattern, names)
    if patterns:
        return list(dict.fromkeys(name for fit in found.values() for name in fit))
    told = [name for key in experiment.interpretation.keys for name in names if fnmatchcase(name, key)]
    differing = [
        name for name in names if _is_number(data[name]) and not name.endswith(".sem") and _differs(data[name])
    ]
    return list(dict.fromkeys(told or differing))[:SHOWN]


def _is_number(values: xr.DataArray) -> bool:
    return values.dtype.kind in "fiub"


def _differs(values: xr.DataArray) -> bool:
    there = values.values[values.notnull().values]
    return bool(there.size and there.min() < there.max())


def drawings(data: xr.Dataset, names: Sequence[str]) -> Mapping[str, Figure]:
    """Curves over the first setting that was varied, and maps over the first two."""
    from neurofwp import plots

    numbers = [name for name in names if _is_number(data[name])]
    axes = [str(dim) for dim in data.dims if dim != "seed" and data.sizes[dim] > 1]
    axes = axes or [str(data[numbers[0]].dims[0])] if numbers else []
    if not axes:
        return {}
    made: dict[str, Callable[[], Figure]] = {
        "curves": lambda: plots.sweep_curves(data, numbers, *axes[:2]),
    }
    if len(axes) > 1:
        made["maps"] = lambda: plots.sweep_maps(data, numbers, *axes[:2])
    return plots.LazyFigures(made)


def mean_table(data: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Numbers of every point, over seeds the mean and SEM; texts of the first seed."""
    from neurofwp.metrics import mean_and_sem

    found: dict[str, xr.DataArray] = {}
    for name in names:
        if "seed" in data[name].dims and data.sizes["seed"] > 1 and _is_number(data[name]):
            found |= mean_and_sem(name, data[name].astype(float).assign_attrs(units="1"), "seed")
        else:
            found[name] = data[name].isel(seed=0, drop=True) if "seed" in data[name].dims else data[name]
    made = data.coords.to_dataset().drop_vars("seed", errors="ignore")
    return made.assign(found)


def show(file: Path, data: xr.Dataset, patterns: Sequence[str]) -> None:
    """Print the table of a sweep."""
    from rich.console import Console

    from neurofwp.runtime.tables import frame

    names = choose_numbers(data, catalogue.experiment(data.attrs["experiment"]), patterns)
    seeds = data.sizes.get("seed", 1)
    rows = frame(mean_table(data, names))
    rows.attrs["caption"] = f"mean ± SEM over {seeds} seeds" if seeds > 1 else "one seed"
    console = Console()
    console.print(printing.excerpt(rows, str(data.attrs["experiment"]), file, console.width))


def page(data: xr.Dataset, experiment: Experiment, names: Sequence[str], drawn: Drawn) -> Page:
    """The report of a sweep, whose index has a row for every point."""
    settings = json.loads(data.attrs["settings"])
    axes = {str(dim): data.sizes[dim] for dim in data.dims}
    over = ", ".join(f"{count} of {name}" for name, count in axes.items())
    failed = int((data["error"] != "").sum())
    meant = experiment.interpretation
    about = {str(name): value for name, value in data.attrs.items()}
    return Page(
        title=f"Sweep of {experiment.name}: {experiment.description}",
        command=command(data, experiment, settings),
        question=meant.question,
        answer=f"{data['error'].size} points ({over}); numbers of each are in the index.",
        shows=meant.shows,
        does_not_show=meant.does_not_show,
        warnings=[f"{failed} points failed; the index says why."] if failed else [],
        pictures=drawn.pictures,
        tables=[index(data, names)],
        settings=report.settings_of(experiment.settings, settings),
        provenance=[("experiment", experiment.name), *report.provenance(about)],
    )


def index(data: xr.Dataset, names: Sequence[str]) -> Table:
    """Every point: where it lies, its numbers, what failed, and a link to the folder that has all of it."""
    from neurofwp.runtime.tables import frame

    shown = [*names, *(["error"] if (data["error"] != "").any() else [])]
    rows = frame(data[shown])
    rows.attrs["units"] = {name: data[name].attrs.get("units", "1") for name in map(str, data.dims)}
    columns = printing.text_columns(rows)
    links = [f"points/{name}/" for name in data["folder"].values.ravel()] if "folder" in data else []
    note = "One row for each point, which leads to its folder; all numbers are in sweep.nc."
    numbered = [[str(number), *row] for number, row in enumerate(zip(*columns.values(), strict=True), start=1)]
    return Table("index", ["point", *columns], numbered, note, links)


def command(data: xr.Dataset, experiment: Experiment, settings: Mapping[str, object]) -> str:
    """The command that makes the sweep again."""
    words = ["neurofwp", "sweep", experiment.name]
    for text in json.loads(str(data.attrs.get("over", "[]"))):
        words += ["--over", text]
    seeds = data["seed"].values
    words += ["--seed", str(seeds[0]), "--seeds", str(seeds.size), "--device", str(data.attrs["device"])]
    return shlex.join([*words, *experiment_settings.flags(settings, experiment.settings)])
