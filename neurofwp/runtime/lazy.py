"""Modules that take long to import, imported when they are first used.

An experiment's settings must be there at once: `neurofwp run NAME --help` reads them. So an experiment writes
``from neurofwp.runtime.lazy import np, xr`` in place of the imports themselves, and ``import neurofwp as nf``, whose
packages are imported when they are first used as well.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["b2", "np", "pd", "torch", "xr"]


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
