"""Receptor and plasticity equations as Brian2 blocks. A new form of a stage is one file with one class.

It has a line here, or is registered from outside: `neurofwp.register`, or an entry point of the group neurofwp.stages,
called by stage and form, as in "expression.linear".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes
from neurofwp.runtime.registry import Registry
from neurofwp.synapses.stage import Stage
from neurofwp.synapses.stages.ampa import Exponential
from neurofwp.synapses.stages.calcium.jump_events import JumpEvents, JumpPlateauEvents
from neurofwp.synapses.stages.calcium.jumps import JumpPlateaus, Jumps
from neurofwp.synapses.stages.calcium.low_pass import LowPass
from neurofwp.synapses.stages.calcium.spine import NMDAAndChannels
from neurofwp.synapses.stages.expression.btsp import BTSP
from neurofwp.synapses.stages.expression.calcium_control import CalciumControl
from neurofwp.synapses.stages.expression.clopath import Clopath
from neurofwp.synapses.stages.expression.integrated_calcium import IntegratedCalcium
from neurofwp.synapses.stages.expression.linear import Linear
from neurofwp.synapses.stages.expression.omega import Omega
from neurofwp.synapses.stages.expression.pair import NearestPair, Pair
from neurofwp.synapses.stages.expression.triplet import Triplet
from neurofwp.synapses.stages.expression.two_threshold import TwoThreshold
from neurofwp.synapses.stages.expression.two_threshold_bistable import Bistable
from neurofwp.synapses.stages.expression.two_threshold_events import Events, NoisyEvents
from neurofwp.synapses.stages.magnesium import JahrStevens, VargasCaballeroRobinson
from neurofwp.synapses.stages.nmda.saturating import Saturating, SaturatingPerSynapse
from neurofwp.synapses.stages.nmda.two_exponentials import TwoExponentials
from neurofwp.synapses.stages.none import NoCalcium, NoMagnesium, NoNMDA, NoTurnover
from neurofwp.synapses.stages.release import Binomial, TsodyksMarkram
from neurofwp.synapses.stages.trafficking.finite_pool import FinitePool
from neurofwp.synapses.stages.trafficking.gradual import Gradual
from neurofwp.synapses.stages.turnover import Constitutive

if TYPE_CHECKING:
    from neurofwp.synapses.model import SynapseModel as SynapseModel, load as load
    from neurofwp.synapses.variants import adapt as adapt
    from neurofwp.synapses.write_model import model_toml as model_toml
    from neurofwp.synapses.write_speed import at_speed as at_speed

STAGES: tuple[Stage, ...] = (
    TsodyksMarkram(),
    Binomial(),
    Saturating(),
    SaturatingPerSynapse(),
    TwoExponentials(),
    NoNMDA(),
    NoMagnesium(),
    NoCalcium(),
    NoTurnover(),
    JahrStevens(),
    VargasCaballeroRobinson(),
    LowPass(),
    NMDAAndChannels(),
    Jumps(),
    JumpPlateaus(),
    JumpEvents(),
    JumpPlateauEvents(),
    Linear(),
    Omega(),
    TwoThreshold(),
    Bistable(),
    Events(),
    NoisyEvents(),
    CalciumControl(),
    IntegratedCalcium(),
    Pair(),
    NearestPair(),
    Triplet(),
    Clopath(),
    BTSP(),
    FinitePool(),
    Gradual(),
    Constitutive(),
    Exponential(),
)

__getattr__ = attributes(
    __name__,
    {
        "SynapseModel": "model",
        "adapt": "variants",
        "at_speed": "write_speed",
        "load": "model",
        "model_toml": "write_model",
    },
)


def _check(stage: Stage, others: Sequence[Stage]) -> None:
    from neurofwp.synapses import consistency  # brings Brian2

    consistency.check(stage, others)


REGISTRY: Registry[Stage] = Registry("stage", lambda stage: stage.name, shipped=STAGES, check=_check)
