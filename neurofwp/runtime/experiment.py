"""Experiment: settings, what is measured with them, and the tables and figures made of that."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofwp.errors import InputError, unknown
from neurofwp.runtime.interpretation import Interpretation, read_interpretation
from neurofwp.runtime.registry import Registry

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

RUN = ("seed", "device", "folder")  # what every run is told by keyword
SPEED = "speed"  # attribute of a variable that says how fast a machine was; no other run has the same


@dataclass(frozen=True)
class Experiment:
    """One experiment, as the command line finds it.

    Parameters
    ----------
    settings : a frozen dataclass, all of whose fields have defaults; they become flags, and the line of text under each
        becomes that flag's help.
    run : ``run(settings, *, seed, device, folder) -> xarray.DataTree``, everything that was measured; `folder` is where
        finished parts are kept, so that an interrupted run can be resumed.
    tables : ``tables(result) -> {name: xarray.Dataset}``, labelled, with units. ``summary.json`` is made of them
        (`neurofwp.runtime.tables.flat`), and a CSV file of each.
    plot : ``plot(result) -> {name: Figure}``, from the saved result alone; of several figures a
        `neurofwp.plots.LazyFigures`, so that one that fails takes no other with it.
    run_together : ``run_together(list of settings, *, seed, device, folder) -> list of DataTree``, for points of a
        sweep that differ in the setting `parameters` alone and can share a network.
    check : ``check(settings)`` refuses, with InputError, settings that cannot be run; it is called before anything is
        imported or written for a run, and imports nothing that takes long.
    name : as on the command line; by default that of the file in which `run` is defined.

    Raises
    ------
    InputError
        if something is missing, or is not what is described here.
    """

    settings: type
    run: Callable[..., xr.DataTree]
    tables: Callable[[xr.DataTree], Mapping[str, xr.Dataset]]
    plot: Callable[[xr.DataTree], Mapping[str, Figure]]
    run_together: Callable[..., Sequence[xr.DataTree]] | None = None
    check: Callable[[Any], None] = lambda settings: None
    name: str = ""

    def __post_init__(self) -> None:
        if not callable(self.run):
            raise InputError(f"an experiment needs a function run(settings, *, seed, device, folder), not {self.run!r}")
        if not self.name:
            object.__setattr__(self, "name", self.run.__module__.rpartition(".")[2].replace("_", "-"))
        if not (isinstance(self.settings, type) and is_dataclass(self.settings)):
            raise InputError(f"experiment {self.name!r}: settings must be a frozen dataclass, not {self.settings!r}")
        for function in ("tables", "plot"):
            if not callable(getattr(self, function)):
                raise InputError(f"experiment {self.name!r} needs a function {function}(result)")
        missing = [each for each in RUN if each not in inspect.signature(self.run).parameters]
        if missing:
            raise InputError(f"experiment {self.name!r}: run must take {', '.join(missing)} by keyword")

    @property
    def module(self) -> str:
        """Where it is defined, which is where a worker finds it."""
        return self.run.__module__

    @property
    def text(self) -> str:
        """The docstring of its file."""
        return inspect.cleandoc(sys.modules[self.module].__doc__ or "")

    @property
    def description(self) -> str:
        """The first line of that."""
        return self.text.partition("\n")[0]

    @property
    def interpretation(self) -> Interpretation:
        """What it asks, answers, shows and does not show: of the TOML file beside its own, of the same name, if any."""
        return read_interpretation(Path(sys.modules[self.module].__file__ or "").with_suffix(".toml"))

    def summary(self, result: xr.DataTree) -> dict[str, Any]:
        """Every number of the tables, under flat keys."""
        from neurofwp.runtime.tables import flat

        return flat(self.tables(result))


def _shipped_names() -> dict[str, str]:
    """Where each experiment of neurofwp is, by name."""
    spec = find_spec("neurofwp.experiments")  # found, and not imported
    folders = spec.submodule_search_locations or () if spec else ()
    files = sorted(file for folder in folders for file in Path(folder).glob("[!_]*.py"))
    return {file.stem.replace("_", "-"): f"neurofwp.experiments.{file.stem}:EXPERIMENT" for file in files}


REGISTRY: Registry[Experiment] = Registry("experiment", lambda experiment: experiment.name, references=_shipped_names)


def check_counts(settings: Any, *names: str) -> None:
    """Refuse settings that count something and are below 1; without names, all that are whole numbers.

    Raises
    ------
    InputError
        for the first one that is.
    """
    given = {name: getattr(settings, name) for name in names or [field.name for field in fields(settings)]}
    for name, number in given.items():
        if type(number) is int and number < 1:  # what is None, the experiment chooses itself
            raise InputError(f"{name} must be 1 or more, but is {number}")


def check_models(chosen: Sequence[str], known: Sequence[str]) -> None:
    """Refuse models that are not known, or come twice.

    Raises
    ------
    InputError
        for the first one that is not known, or if two are the same.
    """
    for name in chosen:
        if name not in known:
            raise unknown("model", name, known)
    if len(set(chosen)) < len(chosen):
        raise InputError(f"models must differ, but are {' '.join(chosen)}")
