"""Training slow nets: the loop, its checkpoints, several processes, and meta-training over episodes."""
