"""All that bends Brian2: compiled networks and their cache, loops over rows of synapses, random numbers, writers."""
