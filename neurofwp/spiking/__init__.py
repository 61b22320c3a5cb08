"""The spiking network: Brian2 cells whose synapses run a Program."""

from neurofwp.spiking.network import SpikingNetwork

__all__ = ["SpikingNetwork"]
