"""Things of a checkout of neurofwp, old or new, found by any name that they have had."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from benchmarks.same_science import renames

ROOT = "neurofwp"


def find(name: str, *, root: str = ROOT) -> Any:
    """The module or object of that dotted name under neurofwp, or of a name that it had before, or has now.

    Raises
    ------
    LookupError
        if it is there under none of them, with all that were tried.
    """
    tried = renames.load().of_object(name)
    for each in tried:
        try:
            return _lookup(f"{root}.{each}")
        except LookupError:
            continue
    raise LookupError(f"{root} has none of {', '.join(tried)}")


def select_arguments(callee: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by the names under which a function or dataclass takes them.

    Raises
    ------
    LookupError
        for one that it takes under no name.
    """
    known = inspect.signature(callee).parameters
    anything = any(each.kind is each.VAR_KEYWORD for each in known.values())
    taken = {}
    for name, value in given.items():
        names = [each for each in renames.load().of_setting(name) if each in known]
        if not names and not anything:
            raise LookupError(f"{callee.__qualname__} takes none of {', '.join(renames.load().of_setting(name))}")
        taken[names[0] if names else name] = value
    return taken


def call(name: str, *arguments: Any, **given: Any) -> Any:
    """What the function of that name returns; keyword arguments by any name."""
    function = find(name)
    return function(*arguments, **select_arguments(function, given))


def _lookup(path: str) -> Any:
    """The object at a full dotted name: the longest module that there is, then attributes.

    Of a function and the module that it is named after, the function.
    """
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = _import(".".join(parts[:length]))
        if module is None:
            continue
        found: Any = module
        for part in parts[length:]:
            found = _attribute(found, part)
        return found
    raise LookupError(path)


def _import(path: str) -> ModuleType | None:
    """The module, or None if there is none of that name; an error inside it is an error."""
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise
        return None


def _attribute(owner: Any, name: str) -> Any:
    """An attribute; of a package also that of its only module that defines it."""
    if hasattr(owner, name):
        return getattr(owner, name)
    if not isinstance(owner, ModuleType):
        raise LookupError(f"{owner!r} has no {name}")
    if (module := _import(f"{owner.__name__}.{name}")) is not None:
        return module
    if not hasattr(owner, "__path__") or owner.__name__ == ROOT:
        raise LookupError(f"{owner.__name__} has no {name}")
    return _find_below(owner, name)


def _find_below(package: ModuleType, name: str) -> Any:
    """What the only module of a package that has such a name calls so."""
    defined = {}
    for each in pkgutil.iter_modules(package.__path__):
        module = None if each.name.startswith("__") else _import(f"{package.__name__}.{each.name}")
        if module is not None and name in vars(module):
            defined[id(vars(module)[name])] = vars(module)[name]
    if len(defined) != 1:
        raise LookupError(f"{len(defined)} modules of {package.__name__} have {name}")
    return next(iter(defined.values()))
