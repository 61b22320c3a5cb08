"""The optional extra `neo`: packages that read and write what neuroscience exchanges spikes in."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from neurofwp.errors import InputError


def require(package: str) -> Any:
    """The package, imported now.

    Raises
    ------
    InputError
        which says how to install it.
    """
    try:
        return import_module(package)
    except ModuleNotFoundError as error:
        raise InputError(f"this needs {error.name}, which is not installed: pip install 'neurofwp[neo]'") from error
