"""Laboratory protocols for single synapses: what was done to both cells, as data, and what became of the synapse."""

from neurofwp.laboratory.protocol import Protocol

__all__ = ["Protocol"]
