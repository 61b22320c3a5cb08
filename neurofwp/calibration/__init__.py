"""From a rule to a synapse: parameters with which the spiking network runs a given rule."""
