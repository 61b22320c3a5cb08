"""The protocols of plasticity laboratories: one function per kind, each returns a list of Protocols.

Times within a train are in ms, frequencies in Hz, periods in s, as in `Protocol`. All functions raise InputError for a
frequency, rate or count that is not above 0, and for a train that outlasts its period.
"""

from neurofwp.laboratory.kinds.common import COORDINATES, MARGIN
from neurofwp.laboratory.kinds.depolarisation import plateau_induction, voltage_pairing
from neurofwp.laboratory.kinds.pairs import calcium_series, pairing, pairing_frequency, spike_timing
from neurofwp.laboratory.kinds.rates import DEAD_TIME, poisson, presynaptic_frequency
from neurofwp.laboratory.kinds.spike_groups import quadruplets, triplets

__all__ = [
    "COORDINATES",
    "DEAD_TIME",
    "MARGIN",
    "calcium_series",
    "pairing",
    "pairing_frequency",
    "plateau_induction",
    "poisson",
    "presynaptic_frequency",
    "quadruplets",
    "spike_timing",
    "triplets",
    "voltage_pairing",
]
