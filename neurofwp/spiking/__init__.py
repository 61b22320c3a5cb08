"""The spiking network: Brian2 cells whose synapses run a Program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes

if TYPE_CHECKING:
    from neurofwp.spiking import (
        conditions as conditions,
        facts as facts,
        jobs as jobs,
        network_parameters as network_parameters,
    )
    from neurofwp.spiking.network import SpikingNetwork as SpikingNetwork

HOMES = {"SpikingNetwork": "network", "conditions": None, "facts": None, "jobs": None, "network_parameters": None}

__all__ = [*HOMES]
__getattr__ = attributes(__name__, HOMES)  # parameters of a network can be read without Brian2
