"""Modules that take long to import, imported when they are first used.

An experiment's settings must be there at once: `neurofwp run NAME --help` reads them. So an experiment writes
``from neurofwp.runtime.lazy import np, xr`` in place of the imports themselves, and ``import neurofwp as nf``, whose
packages are imported when they are first used as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["attributes", "b2", "np", "pd", "torch", "xr"]


class _Lazy(ModuleType):
    """Stands for a module until one of its attributes is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)


if TYPE_CHECKING:
    import brian2 as b2
    import numpy as np
    import pandas as pd
    import torch
    import xarray as xr
else:
    b2, np, pd, torch, xr = map(_Lazy, ("brian2", "numpy", "pandas", "torch", "xarray"))


def attributes(package: str, homes: Mapping[str, str | None]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose public names are imported when they are first asked for.

    homes : of each name, the module of the package that defines it; None where the name is that of a module.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        if home is None:
            return import_module(f"{package}.{name}")
        return getattr(import_module(f"{package}.{home}"), name)

    return find
