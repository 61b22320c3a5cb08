"""Fast weight programmers in rate networks and in spiking synapses, comparable event by event."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofwp import identification, metrics, plots, program, slownet, trace
    from neurofwp.rate import RateNetwork
    from neurofwp.spiking import SpikingNetwork

__version__ = "0.1.0"

__all__ = ["RateNetwork", "SpikingNetwork", "identification", "metrics", "plots", "program", "slownet", "trace"]

_NETWORKS = {"RateNetwork": "neurofwp.rate", "SpikingNetwork": "neurofwp.spiking"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: torch and brian2 take seconds."""
    if name in _NETWORKS:
        return getattr(import_module(_NETWORKS[name]), name)
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
