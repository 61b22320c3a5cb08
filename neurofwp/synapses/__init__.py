"""Receptor and plasticity equations as Brian2 blocks. A new form of a stage is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes
from neurofwp.synapses.stage import Stage
from neurofwp.synapses.stages.ampa import EXPONENTIAL
from neurofwp.synapses.stages.calcium.jump_events import JUMP_EVENTS, JUMP_PLATEAU_EVENTS
from neurofwp.synapses.stages.calcium.jumps import JUMP_PLATEAUS, JUMPS
from neurofwp.synapses.stages.calcium.low_pass import LOW_PASS
from neurofwp.synapses.stages.calcium.spine import NMDA_AND_CHANNELS
from neurofwp.synapses.stages.expression.btsp import BTSP
from neurofwp.synapses.stages.expression.calcium_control import CALCIUM_CONTROL
from neurofwp.synapses.stages.expression.clopath import CLOPATH
from neurofwp.synapses.stages.expression.integrated_calcium import INTEGRATED_CALCIUM
from neurofwp.synapses.stages.expression.linear import LINEAR
from neurofwp.synapses.stages.expression.omega import OMEGA
from neurofwp.synapses.stages.expression.triplet import TRIPLET
from neurofwp.synapses.stages.expression.two_threshold import TWO_THRESHOLD
from neurofwp.synapses.stages.expression.two_threshold_bistable import BISTABLE
from neurofwp.synapses.stages.expression.two_threshold_events import EVENTS, NOISY_EVENTS
from neurofwp.synapses.stages.magnesium import JAHR_STEVENS, VARGAS_CABALLERO_ROBINSON
from neurofwp.synapses.stages.nmda.saturating import SATURATING
from neurofwp.synapses.stages.nmda.two_exponentials import TWO_EXPONENTIALS
from neurofwp.synapses.stages.none import NO_CALCIUM, NO_MAGNESIUM, NO_NMDA, NO_TURNOVER
from neurofwp.synapses.stages.release import TSODYKS_MARKRAM
from neurofwp.synapses.stages.trafficking.finite_pool import FINITE_POOL
from neurofwp.synapses.stages.trafficking.gradual import GRADUAL
from neurofwp.synapses.stages.turnover import CONSTITUTIVE

if TYPE_CHECKING:
    from neurofwp.synapses.model import SynapseModel as SynapseModel
    from neurofwp.synapses.model import load as load

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

__getattr__ = attributes(__name__, {"SynapseModel": "model", "load": "model"})
