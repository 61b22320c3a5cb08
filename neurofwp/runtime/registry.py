"""What can be added from outside: rules, stages of synapses, circuits, tasks and experiments.

In a script, `neurofwp.register(thing)`; in a package, entry points::

    [project.entry-points."neurofwp.rules"]
    my_rule = "my_package.my_rule:MyRule"

Entry points are listed from their metadata; what they name is imported when it is used. Workers import everything
again, so a thing must have a place from which it can be imported: a module and a name at its top level.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from neurofwp.errors import InputError, unknown

T = TypeVar("T")


@dataclass(frozen=True)
class Kind:
    """Where the type of a kind of things is defined, and the module whose REGISTRY has all of them."""

    type: str
    home: str


KINDS = {
    "rule": Kind("neurofwp.rules.rule:Rule", "neurofwp.rules"),
    "stage": Kind("neurofwp.synapses.stage:Stage", "neurofwp.synapses"),
    "circuit": Kind("neurofwp.spiking.circuits.circuit:Circuit", "neurofwp.spiking.circuits"),
    "task": Kind("neurofwp.tasks.definition:Task", "neurofwp.tasks"),
    "experiment": Kind("neurofwp.runtime.experiment:Experiment", "neurofwp.runtime.experiment"),
}

_places: dict[str, None] = {}  # "module:name" of all that was registered in this process, in that order


@dataclass(frozen=True)
class Source:
    """Code from outside: where a thing is imported from, "module:name", and the files of that package or module."""

    place: str
    files: tuple[Path, ...]


def register(thing: T) -> T:
    """Add a rule, stage, circuit, task or experiment, and return it. Also a decorator, of classes of rules and stages.

    Raises
    ------
    InputError
        for anything else, for what lacks something, for two of one name, and for what a worker could not import.
    """
    for kind in KINDS.values():
        module, _, name = kind.type.partition(":")
        own = getattr(sys.modules.get(module), name, None)  # not imported: then nothing can be of this type
        if own is not None and (isinstance(thing, own) or (isinstance(thing, type) and issubclass(thing, own))):
            import_module(kind.home).REGISTRY.add(thing)
            return thing
    raise InputError(f"register takes a Rule, Stage, Circuit, Task or Experiment, not {thing!r}")


def registered_modules() -> tuple[str, ...]:
    """All that was registered in this process, as "module:name"; see `restore`."""
    return tuple(_places)


def restore(modules: Iterable[str]) -> None:
    """Import and register, in a worker, what `registered_modules` named in the process that started it."""
    for place in modules:
        module, _, name = place.partition(":")
        register(_attribute(import_module(module), name))


def sources() -> tuple[Source, ...]:
    """The files of all extensions: of what was registered, and of what installed packages offer, used or not."""
    offered = [point.value for kind in KINDS for point in entry_points(kind)]
    return tuple(Source(place, _files(place.partition(":")[0])) for place in dict.fromkeys((*_places, *offered)))


@cache
def entry_points(kind: str) -> tuple[metadata.EntryPoint, ...]:
    """Those of installed packages, sorted by name."""
    return tuple(sorted(metadata.entry_points(group=f"neurofwp.{kind}s"), key=lambda point: point.name))


class Registry(Generic[T]):
    """All things of one kind: those of neurofwp, those that were registered, and those of installed packages.

    Parameters
    ----------
    kind : one of KINDS.
    name : the name of a thing, by which it is found.
    shipped : those of neurofwp.
    references : those of neurofwp that are imported when they are used: "module:name" by name.
    check : `check(thing, others)` raises an InputError if the thing does not go with what is there.
    """

    def __init__(
        self,
        kind: str,
        name: Callable[[T], str],
        *,
        shipped: Sequence[T] = (),
        references: Callable[[], Mapping[str, str]] = dict,
        check: Callable[[T, Sequence[T]], None] = lambda thing, others: None,
    ) -> None:
        self.kind, self._name, self._check, self._references = kind, name, check, references
        self._shipped = {name(each): each for each in shipped}
        self._registered: dict[str, T] = {}
        self._imported: dict[str, T] = {}

    def origins(self) -> dict[str, str]:
        """Where each comes from, by name: "neurofwp", "registered", or a package. Nothing is imported.

        Raises
        ------
        InputError
            for two of one name.
        """
        found = dict.fromkeys((*self._shipped, *self._references()), "neurofwp")
        found |= dict.fromkeys(self._registered, "registered")
        for point in entry_points(self.kind):
            if point.name in found:
                raise InputError(self._two(point.name, found[point.name], package(point)))
            found[point.name] = package(point)
        return found

    def get(self, name: str) -> T:
        """The one of that name, imported now if need be.

        Raises
        ------
        InputError
            for a name that none has (nearest one offered), and for what a package offers if it lacks something.
        """
        for known in (self._shipped, self._registered, self._imported):
            if name in known:
                return known[name]
        if name not in self.origins():
            raise unknown(self.kind, name, self.origins())
        if name in (references := self._references()):
            module, _, attribute = references[name].partition(":")
            self._imported[name] = _attribute(import_module(module), attribute)
        else:
            point = next(point for point in entry_points(self.kind) if point.name == name)
            self._imported[name] = self._load(point)
        return self._imported[name]

    def all(self) -> tuple[T, ...]:
        """All of them, imported now if need be."""
        return tuple(map(self.get, self.origins()))

    def add(self, thing: T | type[T]) -> None:
        """See `register`."""
        made = self._instance(thing)
        place = _place(made if _is_plain(made) else type(made), f"{self.kind} {self._name(made)!r}")
        self._fit(made, "registered", same=place in _places)
        self._registered[self._name(made)] = made
        _places[place] = None

    def _load(self, point: metadata.EntryPoint) -> T:
        try:
            made = self._instance(point.load())
        except Exception as error:
            raise InputError(f"the {self.kind} {point.name!r} of {package(point)} cannot be used: {error}") from error
        if self._name(made) != point.name:
            raise InputError(
                f"the package {package(point)} calls its {self.kind} {self._name(made)!r} {point.name!r} in its entry "
                "points; both names must be the same"
            )
        self._fit(made, package(point))
        return made

    def _instance(self, thing: T | type[T]) -> T:
        """The thing itself, or the only one of its class."""
        module, _, name = KINDS[self.kind].type.partition(":")
        made: T = thing() if isinstance(thing, type) else thing
        if not isinstance(made, getattr(import_module(module), name)):
            raise InputError(f"{made!r} is no {name}")
        return cast(T, made)

    def _fit(self, made: T, origin: str, *, same: bool = False) -> None:
        name = self._name(made)
        known = self._shipped | self._registered | self._imported
        if name in known or name in self._references():
            if same and type(known.get(name)) is type(made):
                return
            raise InputError(self._two(name, "registered" if name in self._registered else "neurofwp", origin))
        self._check(made, tuple(known.values()))

    def _two(self, name: str, first: str, second: str) -> str:
        return f"two {self.kind}s are called {name!r}, {_describe(first)} and {_describe(second)}: rename one"


def _describe(origin: str) -> str:
    return {"neurofwp": "that of neurofwp", "registered": "one that is registered"}.get(origin, f"one of {origin}")


def package(point: metadata.EntryPoint) -> str:
    """The name of the package that offers an entry point."""
    return point.dist.name if point.dist else point.value.partition(".")[0]


def _is_plain(thing: object) -> bool:
    """Whether a thing is more than its class says, as instances of a dataclass are."""
    return hasattr(thing, "__dataclass_fields__")


def _attribute(module: Any, name: str) -> Any:
    for part in name.split("."):
        module = getattr(module, part)
    return module


def _place(thing: Any, what: str) -> str:
    """From where a worker can import a class, or another object that is the value of a name in some module."""
    if isinstance(thing, type):
        places = [(thing.__module__, thing.__qualname__)]
    else:
        modules = [(name, module) for name, module in list(sys.modules.items()) if module is not None]
        places = [
            (module, name) for module, found in modules for name, value in list(vars(found).items()) if value is thing
        ]
    for module, name in places:
        if module not in ("__main__", "__mp_main__") and "<locals>" not in name and _spec(module):
            return f"{module}:{name}"
    if any("<locals>" in name for _, name in places):
        where = "it is defined inside a function"
    elif places:
        where = f"it is defined in {places[0][0]!r}, which is no module that can be imported by name"
    else:
        where = "it is not the value of a name at the top level of a module"
    raise InputError(f"{what} cannot be registered: {where}, so that a worker could not import it")


def _spec(module: str) -> ModuleSpec | None:
    """How the top-level package of a module is found by a process that has imported nothing."""
    top = module.partition(".")[0]
    specs = (finder.find_spec(top, None) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    return next((spec for spec in specs if spec), None)


def _files(module: str) -> tuple[Path, ...]:
    """All files of the top-level package of a module, or the one file of a module that is alone."""
    spec = _spec(module)
    if spec is None:
        return ()
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not folders:
        return (Path(spec.origin),) if spec.origin else ()
    return tuple(
        sorted(
            file
            for folder in folders
            for file in folder.rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        )
    )
