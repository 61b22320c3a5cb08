"""What all kinds of protocol share: their coordinates, the onset of a train, and a check."""

from __future__ import annotations

import math

from neurofwp.errors import InputError
from neurofwp.laboratory.protocol import MOST
from neurofwp.runtime.lazy import np

MARGIN = 1.0  # ms before the first spike of a train

# coordinate of a protocol: (meaning, unit)
COORDINATES = {
    "dt": ("t_post − t_pre", "ms"),
    "frequency": ("frequency", "Hz"),
    "dt1": ("t_post − t_pre of the first pair", "ms"),
    "dt2": ("t_post − t_pre of the second pair", "ms"),
    "interval": ("from the post-pre to the pre-post pair", "ms"),
    "voltage": ("postsynaptic voltage", "mV"),
    "pre_rate": ("presynaptic rate", "Hz"),
    "post_rate": ("postsynaptic rate", "Hz"),
    "delay": ("presynaptic spike after plateau onset", "s"),
    "initial": ("weight before", "nS"),
    "calcium": ("extracellular calcium", "mM"),
}


def check_above_zero(what: str, **values: float) -> None:
    """InputError for a value that is not finite and above 0."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{what} needs {name} above 0, not {value:g}")


def regular_times(what: str, spikes: int, frequency: float) -> np.ndarray:
    """Times (ms) of so many spikes at a frequency (Hz), the first after `MARGIN`.

    Raises
    ------
    InputError
        for a number or frequency that is not above 0, and for more spikes than a protocol may have.
    """
    check_above_zero(what, frequency=frequency, spikes=spikes)
    if spikes > MOST:
        raise InputError(f"{what} with more than {MOST:,} spikes is too much for memory")
    return np.arange(spikes) * 1000 / frequency + MARGIN
