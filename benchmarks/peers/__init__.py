"""The same network in neurofwp and in other simulators, one file each: see `contest`."""
