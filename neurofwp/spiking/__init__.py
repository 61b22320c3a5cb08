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
    from neurofwp.spiking.recording import choose_probes as choose_probes

MODULES = ("conditions", "facts", "jobs", "network_parameters")
HOMES: dict[str, str | None] = {
    "SpikingNetwork": "network",
    "choose_probes": "recording",
    **dict.fromkeys(MODULES),
}

__all__ = [*HOMES]
__getattr__ = attributes(__name__, HOMES)  # parameters of a network can be read without Brian2
