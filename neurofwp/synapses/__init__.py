"""Receptor and plasticity equations as Brian2 blocks. A new form of a stage is one file and one line here."""

from neurofwp.synapses.ampa import EXPONENTIAL
from neurofwp.synapses.base import Stage
from neurofwp.synapses.calcium import LOW_PASS
from neurofwp.synapses.calcium_control import CALCIUM_CONTROL
from neurofwp.synapses.linear import LINEAR
from neurofwp.synapses.magnesium import JAHR_STEVENS, VARGAS_CABALLERO_ROBINSON
from neurofwp.synapses.nmda import SATURATING
from neurofwp.synapses.omega import OMEGA
from neurofwp.synapses.turnover import CONSTITUTIVE
from neurofwp.synapses.two_threshold import TWO_THRESHOLD

STAGES: tuple[Stage, ...] = (
    SATURATING,
    JAHR_STEVENS,
    VARGAS_CABALLERO_ROBINSON,
    LOW_PASS,
    LINEAR,
    OMEGA,
    TWO_THRESHOLD,
    CALCIUM_CONTROL,
    CONSTITUTIVE,
    EXPONENTIAL,
)
