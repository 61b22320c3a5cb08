"""Spike trains of one's own into networks, and the spikes of networks out to other tools.

`structure` says what spike trains are; `SpikingNetwork.run(program, spikes=...)` takes them.
"""

from neurofwp.spike_trains.arrays import from_arrays, from_monitor
from neurofwp.spike_trains.neo_objects import from_neo, to_neo
from neurofwp.spike_trains.nwb_files import from_nwb, write_nwb
from neurofwp.spike_trains.structure import KIND, SCHEMA, as_episodes, check, of_cells, of_population
from neurofwp.spike_trains.tables import read_csv, to_pandas
from neurofwp.spike_trains.windows import to_program

__all__ = [
    "KIND",
    "SCHEMA",
    "as_episodes",
    "check",
    "from_arrays",
    "from_monitor",
    "from_neo",
    "from_nwb",
    "of_cells",
    "of_population",
    "read_csv",
    "to_neo",
    "to_pandas",
    "to_program",
    "write_nwb",
]
