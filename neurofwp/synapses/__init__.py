"""Receptor and plasticity equations as Brian2 blocks. A new form of a stage is one file and one line here."""

from neurofwp.synapses.ampa import EXPONENTIAL
from neurofwp.synapses.base import Stage
from neurofwp.synapses.btsp import BTSP
from neurofwp.synapses.calcium import LOW_PASS
from neurofwp.synapses.calcium_control import CALCIUM_CONTROL
from neurofwp.synapses.calcium_jump_events import JUMP_EVENTS, JUMP_PLATEAU_EVENTS
from neurofwp.synapses.calcium_jumps import JUMP_PLATEAUS, JUMPS
from neurofwp.synapses.chindemi import INTEGRATED_CALCIUM
from neurofwp.synapses.clopath import CLOPATH
from neurofwp.synapses.finite_pool import FINITE_POOL
from neurofwp.synapses.gradual import GRADUAL
from neurofwp.synapses.linear import LINEAR
from neurofwp.synapses.magnesium import JAHR_STEVENS, VARGAS_CABALLERO_ROBINSON
from neurofwp.synapses.nmda import SATURATING
from neurofwp.synapses.nmda_two_exponentials import TWO_EXPONENTIALS
from neurofwp.synapses.none import NO_CALCIUM, NO_MAGNESIUM, NO_NMDA, NO_TURNOVER
from neurofwp.synapses.omega import OMEGA
from neurofwp.synapses.spine_calcium import NMDA_AND_CHANNELS
from neurofwp.synapses.triplet import TRIPLET
from neurofwp.synapses.tsodyks_markram import TSODYKS_MARKRAM
from neurofwp.synapses.turnover import CONSTITUTIVE
from neurofwp.synapses.two_threshold import TWO_THRESHOLD
from neurofwp.synapses.two_threshold_bistable import BISTABLE
from neurofwp.synapses.two_threshold_events import EVENTS, NOISY_EVENTS

STAGES: tuple[Stage, ...] = (
    TSODYKS_MARKRAM,
    SATURATING,
    TWO_EXPONENTIALS,
    NO_NMDA,
    NO_MAGNESIUM,
    NO_CALCIUM,
    NO_TURNOVER,
    JAHR_STEVENS,
    VARGAS_CABALLERO_ROBINSON,
    LOW_PASS,
    NMDA_AND_CHANNELS,
    JUMPS,
    JUMP_PLATEAUS,
    JUMP_EVENTS,
    JUMP_PLATEAU_EVENTS,
    LINEAR,
    OMEGA,
    TWO_THRESHOLD,
    BISTABLE,
    EVENTS,
    NOISY_EVENTS,
    CALCIUM_CONTROL,
    INTEGRATED_CALCIUM,
    TRIPLET,
    CLOPATH,
    BTSP,
    FINITE_POOL,
    GRADUAL,
    CONSTITUTIVE,
    EXPONENTIAL,
)
