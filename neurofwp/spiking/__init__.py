"""The spiking network: Brian2 cells whose synapses run a Program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofwp.spiking.network import SpikingNetwork as SpikingNetwork

__all__ = ["SpikingNetwork"]


def __getattr__(name: str) -> Any:
    """Import the network when it is asked for: its parameters can be read without Brian2."""
    if name == "SpikingNetwork":
        from neurofwp.spiking import network

        return network.SpikingNetwork
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
