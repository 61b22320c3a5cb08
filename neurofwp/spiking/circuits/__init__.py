"""Circuits: the cells and connections around the plastic synapses, one file each."""
